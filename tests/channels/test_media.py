"""What customers send besides words: fetched, judged by its own bytes, kept for a while; over the sandbox's HTTP."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from booking_core.kit.clock import current_time
from booking_core.kit.jobs import Job
from channels import media
from channels.contract import SendError
from channels.inbound import fetch_missed
from channels.media import MediaRefused, kind_of
from channels.models import MediaFile, Message
from channels.twilio import Twilio
from tests.channels.builders import jobs
from tests.channels.peer import Peer, open_peer
from tests.channels.sandboxed import ADDRESSES, World
from tests.channels.test_inbound import forget
from tests.channels.test_twilio_send import access

PICTURE = b"\x89PNG\r\n\x1a\n" + b"picture" * 10
VOICE = b"OggS" + b"voice" * 10
PAGE = b"<html><script>alert(1)</script></html>"


async def send(world: World, channel: str, data: bytes, kind: str = "image/png", text: str = "") -> Message:
    path = f"/sandbox/phones/{channel}/{ADDRESSES[channel]}/send-file"
    body = {"type": kind, "data": base64.b64encode(data).decode(), "text": text}
    assert (await world.http.post(path, json=body)).status_code == 202
    return await world.heard(channel, lambda row: bool(row.attachments))


async def files(world: World) -> list[MediaFile]:
    async with world.db.transaction() as session:
        return list(await session.scalars(select(MediaFile)))


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "telegram"])
@pytest.mark.parametrize(("data", "kind"), [(PICTURE, "image/png"), (VOICE, "audio/ogg")])
async def test_a_picture_or_a_voice_note_is_kept(
    world: World, database_url: str, channel: str, data: bytes, kind: str
) -> None:
    row = await send(world, channel, data, kind, text="look")
    assert row.text == "look"
    assert Job.FETCH_MEDIA in [job["task_name"] for job in jobs(database_url)]
    for _ in range(2):  # a job may run twice
        await media.fetch(world.db, world.channels, row.business_id, row.id)
    (file,) = await files(world)
    assert (file.state, file.content_type, file.data) == ("kept", kind, data)


@pytest.mark.parametrize("channel", ["sms", "telegram"])
async def test_what_calls_itself_a_picture_and_is_none_is_not_kept(world: World, channel: str) -> None:
    row = await send(world, channel, PAGE, "image/png")
    await media.fetch(world.db, world.channels, row.business_id, row.id)
    (file,) = await files(world)
    assert (file.state, file.reason, file.data) == ("refused", "type", None)


@pytest.mark.parametrize("channel", ["sms", "telegram"])
async def test_what_is_too_large_is_not_kept(world: World, channel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "LARGEST", 50)
    row = await send(world, channel, PICTURE)
    await media.fetch(world.db, world.channels, row.business_id, row.id)
    (file,) = await files(world)
    assert (file.state, file.reason, file.data) == ("refused", "size", None)


async def test_a_picture_whose_webhook_was_lost_comes_by_the_list(world: World) -> None:
    await send(world, "sms", PICTURE)
    async with world.db.transaction() as session:
        for one in await session.scalars(select(MediaFile)):
            await session.delete(one)
    await forget(world)
    assert await fetch_missed(world.db, world.channels) == 1
    async with world.db.transaction() as session:
        row = (await session.scalars(select(Message))).one()
    await media.fetch(world.db, world.channels, row.business_id, row.id)
    assert [file.state for file in await files(world)] == ["kept"]


async def test_what_was_kept_long_enough_goes(world: World) -> None:
    row = await send(world, "sms", PICTURE)
    await media.fetch(world.db, world.channels, row.business_id, row.id)
    async with world.db.transaction() as session:
        now = await current_time(session)
        assert await media.forget_old(session, now=now + timedelta(days=89)) == 0
        assert await media.forget_old(session, now=now + timedelta(days=91)) == 1
    assert [(file.state, file.data) for file in await files(world)] == [("gone", None)]


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with open_peer() as peer:
        yield peer


@pytest.mark.parametrize("url", ["https://evil.example/a.png", "http://169.254.169.254/", "file:///etc/passwd", ""])
async def test_our_key_goes_to_nobody_but_twilio(peer: Peer, url: str) -> None:
    channel = Twilio.sms(access(peer), quiet=timedelta(0))
    with pytest.raises(MediaRefused):
        await channel.fetch_media({"url": url}, most=100)
    assert peer.asked == []
    await channel.close()


@pytest.mark.parametrize("status", [404, 410, 500, 401])
async def test_what_twilio_does_not_give(peer: Peer, status: int) -> None:
    peer.answers["/Media/ME1"] = [(status, "no")]
    channel = Twilio.sms(access(peer), quiet=timedelta(0))
    with pytest.raises(MediaRefused if status in (404, 410) else SendError):
        await channel.fetch_media({"url": "https://api.twilio.com/Media/ME1"}, most=100)
    await channel.close()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\0\0\0\x18ftypM4A ", "audio/mp4"),
        (b"\0\0\0\x18ftypisom", "video/mp4"),
        (b"%PDF-1.7", "application/pdf"),
        (b"<svg xmlns=", None),
        (PAGE, None),
        (b"MZ\x90", None),
        (b"", None),
    ],
)
def test_a_file_is_what_its_bytes_are(data: bytes, kind: str | None) -> None:
    assert kind_of(data) == kind
