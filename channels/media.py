"""Pictures, voice notes and files that customers send: fetched by a job, judged by their own bytes, kept for a while.

Nothing is believed of what was said of a file: only what its first bytes show to be of a harmless kind is kept.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.kit.jobs import Job, defer
from booking_core.kit.live import announce
from channels.contract import Channel, SendError
from channels.lines import OwnLines, account_of, channel_for
from channels.models import MediaFile, Message

log = logging.getLogger(__name__)

#: WhatsApp's own limit for sound and video.
LARGEST = 16 * 1024 * 1024
KEPT_FOR = timedelta(days=90)
#: Of one message; Twilio sends no more.
MOST = 10


class MediaRefused(Exception):
    """It will not be kept: `reason` is type, size or gone."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@runtime_checkable
class FetchesMedia(Protocol):
    """An adapter whose platform keeps what customers send, to be fetched."""

    async def fetch_media(self, fact: Mapping[str, Any], *, most: int) -> bytes:
        """Return a file of at most so many bytes; raises MediaRefused, or SendError for what passes."""
        ...


def kind_of(data: bytes) -> str | None:
    """Return the content type of a file by its first bytes; None for what we do not keep."""
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in (b"heic", b"heix", b"mif1"):
            return "image/heic"
        return "audio/mp4" if brand == b"M4A " else "video/3gpp" if brand.startswith(b"3gp") else "video/mp4"
    if data[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[8:12])
    return next((kind for mark, kind in _MARKS if data.startswith(mark)), None)


_MARKS: Sequence[tuple[bytes, str]] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"%PDF-", "application/pdf"),
)


async def expect(
    session: AsyncSession, business_id: UUID, message_id: UUID, facts: Sequence[Mapping[str, Any]], *, now: datetime
) -> None:
    """Note what came with a message and defer fetching it."""
    places = [place for place, fact in enumerate(facts) if fact.get("url") or fact.get("file_id")][:MOST]
    for place in places:
        row = {"business_id": business_id, "id": new_id(), "message_id": message_id, "place": place}
        await session.execute(insert(MediaFile).values(**row, state="waiting", created_at=now).on_conflict_do_nothing())
    if places:
        await defer(session, Job.FETCH_MEDIA, business_id=str(business_id), message_id=str(message_id))


async def fetch(
    db: Database,
    channels: Mapping[str, Channel],
    business_id: UUID,
    message_id: UUID,
    *,
    own: OwnLines | None = None,
) -> None:
    """Fetch what came with a message and is not there yet; raises SendError when it is worth another try."""
    async with db.transaction(business_id) as session:
        message = await session.get(Message, (business_id, message_id))
        waiting = await _files(session, business_id, message_id, "waiting")
        if message is None or not waiting:
            return
        facts = {one.id: message.attachments[one.place] for one in waiting}
        account = await account_of(session, own, message)
    channel = await channel_for(channels, own, business_id, message.channel, account)
    later: SendError | None = None
    for file_id, fact in facts.items():
        try:
            data = await _fetched(channel, fact)
        except SendError as error:
            later = error
            continue
        except MediaRefused as refused:
            await _settle(db, message, file_id, state="refused", reason=refused.reason)
        else:
            await _settle(db, message, file_id, state="kept", content_type=kind_of(data), data=data)
    if later is not None:
        raise later


async def _fetched(channel: Channel | None, fact: Mapping[str, Any]) -> bytes:
    if not isinstance(channel, FetchesMedia):
        raise MediaRefused("gone")
    data = await channel.fetch_media(fact, most=LARGEST)
    if len(data) > LARGEST:
        raise MediaRefused("size")
    if kind_of(data) is None:
        raise MediaRefused("type")
    return data


async def give_up(db: Database, business_id: UUID, message_id: UUID) -> None:
    """Note that the provider never gave what came with a message."""
    async with db.transaction(business_id) as session:
        for one in await _files(session, business_id, message_id, "waiting"):
            one.state, one.reason = "refused", "gone"


async def _files(session: AsyncSession, business_id: UUID, message_id: UUID, state: str) -> list[MediaFile]:
    found = await session.scalars(
        select(MediaFile).where(
            MediaFile.business_id == business_id, MediaFile.message_id == message_id, MediaFile.state == state
        )
    )
    return list(found)


async def _settle(db: Database, message: Message, file_id: UUID, **values: Any) -> None:
    async with db.transaction(message.business_id) as session:
        await session.execute(
            update(MediaFile)
            .where(MediaFile.business_id == message.business_id, MediaFile.id == file_id, MediaFile.state == "waiting")
            .values(**values)
        )
        announce(session, message.business_id, message.conversation_id, "message")


async def forget_old(session: AsyncSession, *, now: datetime) -> int:
    """Throw away what has been kept long enough; that there was something stays known."""
    gone = await session.execute(
        update(MediaFile)
        .where(MediaFile.state == "kept", MediaFile.created_at < now - KEPT_FOR)
        .values(state="gone", data=None)
        .returning(MediaFile.id)
    )
    return len(gone.all())
