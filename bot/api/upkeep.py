"""What time brings for other programs: events to be told, attempts that are due, keys and events that are old."""

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from bot.api import events, idempotency


async def look(db: Database) -> None:
    """Do what is due; safe in any number of workers at once."""
    async with db.transaction() as session:
        now = await current_time(session)
        await events.fan_out(session, now=now)
    async with db.transaction() as session:
        now = await current_time(session)
        await events.call_due(session, now=now)
        await events.forget_old(session, now=now)
        await idempotency.forget_old(session, now=now)
