"""Durable jobs: deferred by name inside the caller's transaction, so that a rollback forgets them.

What a name does is registered in one place (`bot/jobs.py`); every job is safe to run twice.
"""

import json
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.statements import run


class Job(StrEnum):
    """Every job of the system."""

    ANSWER_CONVERSATION = "answer_conversation"
    DELIVER_MESSAGE = "deliver_message"
    ACKNOWLEDGE_TAP = "acknowledge_tap"
    LEAVE_GROUP = "leave_group"
    TELL_BOT = "tell_bot"
    FETCH_MEDIA = "fetch_media"
    MAKE_PAYMENT_LINK = "make_payment_link"
    CLOSE_PAYMENT_LINK = "close_payment_link"
    REFUND_PAYMENT = "refund_payment"
    SETTLE_PAYMENT_EVENT = "settle_payment_event"
    TELL_HOLD_EXPIRED = "tell_hold_expired"
    SEND_REMINDER = "send_reminder"
    DELIVER_WEBHOOK = "deliver_webhook"
    OFFER_FREED_TIME = "offer_freed_time"
    TELL_MOVE_PROPOSED = "tell_move_proposed"
    CHECK_MOVE = "check_move"
    CHECK_TIME_OFF = "check_time_off"


def deferred_by(arguments: str) -> str:
    """Return what `procrastinate` defers with, too, with SQL for the job's arguments (jsonb).

    Its jobs wait in the order in which they came.
    """
    return f"""procrastinate_defer_jobs_v1(ARRAY[ROW(
    %(queue)s, %(task)s, 0, NULL, NULL, {arguments}, now() + CAST(%(delay)s AS interval)
)::procrastinate_job_to_defer_v1])"""


#: For a job whose arguments are known.
DEFER = deferred_by("CAST(%(arguments)s AS jsonb)")


async def defer(session: AsyncSession, job: Job, *, delay: timedelta | None = None, **arguments: Any) -> None:
    """Defer a job in the session's transaction; `arguments` are JSON values (ids as text).

    `delay` is real time, whatever the sandbox does to the clock: for retries, not for what is due.
    """
    await run(session, f"SELECT {DEFER}", deferred(job, delay=delay, **arguments))


def deferred(job: Job, *, delay: timedelta | None = None, **arguments: Any) -> dict[str, Any]:
    """Return the values of `DEFER`, for a statement that does more than that."""
    later = None if delay is None else max(delay, timedelta(0))
    return {"queue": job.value, "task": job.value, "arguments": json.dumps(arguments), "delay": later}
