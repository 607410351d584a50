"""What was written to us while our doors were shut: the provider's own list is read, and what is not known is received.

Twilio gives up on a webhook that was answered badly and never sends it again, so this is the only way it comes in.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from sqlalchemy import select

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from channels.contract import Channel, IncomingMessage, SendError
from channels.lines import Line, OwnLines
from channels.models import Message
from channels.receive import receive
from channels.registry import ADDRESSED

log = logging.getLogger(__name__)

#: How far back the list is read.
LOOK_BACK = timedelta(hours=1)


@runtime_checkable
class ListsIncoming(Protocol):
    """An adapter whose provider keeps a list of what came in."""

    async def list_incoming(self, since: datetime) -> Sequence[IncomingMessage]:
        """Return what came in of late, the oldest first; raises SendError."""
        ...


async def fetch_missed(db: Database, channels: Mapping[str, Channel], *, own: OwnLines | None = None) -> int:
    """Receive what the providers have and we do not; returns how much that was. Safe at any time, also at once."""
    async with db.transaction() as session:
        since = await current_time(session) - LOOK_BACK
    lines = [Line(channel) for channel in channels.values()]
    if own is not None:
        await own.look()
        lines += [line for name in ADDRESSED for line in own.on(name)]
    count = 0
    for line in lines:
        if isinstance(line.channel, ListsIncoming):
            count += await _fetch(db, line, line.channel, since)
    if count:
        log.warning("%s messages had not come in by webhook", count)
    return count


async def _fetch(db: Database, line: Line, lists: ListsIncoming, since: datetime) -> int:
    """Receive what one line has and we do not: of a business's own line as its own."""
    name = line.channel.name
    try:
        listed = await lists.list_incoming(since)
    except SendError as error:
        log.warning("the list of %s could not be read: %s", name, error.code)
        return 0
    async with db.transaction() if line.business_id is None else db.transaction(line.business_id) as session:
        ids = [one.provider_id for one in listed]
        known = set(
            await session.scalars(
                select(Message.provider_id).where(Message.channel == name, Message.provider_id.in_(ids))
            )
        )
        missed = [one for one in listed if one.provider_id not in known]
        if not missed:
            return 0
        return (await receive(session, name, missed, now=await current_time(session))).written
