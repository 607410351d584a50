"""Files of customers in the console: for those who may read the thread, and never as a page that runs."""

from uuid import UUID

from sqlalchemy import select

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from channels.models import MediaFile, Message
from tests.bot.console.conftest import Browser, SignIn
from tests.bot.console.scene import Scene, add_thread, open_business

PICTURE = b"\x89PNG\r\n\x1a\n" + b"picture" * 10


async def with_file(database: Database, scene: Scene, **values: object) -> tuple[UUID, UUID]:
    async with database.transaction() as session:
        said = [("customer", "look", {"attachments": [{"type": "image/png", "url": "https://api.twilio.com/1"}]})]
        thread = await add_thread(session, scene, "sms", "+34600111222", said)
        message = (await session.scalars(select(Message).where(Message.conversation_id == thread))).one()
        row = {"state": "kept", "content_type": "image/png", "data": PICTURE} | values
        file = MediaFile(
            business_id=scene.business.id,
            id=new_id(),
            message_id=message.id,
            place=0,
            created_at=await current_time(session),
            **row,
        )
        session.add(file)
        return thread, file.id


async def test_a_picture_is_shown_in_its_thread(
    database: Database, scene: Scene, signed_in: SignIn, anyone: Browser
) -> None:
    thread, file = await with_file(database, scene)
    ana = await signed_in("staff")
    assert f'src="/console/media/{file}"' in (await ana.get(f"/console/threads/{thread}")).text
    answer = await ana.get(f"/console/media/{file}")
    assert (answer.content, answer.headers["content-type"]) == (PICTURE, "image/png")
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (await anyone.get(f"/console/media/{file}")).status_code == 303


async def test_a_document_is_saved_and_not_shown(database: Database, scene: Scene, signed_in: SignIn) -> None:
    thread, file = await with_file(database, scene, content_type="application/pdf")
    ana = await signed_in("staff")
    page = (await ana.get(f"/console/threads/{thread}")).text
    assert f'href="/console/media/{file}"' in page
    assert f'src="/console/media/{file}"' not in page
    assert (await ana.get(f"/console/media/{file}")).headers["content-disposition"].startswith("attachment")


async def test_what_was_not_kept_says_so(database: Database, scene: Scene, signed_in: SignIn) -> None:
    thread, file = await with_file(database, scene, state="refused", data=None, content_type=None, reason="type")
    ana = await signed_in("staff")
    assert "Not kept" in (await ana.get(f"/console/threads/{thread}")).text
    assert (await ana.get(f"/console/media/{file}")).status_code == 404


async def test_another_business_sees_nothing(database: Database, scene: Scene, signed_in: SignIn) -> None:
    _, file = await with_file(database, scene)
    async with database.transaction() as session:
        await open_business(session, "rival")
    rival = await signed_in("owner@rival.example")
    assert (await rival.get(f"/console/media/{file}")).status_code == 404
