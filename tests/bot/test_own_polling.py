"""Updates of businesses' own bots are fetched where nobody can call us: by one worker, as their business's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from bot import polling
from bot.credential_shapes import Provider
from bot.jobs import Work
from bot.polling import poll_all
from channels.accounts import open_account
from channels.models import Message
from tests.bot.own_accounts import OURS, THEIRS, keep, live
from tests.bot.test_own_sending import here, peer  # noqa: F401 - fixtures
from tests.channels.peer import Peer


def update(number: int, text: str) -> dict[str, object]:
    person = {"id": 42, "is_bot": False, "first_name": "Ada"}
    chat = {"id": 42, "type": "private", "first_name": "Ada"}
    message = {"message_id": number, "date": 1_790_000_000, "chat": chat, "from": person, "text": text}
    return {"update_id": number, "message": message}


def found(*updates: dict[str, object]) -> tuple[int, dict[str, object]]:
    return 200, {"ok": True, "result": list(updates)}


@pytest.fixture
async def laptop(here: SimpleNamespace, database_url: str, redis_url: str) -> SimpleNamespace:  # noqa: F811
    """As `here`, at an address that nobody can call."""
    settings = live(database_url, redis_url, telegram_polling=True)
    return SimpleNamespace(db=here.db, own=here.own, channels=here.shared, settings=settings, ids=here.ids)


@contextlib.asynccontextmanager
async def fetching(laptop: SimpleNamespace, workers: int = 1) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(poll_all(laptop, wait=timedelta(0), stand_by=0.05)) for _ in range(workers)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def heard(laptop: SimpleNamespace, many: int) -> set[tuple[str, str]]:
    slugs = {business_id: slug for slug, business_id in laptop.ids.items()}
    for _ in range(200):
        async with laptop.db.transaction() as session:
            rows = [(slugs[row.business_id], row.text) for row in await session.scalars(select(Message))]
        if len(rows) >= many:
            return set(rows)
        await asyncio.sleep(0.05)
    raise AssertionError(rows)


async def test_every_bot_is_asked_and_what_came_is_its_businesss(laptop: SimpleNamespace, peer: Peer) -> None:  # noqa: F811
    shared = laptop.channels["telegram"]
    async with laptop.db.transaction() as session:
        await open_account(session, laptop.ids["shared"], "telegram", shared.bot_id)
    peer.answers = {
        f"/bot{shared._bot.token}/getUpdates": [found(update(1, "to all")), found()],
        f"/bot{OURS.bot}/getUpdates": [found(update(1, "to ours")), found()],
        f"/bot{THEIRS.bot}/getUpdates": [found(update(1, "to theirs"), update(2, "more")), found()],
        "/deleteWebhook": [(200, {"ok": True, "result": True})],
    }
    async with fetching(laptop, workers=3):
        assert await heard(laptop, 4) == {
            ("shared", "to all"), ("ours", "to ours"), ("theirs", "to theirs"), ("theirs", "more"),
        }  # fmt: skip
        await asyncio.sleep(0.3)
        # One worker fetches, and nobody says that we can be called.
        for token in (shared._bot.token, OURS.bot, THEIRS.bot):
            assert [one.path for one in peer.asked].count(f"/prefix/sandbox/telegram/bot{token}/deleteWebhook") == 1
        assert not [one for one in peer.asked if one.path.endswith("/setWebhook")]


async def test_a_bot_that_is_refused_is_no_others_fault(
    laptop: SimpleNamespace,
    peer: Peer,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polling, "AFTER_FAILURE", 0.05)
    refused = (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
    laptop.channels = {}
    peer.answers = {
        f"/bot{OURS.bot}/deleteWebhook": [refused],
        f"/bot{THEIRS.bot}/getUpdates": [found(update(1, "to theirs")), found()],
        "/deleteWebhook": [(200, {"ok": True, "result": True})],
    }
    async with fetching(laptop):
        assert await heard(laptop, 1) == {("theirs", "to theirs")}
        # A token that is given anew is asked with at once.
        renewed = OURS.bot.partition(":")[0] + ":" + "N" * 35
        peer.answers[f"/bot{renewed}/getUpdates"] = [found(update(7, "at last")), found()]
        values = OURS.values(Provider.TELEGRAM, telegram_token=renewed)
        await keep(laptop.db, laptop.settings, laptop.ids["ours"], Provider.TELEGRAM, values)
        assert await heard(laptop, 2) == {("theirs", "to theirs"), ("ours", "at last")}


async def test_what_is_fetched_is_told_no_door(laptop: SimpleNamespace, peer: Peer) -> None:  # noqa: F811
    await Work(laptop, None).tell_bot(None, str(laptop.ids["ours"]))  # type: ignore[arg-type]
    assert peer.asked == []
