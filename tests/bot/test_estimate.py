"""What a waiting customer is told: by the opening hours and by how long it really took, once in a wait."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from booking_core import catalog as catalogs
from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from bot import estimate
from bot.console.desk import Desk
from bot.estimate import FEWEST_WAITS, LONGEST_PROMISE, STEP, likely_minutes
from bot.models import HandoffNote
from bot.settings import Settings
from bot.turn import open_turn
from bot.words import Words
from channels import conversations
from tests.bot.console.scene import Scene, add_catalog, add_thread, open_business

#: A Monday, while the house is open (9:00 to 19:00 in Madrid), and that night.
OPEN = datetime(2026, 11, 23, 10, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 22, tzinfo=UTC)
minutes = st.integers(0, 300).map(lambda number: timedelta(minutes=number))


@given(st.lists(minutes, max_size=30), minutes)
def test_what_is_promised_held_for_most_and_is_not_past(waits: list[timedelta], waited: timedelta) -> None:
    told = likely_minutes(waits, waited=waited)
    if told is None:
        return
    assert len(waits) >= FEWEST_WAITS
    assert told % STEP == 0
    assert 0 < told <= LONGEST_PROMISE / timedelta(minutes=1)
    within = [wait for wait in waits if wait <= waited + timedelta(minutes=told)]
    assert len(within) >= 0.8 * len(waits)


@pytest.fixture
async def scene(database: Database) -> Scene:
    async with database.transaction() as session:
        scene = await open_business(session)
        await add_catalog(session, scene)
        return scene


@pytest.fixture
def desk(database: Database, database_url: str, redis_url: str) -> Desk:
    return Desk(
        database,
        None,
        Words(),
        Settings(_env_file=None, database_url=database_url, redis_url=redis_url, secret_key="x" * 40),
    )


async def told(database: Database, scene: Scene, desk: Desk, now: datetime, *, asked: datetime | None = None) -> str:
    async with database.transaction() as session:
        thread = await add_thread(
            session, scene, "sms", f"+34{new_id()}", [("customer", "hello?")], answers="waiting", ends=now
        )
        note = (await session.scalars(select(HandoffNote).where(HandoffNote.conversation_id == thread))).one()
        note.at = asked or now
        conversation = await conversations.load(session, scene.business.id, thread)
        catalog = await catalogs.load_catalog(session, scene.business.id)
        turn = await open_turn(desk, session, catalog, conversation, last=None, key="k", now=now)
        said = await estimate.when_answered(turn)
    assert said["act"] == "handoff", "the one act that goes out while somebody waits"
    return str(said["text"])


async def took(database: Database, scene: Scene, asked: datetime, *waits: int) -> None:
    async with database.transaction() as session:
        for number, wait in enumerate(waits):
            thread = await add_thread(session, scene, "sms", f"+34{new_id()}", [("customer", "x")], ends=asked)
            for move, at in (("ask", asked), ("take", asked + timedelta(minutes=wait))):
                session.add(
                    HandoffNote(
                        business_id=scene.business.id,
                        id=new_id(),
                        conversation_id=thread,
                        at=at + timedelta(seconds=number),
                        move=move,
                    )
                )


async def test_at_night_it_says_from_when(database: Database, scene: Scene, desk: Desk) -> None:
    text = await told(database, scene, desk, NIGHT)
    assert text == "Your message is with the team. A person answers from Tue 24 Nov, 09:00."


async def test_without_evidence_it_promises_no_minutes(database: Database, scene: Scene, desk: Desk) -> None:
    await took(database, scene, OPEN - timedelta(days=3), 2, 3, 4)
    assert "as soon as they can" in await told(database, scene, desk, OPEN)


async def test_with_evidence_it_says_how_long_it_usually_takes(database: Database, scene: Scene, desk: Desk) -> None:
    await took(database, scene, OPEN - timedelta(days=7), 2, 3, 4, 6, 8, 9)
    # A night's wait is no evidence of how long it takes by day.
    await took(database, scene, NIGHT - timedelta(days=7), 700, 700, 700)
    assert "within 10 minutes" in await told(database, scene, desk, OPEN)
    late = await told(database, scene, desk, OPEN, asked=OPEN - timedelta(minutes=40))
    assert "as soon as they can" in late, "what is past is promised no more"
