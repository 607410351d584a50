"""Who answers: every move, races between people, and what the bot may still send."""

import ast
import asyncio
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from bot import handoff
from bot.models import Dialogue, HandoffNote
from bot.standing import BOT_SPEAKS, HELD, MOVES, Answers, HandoffRefused, Move, Refusal, Standing, decide_move
from channels import conversations
from channels.models import Message
from tests.bot.console.scene import Scene, add_thread, add_user, open_business

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANA, BRUNO = new_id(), new_id()
TAKING, ENDING = {Move.TAKE, Move.ASSIGN, Move.SNOOZE}, {Move.RESOLVE, Move.HAND_BACK}
moments = st.integers(0, 10_000).map(lambda hours: NOW + timedelta(hours=hours))


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    answers = draw(st.sampled_from(Answers))
    person = draw(st.sampled_from([ANA, BRUNO])) if answers in HELD else None
    until = draw(st.none() | moments) if answers is Answers.SNOOZED else None
    return Standing(answers, person, draw(st.integers(0, 5)), until)


def test_every_pair_has_an_answer() -> None:
    assert set(MOVES) == set(product(Answers, Move))


def test_what_a_customer_writes_wakes_and_reopens_and_never_takes_from_a_person() -> None:
    changed = {before: after for (before, move), after in MOVES.items() if move is Move.HEARD and after is not before}
    assert changed == {Answers.SNOOZED: Answers.PERSON, Answers.RESOLVED: Answers.BOT}


def test_time_wakes_what_is_snoozed_and_nothing_else() -> None:
    changed = {before: after for (before, move), after in MOVES.items() if move is Move.WAKE and after is not before}
    assert changed == {Answers.SNOOZED: Answers.PERSON}


@given(
    standings(),
    st.sampled_from(Move),
    st.sampled_from([ANA, BRUNO]),
    st.none() | st.integers(0, 5),
    st.none() | moments,
)
def test_a_move_ends_in_one_person_s_hands_or_in_nobody_s(
    standing: Standing, move: Move, user: UUID, version: int | None, until: datetime | None
) -> None:
    actor = None if move in {Move.ASK, Move.HEARD, Move.WAKE} else user
    to = BRUNO if user == ANA else ANA
    if refuses(standing, move, user, version):
        with pytest.raises(HandoffRefused) as refused:
            decide_move(standing, move, actor, version, to=to, until=until)
        assert refused.value.person_id == standing.person_id
        return
    after = decide_move(standing, move, actor, version, to=to, until=until)
    assert after.answers is MOVES[standing.answers, move]
    assert (after.answers in HELD) == (after.person_id is not None)
    assert after.until is None or after.answers is Answers.SNOOZED
    assert after.version == standing.version + (after != standing)
    if move in TAKING:
        assert after.person_id == (to if move is Move.ASSIGN else user)
    if move is Move.SNOOZE:
        assert (after.answers, after.until) == (Answers.SNOOZED, until)
    if move in ENDING:
        assert after.answers in BOT_SPEAKS
    if move not in TAKING | ENDING and standing.person_id is not None:
        assert after.person_id == standing.person_id, "nothing but a person takes a thread from a person"


def refuses(standing: Standing, move: Move, user: UUID, version: int | None) -> bool:
    """Only who did not see the thread as it is, is refused: another's thread, or one to be ended that waits."""
    if version == standing.version or standing.person_id == user or move not in TAKING | ENDING:
        return False
    return standing.person_id is not None or (move in ENDING and standing.answers is Answers.WAITING)


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
        ("snoozed", "bot", "reminder", True),
        ("snoozed", "bot", "booked", False),
        ("person", "bot", "reminder", False),
        ("waiting", "bot", "reminder", False),
        ("snoozed", "staff", None, True),
        ("resolved", "bot", "reminder", True),
    ],
)
async def test_what_may_be_sent_is_judged_when_it_is_sent(
    database: Database, scene: Scene, answers: str, sender: str, act: str | None, goes: bool
) -> None:
    async with database.transaction() as session:
        person = scene.users["staff"] if answers in HELD else None
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


async def stands(database: Database, scene: Scene, thread: UUID) -> tuple[str, UUID | None]:
    async with database.transaction() as session:
        dialogue = await handoff.ensure_dialogue(session, scene.business.id, thread)
        return dialogue.answers, dialogue.person_id


async def test_a_snoozed_thread_comes_back_to_its_person_by_the_clock(
    database: Database, scene: Scene, thread: UUID
) -> None:
    business, ana = scene.business.id, scene.users["staff"].id
    until = NOW + timedelta(hours=1)
    async with database.transaction() as session:
        await handoff.snooze(session, business, thread, ana, until, version=0, now=NOW)
        other = await add_thread(session, scene, "sms", "+346002", [("customer", "x")], ends=NOW)
        await handoff.snooze(session, business, other, ana, None, version=0, now=NOW)
    async with database.transaction() as session:
        assert await handoff.wake_due(session, now=until - timedelta(seconds=1)) == 0
    assert await stands(database, scene, thread) == ("snoozed", ana)

    async def wake() -> int:
        async with database.transaction() as session:
            return await handoff.wake_due(session, now=until)

    assert sorted(await asyncio.gather(wake(), wake())) == [0, 1], "woken once, by however many workers"
    assert await stands(database, scene, thread) == ("person", ana)
    assert await stands(database, scene, other) == ("snoozed", ana), "no clock wakes what waits for the customer"
    async with database.transaction() as session:
        assert await notes(session, thread) == ["snooze", "wake"]
        dialogue = await handoff.ensure_dialogue(session, business, thread)
        assert (dialogue.woken_at, dialogue.snoozed_until) == (until, None)
        await handoff.reply(session, business, thread, ana, "Here I am", key=new_id(), now=until)
        dialogue = await handoff.ensure_dialogue(session, business, thread)
        assert dialogue.woken_at is None, "answered: it no longer stands out"


async def test_a_message_wakes_the_snoozed_and_reopens_the_resolved(
    database: Database, scene: Scene, thread: UUID
) -> None:
    business, ana = scene.business.id, scene.users["staff"].id

    async def heard() -> Answers:
        async with database.transaction() as session:
            dialogue = await handoff.ensure_dialogue(session, business, thread, for_update=True)
            return await handoff.heard(session, dialogue, await conversations.load(session, business, thread), NOW)

    async with database.transaction() as session:
        await handoff.snooze(session, business, thread, ana, NOW + timedelta(days=2), version=0, now=NOW)
    assert await heard() is Answers.PERSON
    assert await stands(database, scene, thread) == ("person", ana)
    async with database.transaction() as session:
        await handoff.resolve(session, business, thread, ana, version=None, now=NOW)
        assert await handoff.bot_may_speak(session, business, thread), "reminders go out again"
    assert await stands(database, scene, thread) == ("resolved", None)
    assert await heard() is Answers.BOT
    assert await heard() is Answers.BOT
    async with database.transaction() as session:
        assert await notes(session, thread) == ["heard", "heard", "resolve", "snooze"]


async def test_a_thread_is_given_to_a_colleague_of_the_business_only(
    database: Database, scene: Scene, thread: UUID
) -> None:
    business, ana, mateo = scene.business.id, scene.users["staff"].id, scene.users["manager"].id
    async with database.transaction() as session:
        elsewhere = await open_business(session, "elsewhere")
        given = await handoff.assign(session, business, thread, ana, mateo, version=0, now=NOW)
        assert (given.answers, given.person_id) == ("person", mateo)
        note = (await session.scalars(select(HandoffNote).where(HandoffNote.conversation_id == thread))).one()
        assert (note.move, note.user_id, note.to_id) == ("assign", ana, mateo)
    for stranger in (elsewhere.users["staff"].id, new_id()):
        with pytest.raises(LookupError):
            async with database.transaction() as session:
                await handoff.assign(session, business, thread, mateo, stranger, version=1, now=NOW)
    with pytest.raises(HandoffRefused) as refused:
        async with database.transaction() as session:
            await handoff.assign(session, business, thread, ana, ana, version=0, now=NOW)
    assert (refused.value.reason, refused.value.person_id) == (Refusal.TAKEN, mateo)


async def test_of_all_who_end_or_take_it_at_once_one_wins(database: Database, scene: Scene, thread: UUID) -> None:
    business = scene.business.id
    async with database.transaction() as session:
        people = [await add_user(session, scene, "staff", f"P{n}", f"p{n}@x.example") for n in range(4)]
        await handoff.ask_for_person(session, await conversations.load(session, business, thread), NOW)

    async def move(number: int) -> bool:
        user = people[number].id
        try:
            async with database.transaction() as session:
                where = (session, business, thread, user)
                if number == 0:
                    await handoff.take_over(*where, version=1, now=NOW)
                elif number == 1:
                    await handoff.snooze(*where, None, version=1, now=NOW)
                elif number == 2:
                    await handoff.resolve(*where, version=1, now=NOW)
                else:
                    await handoff.assign(*where, people[0].id, version=1, now=NOW)
        except HandoffRefused:
            return False
        return True

    won = await asyncio.gather(*(move(number) for number in range(4)))
    async with database.transaction() as session:
        moves = await notes(session, thread)
        dialogue = await handoff.ensure_dialogue(session, business, thread)
    # Who comes after a resolve takes what nobody has: that is no conflict. Nobody loses what they have to another.
    taken = [move for move in moves if move in {"take", "snooze", "assign"}]
    assert len(taken) <= 1
    assert sum(won) == len(moves) - 1
    assert dialogue.handoff_version == len(moves)


def test_a_person_s_words_have_one_way_out_and_it_takes_the_thread() -> None:
    """`news` is the other: it speaks in a person's name only where a person has the thread already."""
    root = Path(handoff.__file__).parents[1]
    speaking = {
        str(path.relative_to(root))
        for room in ("bot", "channels", "booking_core", "payment_links")
        for path in (root / room).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("queue_message")
        for given in call.keywords
        if given.arg == "sender" and ("STAFF" in ast.unparse(given.value) or "staff" in ast.unparse(given.value))
    }
    assert speaking == {"bot/handoff.py", "bot/news.py"}
