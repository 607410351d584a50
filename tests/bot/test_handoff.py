"""Who answers: every move, races between people, and what the bot may still send."""

import asyncio
from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from bot import handoff
from bot.handoff import MOVES, Answers, HandoffRefused, Move, Refusal, Standing, decide_move
from bot.models import Dialogue, HandoffNote
from channels import conversations
from channels.models import Message
from tests.bot.console.scene import Scene, add_thread, add_user, open_business

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANA, BRUNO = new_id(), new_id()
standings = st.builds(
    Standing, st.sampled_from(Answers), st.sampled_from([None, ANA, BRUNO]), st.integers(0, 5)
).filter(lambda standing: (standing.answers is Answers.PERSON) == (standing.person_id is not None))


def test_every_pair_has_an_answer() -> None:
    assert set(MOVES) == set(product(Answers, Move))


@given(standings, st.sampled_from(Move), st.sampled_from([ANA, BRUNO]), st.none() | st.integers(0, 5))
def test_a_move_ends_in_one_person_s_hands_or_in_nobody_s(
    standing: Standing, move: Move, user: UUID, version: int | None
) -> None:
    if refuses(standing, move, user, version):
        with pytest.raises(HandoffRefused) as refused:
            decide_move(standing, move, user, version)
        assert refused.value.person_id == standing.person_id
        return
    after = decide_move(standing, move, user, version)
    assert (after.answers is Answers.PERSON) == (after.person_id is not None)
    assert after.version == standing.version + (after != standing)
    if move is Move.TAKE:
        assert after.person_id == user
    if move is Move.HAND_BACK:
        assert after.answers is Answers.BOT
    if move is Move.ASK and standing.answers is Answers.PERSON:
        assert after == standing, "asking again takes no thread from the person who has it"


def refuses(standing: Standing, move: Move, user: UUID, version: int | None) -> bool:
    """Only who did not see the thread as it is, is refused, and only another's thread."""
    if version == standing.version or standing.person_id == user or move is Move.ASK:
        return False
    return standing.answers is Answers.PERSON or (move is Move.HAND_BACK and standing.answers is Answers.WAITING)


@pytest.fixture
async def scene(database: Database) -> Scene:
    async with database.transaction() as session:
        return await open_business(session)


@pytest.fixture
async def thread(database: Database, scene: Scene) -> UUID:
    async with database.transaction() as session:
        return await add_thread(session, scene, "sms", "+34600000001", [("customer", "hello")], name="Lu", ends=NOW)


async def notes(session: AsyncSession, thread: UUID) -> list[str]:
    return sorted(await session.scalars(select(HandoffNote.move).where(HandoffNote.conversation_id == thread)))


async def test_asked_taken_handed_back_and_the_memory_stands(database: Database, scene: Scene, thread: UUID) -> None:
    business, ana = scene.business.id, scene.users["staff"].id
    async with database.transaction() as session:
        dialogue = await handoff.ensure_dialogue(session, business, thread, for_update=True)
        dialogue.memory = {"slots": {"service": "haircut"}}
        assert await handoff.bot_may_speak(session, business, thread)
        conversation = await conversations.load(session, business, thread)
        assert (await handoff.ask_for_person(session, conversation, NOW)).answers == "waiting"
        assert (await handoff.ask_for_person(session, conversation, NOW)).handoff_version == 1, "asked once"
        assert not await handoff.bot_may_speak(session, business, thread)
        assert conversation.outcome == "handed_off"
    async with database.transaction() as session:
        taken = await handoff.take_over(session, business, thread, ana, version=1, now=NOW)
        assert (taken.answers, taken.person_id, taken.handoff_version) == ("person", ana, 2)
        again = await handoff.take_over(session, business, thread, ana, version=1, now=NOW)
        assert again.handoff_version == 2, "a second click changes nothing"
    async with database.transaction() as session:
        back = await handoff.hand_back(session, business, thread, ana, version=2, now=NOW)
        assert back is not None
        assert (back.answers, back.person_id, back.memory) == ("bot", None, {"slots": {"service": "haircut"}})
        assert await handoff.hand_back(session, business, thread, ana, version=2, now=NOW) is None
        assert await handoff.bot_may_speak(session, business, thread)
        assert await notes(session, thread) == ["ask", "hand_back", "take"]


async def test_of_many_who_take_at_once_one_wins(database: Database, scene: Scene, thread: UUID) -> None:
    business = scene.business.id
    async with database.transaction() as session:
        people = [await add_user(session, scene, "staff", f"P{n}", f"p{n}@x.example") for n in range(6)]
        await handoff.ask_for_person(session, await conversations.load(session, business, thread), NOW)

    async def take(user: UUID) -> UUID | HandoffRefused:
        try:
            async with database.transaction() as session:
                dialogue = await handoff.take_over(session, business, thread, user, version=1, now=NOW)
                return dialogue.person_id or user
        except HandoffRefused as refused:
            return refused

    results = await asyncio.gather(*(take(person.id) for person in people))
    winners = [result for result in results if isinstance(result, UUID)]
    assert len(winners) == 1
    losers = [result for result in results if isinstance(result, HandoffRefused)]
    assert {(loser.reason, loser.person_id) for loser in losers} == {(Refusal.TAKEN, winners[0])}
    async with database.transaction() as session:
        assert await notes(session, thread) == ["ask", "take"]


async def test_replies_at_once_go_out_from_one_person_only(database: Database, scene: Scene, thread: UUID) -> None:
    business = scene.business.id
    async with database.transaction() as session:
        bea = await add_user(session, scene, "staff", "Bea", "bea@x.example")

    async def reply(user: UUID, text: str) -> bool:
        try:
            async with database.transaction() as session:
                sent = await handoff.reply(session, business, thread, user, text, key=new_id(), now=NOW)
                return sent is not None
        except HandoffRefused:
            return False

    won = await asyncio.gather(reply(scene.users["staff"].id, "from Ana"), reply(bea.id, "from Bea"))
    assert sorted(won) == [False, True]
    async with database.transaction() as session:
        texts = list(await session.scalars(select(Message.text).where(Message.sender == "staff")))
        dialogue = await handoff.ensure_dialogue(session, business, thread)
    assert texts == (["from Ana"] if won[0] else ["from Bea"])
    assert dialogue.person_id == (scene.users["staff"].id if won[0] else bea.id)


async def test_the_same_reply_sent_twice_goes_out_once(database: Database, scene: Scene, thread: UUID) -> None:
    business, ana, key = scene.business.id, scene.users["staff"].id, new_id()
    for expected in (True, False):
        async with database.transaction() as session:
            sent = await handoff.reply(session, business, thread, ana, "Hello Lu", key=key, now=NOW)
            assert (sent is not None) is expected
    async with database.transaction() as session:
        rows = list(await session.scalars(select(Message).where(Message.sender == "staff")))
        jobs = await session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'deliver_message'"))
    assert [(row.text, row.staff_user_id, row.status) for row in rows] == [("Hello Lu", ana, "queued")]
    assert jobs == 1


async def test_a_refused_reply_leaves_nothing_behind(database: Database, scene: Scene, thread: UUID) -> None:
    business = scene.business.id
    async with database.transaction() as session:
        await handoff.take_over(session, business, thread, scene.users["staff"].id, version=0, now=NOW)
    with pytest.raises(HandoffRefused) as refused:
        async with database.transaction() as session:
            await handoff.reply(session, business, thread, scene.users["manager"].id, "me too", key=new_id(), now=NOW)
    assert refused.value.reason is Refusal.TAKEN
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Message)) == 1
        assert await notes(session, thread) == ["take"]
        # Whoever sees that Ana has it may take it from her, and then reply.
        manager = scene.users["manager"].id
        await handoff.take_over(session, business, thread, manager, version=1, now=NOW)
        assert await handoff.reply(session, business, thread, manager, "I am here", key=new_id(), now=NOW)


@pytest.mark.parametrize(
    ("answers", "sender", "act", "goes"),
    [
        ("bot", "bot", "info", True),
        ("waiting", "bot", "handoff", True),
        ("waiting", "bot", "info", False),
        ("person", "bot", "handoff", False),
        ("person", "bot", "booked", False),
        ("person", "staff", None, True),
        ("waiting", "staff", None, True),
    ],
)
async def test_what_may_be_sent_is_judged_when_it_is_sent(
    database: Database, scene: Scene, answers: str, sender: str, act: str | None, goes: bool
) -> None:
    async with database.transaction() as session:
        person = scene.users["staff"] if answers == "person" else None
        thread = await add_thread(
            session, scene, "sms", "+346", [(sender, "words", {"act": act})], answers=answers, person=person
        )
        message = (await session.scalars(select(Message).where(Message.conversation_id == thread))).one()
        assert await handoff.may_send(session, message) is goes


async def test_two_who_need_a_dialogue_at_once_get_the_same(database: Database, scene: Scene, thread: UUID) -> None:
    async def ensure() -> UUID:
        async with database.transaction() as session:
            dialogue = await handoff.ensure_dialogue(session, scene.business.id, thread, for_update=True)
            return dialogue.conversation_id

    assert set(await asyncio.gather(*(ensure() for _ in range(5)))) == {thread}
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Dialogue)) == 1
