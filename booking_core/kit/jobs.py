"""Durable jobs: deferred by name inside the caller's transaction, so that a rollback forgets them.

What a name does is registered in one place (`bot/jobs.py`); every job is safe to run twice.
"""

from datetime import timedelta
from enum import StrEnum
from math import ceil
from typing import Any

import procrastinate
from procrastinate.types import TimeDeltaParams
from sqlalchemy.ext.asyncio import AsyncSession


class Job(StrEnum):
    """Every job of the system."""

    ANSWER_CONVERSATION = "answer_conversation"
    DELIVER_MESSAGE = "deliver_message"
    ACKNOWLEDGE_TAP = "acknowledge_tap"
    LEAVE_GROUP = "leave_group"
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


#: Only builds the insert: the statement runs on the caller's own connection.
_blueprint = procrastinate.App(connector=procrastinate.PsycopgConnector())


async def defer(session: AsyncSession, job: Job, *, delay: timedelta | None = None, **arguments: Any) -> None:
    """Defer a job in the session's transaction; `arguments` are JSON values (ids as text).

    `delay` is real time, whatever the sandbox does to the clock: for retries, not for what is due.
    """
    connection = await session.connection()
    raw = (await connection.get_raw_connection()).driver_connection
    later: TimeDeltaParams | None = None if delay is None else {"seconds": max(ceil(delay.total_seconds()), 0)}
    task = _blueprint.configure_task(job.value, queue=job.value, connection=raw, schedule_in=later)
    await task.defer_async(**arguments)
