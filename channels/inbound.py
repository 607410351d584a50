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
from channels.models import Message
from channels.receive import receive

log = logging.getLogger(__name__)

#: How far back the list is read.
LOOK_BACK = timedelta(hours=1)


@runtime_checkable
class ListsIncoming(Protocol):
    """An adapter whose provider keeps a list of what came in."""

    async def list_incoming(self, since: datetime) -> Sequence[IncomingMessage]:
        """Return what came in of late, the oldest first; raises SendError."""
        ...


async def fetch_missed(db: Database, channels: Mapping[str, Channel]) -> int:
    """Receive what the providers have and we do not; returns how much that was. Safe at any time, also at once."""
    count = 0
    async with db.transaction() as session:
        since = await current_time(session) - LOOK_BACK
    for name, channel in channels.items():
        if not isinstance(channel, ListsIncoming):
            continue
        try:
            listed = await channel.list_incoming(since)
        except SendError as error:
            log.warning("the list of %s could not be read: %s", name, error.code)
            continue
        async with db.transaction() as session:
            ids = [one.provider_id for one in listed]
            known = set(
                await session.scalars(
                    select(Message.provider_id).where(Message.channel == name, Message.provider_id.in_(ids))
                )
            )
            missed = [one for one in listed if one.provider_id not in known]
            if missed:
                receipt = await receive(session, name, missed, now=await current_time(session))
                count += receipt.written
    if count:
        log.warning("%s messages had not come in by webhook", count)
    return count
