"""What time brings: holds and offers that ran out, reminders that are due, jobs of workers that died, a sign of life.

Rows say what is due; this loop looks at them by the system's clock, which the sandbox can move. It may
run in any number of workers at once: rows are claimed with SKIP LOCKED.
"""

import asyncio
import logging
import os
import socket

import procrastinate
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core import proposals, sessions, waitlist
from booking_core.kit.clock import current_time
from booking_core.kit.db import UNAVAILABLE
from booking_core.kit.jobs import Job, defer
from bot import handoff
from bot.api import upkeep
from bot.tasks import ask_staff
from bot.wiring import System
from channels import deliver, terms

log = logging.getLogger(__name__)

#: Seconds between looks.
TICK = 1.0
#: A worker that has not been heard of for so long (seconds) is dead: its jobs go back to the queue.
DEAD_AFTER = 6.0
HEARTBEAT = 1.0

_BEAT = text(
    "INSERT INTO worker_beat (worker, model, beat_at) VALUES (:worker, :model, clock_timestamp()) "
    "ON CONFLICT (worker) DO UPDATE SET model = excluded.model, beat_at = excluded.beat_at"
)
_FORGET = text("DELETE FROM worker_beat WHERE beat_at < clock_timestamp() - interval '1 hour'")


async def keep_time(system: System, jobs: procrastinate.App, *, model: str) -> None:
    """Look at what is due, for ever; a database that is away for a while is waited for."""
    worker = f"{socket.gethostname()}:{os.getpid()}"
    while True:
        try:
            await look(system, jobs)
            await beat(system, worker, model)
        except (DBAPIError, *UNAVAILABLE, OSError, procrastinate.exceptions.ConnectorException) as error:
            log.warning("the clockwork could not look: %s", type(error).__name__)
        await asyncio.sleep(TICK)


async def look(system: System, jobs: procrastinate.App) -> None:
    """Expire what ran out, queue what is due, put back what a dead worker left."""
    async with system.db.transaction() as session:
        now = await current_time(session)
        await bookings.expire_due(session, now=now)
    async with system.db.transaction() as session:
        now = await current_time(session)
        await proposals.expire_due(session, now=now)
        await waitlist.lapse_due(session, now=now)
    async with system.db.transaction() as session:
        await prolong_timetables(session)
    async with system.db.transaction() as session:
        now = await current_time(session)
        for reminder in await bookings.take_due_reminders(session, now=now, limit=100):
            await defer(session, Job.SEND_REMINDER, business_id=str(reminder.business_id), reminder_id=str(reminder.id))
    async with system.db.transaction() as session:
        now = await current_time(session)
        await handoff.wake_due(session, now=now)
    async with system.db.transaction() as session:
        now = await current_time(session)
        await terms.wake_due(session, now=now)
        await deliver.requeue_stuck(session, now=now)
    await upkeep.look(system.db)
    for job in await jobs.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER):
        await jobs.job_manager.retry_job(job)


async def prolong_timetables(session: AsyncSession) -> None:
    """Make the classes of the day that has come into the booking window; a person settles what clashes."""
    now = await current_time(session)
    for clash in await sessions.prolong_due(session, now=now):
        await ask_staff(
            session,
            clash.business_id,
            kind="class_clash",
            key=f"class:{clash.service_id}:{clash.location_id}:{clash.starts.isoformat()}",
            now=now,
            data={"starts": clash.starts.isoformat(), "reason": clash.reason.value},
        )


async def beat(system: System, worker: str, model: str) -> None:
    """Record that this worker lives and has a model."""
    async with system.db.transaction() as session:
        await session.execute(_BEAT, {"worker": worker, "model": model})
        await session.execute(_FORGET)
