"""Canned replies: tokens are filled from the thread, said where nothing fills them, and never sent as braces."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from bot import replies
from bot.console.desk import Desk
from bot.replies import Fault, ReplyRefused, Token, fill, tokens_in
from bot.settings import Settings
from bot.words import Words
from channels import conversations
from tests.bot.console.scene import Scene, add_booking, add_catalog, add_thread, open_business

NOW = datetime.now(UTC)
VALUES = {"name": "Lu", "service": "Haircut", "time": None, "link": ""}


@pytest.mark.parametrize(
    ("text", "said", "missing"),
    [
        ("Hi {name}!", "Hi Lu!", ()),
        ("{ Name }, {NAME}", "Lu, Lu", ()),
        ("Until {time}", "Until {time}", ("time",)),
        ("{link} {time} {link}", "{link} {time} {link}", ("link", "time")),
        ("{nmae}", "{nmae}", ("nmae",)),
        ("{año}", "{año}", ("año",)),
        ("2 {3} {} {a b} :{", "2 {3} {} {a b} :{", ()),
        ("", "", ()),
    ],
)
def test_filling(text: str, said: str, missing: tuple[str, ...]) -> None:
    assert fill(text, VALUES) == replies.Filled(said, missing)


@given(st.text(), st.fixed_dictionaries({one.value: st.text(min_size=1) for one in Token}))
def test_what_is_filled_is_either_said_to_be_missing_or_holds_no_token_of_its_own(
    text: str, values: dict[str, str]
) -> None:
    filled = fill(text, values)
    assert set(filled.missing) == set(tokens_in(text)) - set(Token)
    if not tokens_in(text):
        assert filled.text == text


def test_a_value_that_looks_like_a_token_is_a_value() -> None:
    assert fill("Hi {name}", {"name": "{time}", "time": "noon"}) == replies.Filled("Hi {time}", ())


@pytest.fixture
async def scene(database: Database) -> Scene:
    async with database.transaction() as session:
        return await open_business(session)


@pytest.fixture
def desk(database: Database, database_url: str, redis_url: str) -> Desk:
    settings = Settings(
        _env_file=None,
        database_url=database_url,
        redis_url=redis_url,
        secret_key="x" * 40,
        public_url="https://here.example",
    )
    return Desk(database, None, Words(), settings)


async def test_values_are_those_of_the_thread_s_own_customer(database: Database, scene: Scene, desk: Desk) -> None:
    async with database.transaction() as session:
        await add_catalog(session, scene)
        thread = await add_thread(session, scene, "sms", "+346001", [("customer", "hi")], name="lulu99")
        starts = (NOW + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
        booking = await add_booking(session, scene, "Ana", "Haircut", starts, "Lucía")
        await add_booking(session, scene, "Bruno", "Beard trim", NOW + timedelta(days=1), "Somebody else")
        conversation = await conversations.load(session, scene.business.id, thread)
        before = await replies.load_values(desk, session, conversation, now=NOW)
        assert before == {"name": "lulu99", "service": None, "time": None, "link": None}
        with pytest.raises(ReplyRefused) as refused:
            await replies.filled_or_refused(desk, session, conversation, "Until {time}: {link}", now=NOW)
        assert (refused.value.fault, refused.value.tokens) == (Fault.NO_VALUE, ("time", "link"))
        conversation.customer_id = booking.customer_id
        text = await replies.filled_or_refused(
            desk, session, conversation, "{name}: {service}, {time}, {link}", now=NOW
        )
    clock = booking.starts.astimezone().strftime("%M")
    assert text.startswith("Lucía: Haircut, ")
    assert f":{clock}, https://here.example/calendar/{booking.ics_token}.ics" in text
    assert "{" not in text


@pytest.mark.parametrize("locale", ["en-GB", "es", "fr", "de", "pt"])
async def test_a_sample_business_has_a_few_once(database: Database, scene: Scene, desk: Desk, locale: str) -> None:
    async with database.transaction() as session:
        scene.business.default_locale = locale
        for _ in range(2):
            await replies.seed_replies(session, desk.words, scene.business, NOW)
        found = await replies.load_replies(session, scene.business.id)
    assert len(found) == len(replies.SAMPLES)
    assert {name for one in found for name in tokens_in(one.text)} == {Token.NAME, Token.TIME, Token.LINK}


async def test_replies_are_kept_changed_and_refused(database: Database, scene: Scene) -> None:
    business, by = scene.business.id, scene.users["manager"].id

    async def save(title: str, text: str, reply_id: UUID | None = None) -> UUID | tuple[Fault, tuple[str, ...]]:
        try:
            async with database.transaction() as session:
                kept = await replies.save_reply(session, business, reply_id, title=title, text=text, by=by, now=NOW)
                return kept.id
        except ReplyRefused as refused:
            return refused.fault, refused.tokens

    first = await save("Parking", "Behind the house, {name}.")
    assert isinstance(first, UUID)
    assert await save("Parking", "again") == (Fault.TITLE_TAKEN, ())
    assert await save("Empty", "") == (Fault.INCOMPLETE, ())
    assert await save("Odd", "{nmae} {time}") == (Fault.UNKNOWN_TOKEN, ("nmae",))
    second = await save("Late", "No worries.")
    assert isinstance(second, UUID)
    assert await save("Parking", "No worries.", second) == (Fault.TITLE_TAKEN, ())
    assert await save("Late?", "No worries at all.", second) == second
    with pytest.raises(LookupError):
        await save("Nowhere", "x", new_id())
    async with database.transaction() as session:
        other = await open_business(session, "elsewhere")
        with pytest.raises(LookupError):
            await replies.save_reply(session, other.business.id, first, title="a", text="b", by=by, now=NOW)
        with pytest.raises(LookupError):
            await replies.delete_reply(session, other.business.id, first)
        found = await replies.load_replies(session, business)
        assert [(one.title, one.text) for one in found] == [
            ("Late?", "No worries at all."), ("Parking", "Behind the house, {name}."),
        ]  # fmt: skip
        await replies.delete_reply(session, business, first)
        with pytest.raises(LookupError):
            await replies.delete_reply(session, business, first)
        assert [one.title for one in await replies.load_replies(session, business)] == ["Late?"]
