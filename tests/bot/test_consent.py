"""The one question where a country wants a yes before reminders: asked, answered, written down, exported."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
import yaml
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking
from booking_core.kit.clock import current_time
from booking_core.models import Business
from booking_core.refusals import BookingRefused
from bot import consent, notices
from bot.actions.submit import booked
from bot.actions.unasked import TAPS, is_open
from bot.consent_export import consents_of
from bot.jobs import _may_send
from bot.turn import speak
from bot.words import Words
from channels import conversations, messages
from channels.accounts import open_account
from channels.consents import Needed, Purpose, Standing
from channels.conversations import open_conversation
from channels.models import ConsentNote, Conversation, Message
from tests.bot.test_letters import ADDRESS, House, house
from tests.channels.builders import ACCOUNTS
from tests.flows.world import set_clock

__all__ = ["house"]
HERE, US, DE = "+34600111222", "+12125550123", "+4915112345678"
BUSINESS = SimpleNamespace(settings={}, default_locale="es-ES")


@pytest.fixture
async def shop(house: House) -> House:
    async with house.system.db.transaction() as session:
        await open_account(session, house.business_id, "sms", "+15005550999")
    return house


async def phone(shop: House, address: str, channel: str = "sms") -> Conversation:
    """A customer who has written by text message."""
    async with shop.system.db.transaction() as session:
        now = await current_time(session)
        web = await shop.thread(session)
        account = await open_account(session, shop.business_id, channel, "+15005550999")
        thread = await open_conversation(session, account, address, now=now)
        thread.customer_id, thread.locale, web.customer_id, thread.last_heard_at = web.customer_id, "en-GB", None, now
        conversations.note_consent(thread, now, wish="in", how="wrote", provider_id="SM1")
        return thread


async def book(shop: House, thread: Conversation, clock: str = "11:00") -> Message:
    """Book, and hear what is said of it."""
    booking_id = await shop.booked(thread, clock)
    async with shop.system.db.transaction() as session:
        made = await booking.load(session, shop.business_id, booking_id)
        turn = await shop.turn(session, thread)
        return await speak(turn, [booked(turn, made)])


async def reminded(shop: House) -> list[str]:
    """Let a day before come; return the channels on which something is queued as a reminder."""
    await set_clock(shop.database_url, "2027-03-03T11:30")
    async with shop.system.db.transaction() as session:
        now = await current_time(session)
        for due in await booking.take_due_reminders(session, now=now, limit=9):
            await notices.remind(shop.system, session, shop.business_id, due.id, now=now)
        rows = await session.scalars(select(Message).where(Message.act == "reminder"))
        return sorted(row.channel for row in rows)


async def answer(shop: House, thread: Conversation, label: str) -> str:
    """Tap a choice under the last message."""
    async with shop.system.db.transaction() as session:
        turn = await shop.turn(session, thread)
        assert turn.last is not None
        choice = next(one for one in await messages.choices_of(session, turn.last) if label in one.label)
        said = await TAPS[choice.meaning["do"]](turn, choice.meaning["args"], None)
        return (await speak(turn, said.say)).text


async def notes(session: AsyncSession, thread: Conversation) -> list[tuple[str, str, str, str | None]]:
    rows = await session.scalars(
        select(ConsentNote).where(ConsentNote.conversation_id == thread.id).order_by(ConsentNote.at, ConsentNote.id)
    )
    return [(one.purpose, one.wish, one.how, one.country) for one in rows]


async def test_where_writing_first_is_enough_nothing_is_asked(shop: House) -> None:
    thread = await phone(shop, HERE)
    said = await book(shop, thread)
    assert (said.choices, "consent" in (said.facts or {})) == ([], False)
    assert await reminded(shop) == ["sms"]


async def test_where_a_yes_is_needed_one_question_asks_for_it(shop: House) -> None:
    thread = await phone(shop, US)
    said = await book(shop, thread)
    assert said.act == "booked"
    assert "Text STOP to end" in said.text
    assert [one["label"] for one in said.choices] == ["Yes, remind me", "No reminders"]
    assert await reminded(shop) == []  # nobody has said yes


async def test_yes_activates_and_is_written_down_word_for_word(shop: House) -> None:
    thread = await phone(shop, US)
    said = await book(shop, thread)
    assert "STOP" in await answer(shop, thread, "Yes")
    assert await reminded(shop) == ["sms"]
    async with shop.system.db.transaction() as session:
        assert await notes(session, thread) == [
            ("any", "in", "wrote", None),
            ("reminders", "asked", "question", "US"),
            ("reminders", "in", "answered", "US"),
        ]
        agreed = (await session.scalars(select(ConsentNote).where(ConsentNote.how == "answered"))).one()
        assert agreed.wording
        assert agreed.wording in said.text


async def test_no_means_no_reminders_and_no_second_question(shop: House) -> None:
    thread = await phone(shop, US)
    await book(shop, thread)
    await answer(shop, thread, "No")
    assert (await book(shop, thread, "12:00")).choices == []
    assert await reminded(shop) == []


async def test_nobody_is_asked_a_third_time(shop: House) -> None:
    thread = await phone(shop, US)
    asked = [bool((await book(shop, thread, clock)).choices) for clock in ("11:00", "12:00", "13:00")]
    assert asked == [True, True, False]


@pytest.mark.parametrize(("intent", "told"), [("affirm", ["sms"]), ("deny", [])])
async def test_a_plain_yes_or_no_is_an_answer(shop: House, intent: str, told: list[str]) -> None:
    thread = await phone(shop, US)
    await book(shop, thread)
    async with shop.system.db.transaction() as session:
        assert is_open(await shop.turn(session, thread))
    await shop.says(thread, intent)
    assert await reminded(shop) == told


async def test_whoever_is_not_to_be_texted_is_reminded_by_their_confirmed_e_mail(shop: House) -> None:
    thread = await phone(shop, US)
    async with shop.system.db.transaction() as session:
        await shop.known(session, thread)
    await book(shop, thread)
    assert await reminded(shop) == ["email"]


async def test_a_business_may_ask_for_more_and_never_for_less(shop: House) -> None:
    async with shop.system.db.transaction() as session:
        business = await session.get_one(Business, shop.business_id)
        business.settings = {**business.settings, "consent": {"reminders": "express"}}
    assert (await book(shop, await phone(shop, HERE))).choices
    less = SimpleNamespace(settings={"consent": {"reminders": "wrote"}})
    assert consent.needed_for("sms", "US", Purpose.REMINDERS, less) is Needed.EXPRESS
    for odd in ({"consent": "all"}, {"consent": {"reminders": 7}}, {"consent": None}):
        assert consent.needed_for("sms", "US", Purpose.REMINDERS, SimpleNamespace(settings=odd)) is Needed.EXPRESS


@pytest.mark.parametrize(
    ("channel", "address", "country"),
    [
        ("sms", US, "US"),
        ("sms", "+14165550123", "CA"),
        ("sms", DE, "DE"),
        ("whatsapp", f"whatsapp:{DE}", "DE"),
        ("whatsapp", "whatsapp:US.ABC123", "ES"),
        ("sms", "12345", "ES"),
        ("sms", "+80012345678", "ES"),
        ("telegram", "42", "ES"),
        ("email", ADDRESS, "ES"),
    ],
)
def test_whose_law_holds(channel: str, address: str, country: str) -> None:
    assert consent.country_of(SimpleNamespace(channel=channel, address=address), BUSINESS) == country


def test_every_row_of_the_table_can_be_read_and_says_its_source() -> None:
    rules = consent.table()
    for country, channels in rules.items():
        assert country == "default" or re.fullmatch("[A-Z]{2}", country)
        for channel, row in channels.items():
            assert channel in ACCOUNTS | {"web": "", "email": ""}
            assert set(row) <= {"reminders", "marketing", "notice", "leaving"}
            assert row.get("leaving") in (None, "everywhere")
            for purpose in (Purpose.REMINDERS, Purpose.MARKETING):
                needed = consent.needed_for(channel, country, purpose, BUSINESS)
                assert purpose is Purpose.REMINDERS or needed is not Needed.WROTE
            # Nobody needs more to be reminded than to be advertised to.
            assert list(Needed).index(consent.needed_for(channel, country, Purpose.REMINDERS, BUSINESS)) <= list(
                Needed
            ).index(consent.needed_for(channel, country, Purpose.MARKETING, BUSINESS))
    text = consent.TABLE.read_text()
    for block in re.split(r"\n(?=\w)", text)[1:]:
        assert "  # " in block, block.splitlines()[0]
    assert consent.needed_for("email", "DE", Purpose.MARKETING, BUSINESS) is Needed.DOUBLE
    assert consent.needed_for("sms", "DE", Purpose.MARKETING, BUSINESS) is Needed.DOUBLE
    assert consent.needed_for("sms", "ZZ", Purpose.MARKETING, BUSINESS) is Needed.EXPRESS


@pytest.mark.parametrize("language", Words().languages)
def test_the_carriers_words_stand_in_every_language(language: str) -> None:
    for key in ("consent.ask_carrier", "consent.thanks_carrier"):
        text = Words().text(language, key, business="Marigold")
        assert "STOP" in text
        assert "HELP" in text
        assert "Marigold" in text


async def test_leaving_ends_reminders_that_were_agreed_to(shop: House) -> None:
    thread = await phone(shop, US)
    await book(shop, thread)
    await answer(shop, thread, "Yes")
    async with shop.system.db.transaction() as session:
        row = await conversations.load(session, shop.business_id, thread.id)
        await conversations.opt_out(session, row, await current_time(session), how="platform")
    async with shop.system.db.transaction() as session:
        turn = await shop.turn(session, thread)
        assert await consent.standing(turn, Purpose.REMINDERS) is Standing.REFUSED
    assert await reminded(shop) == []


async def leaves(shop: House, thread: Conversation) -> None:
    async with shop.system.db.transaction() as session:
        row = await conversations.load(session, shop.business_id, thread.id)
        await conversations.opt_out(session, row, await current_time(session), how="platform")


async def goes(shop: House, thread: Conversation, **terms: object) -> bool:
    """Whether a message would be let out now."""
    async with shop.system.db.transaction() as session:
        row = await conversations.load(session, shop.business_id, thread.id)
        message = await messages.queue_message(
            session, row, sender="bot", text="news", locale="en", now=await current_time(session)
        )
        message.terms = {**message.terms, **terms}
        await session.flush()
        return await _may_send(session, message)


@pytest.mark.parametrize(("left", "told"), [(US, []), (DE, ["telegram"])], ids=["US", "DE"])
async def test_where_the_law_says_so_who_leaves_one_thread_leaves_all(shop: House, left: str, told: list[str]) -> None:
    texts, chat = await phone(shop, left), await phone(shop, "42", "telegram")
    async with shop.system.db.transaction() as session:
        (await conversations.load(session, shop.business_id, chat.id)).customer_id = texts.customer_id
    await book(shop, chat)
    await leaves(shop, texts)
    assert await goes(shop, chat, unasked=True) is bool(told)
    assert await goes(shop, chat), "an answer goes all the same"
    assert await reminded(shop) == told


async def test_whoever_comes_back_in_one_thread_is_written_to_there(shop: House) -> None:
    texts, chat = await phone(shop, US), await phone(shop, "42", "telegram")
    async with shop.system.db.transaction() as session:
        (await conversations.load(session, shop.business_id, chat.id)).customer_id = texts.customer_id
    await leaves(shop, texts)
    assert not await goes(shop, chat, unasked=True)
    async with shop.system.db.transaction() as session:
        row = await conversations.load(session, shop.business_id, chat.id)
        later = await current_time(session) + timedelta(seconds=1)
        conversations.note_consent(row, later, wish="in", how="words", purpose=Purpose.REMINDERS)
    assert await goes(shop, chat, unasked=True)


async def test_what_one_customer_agreed_to_is_one_file(shop: House) -> None:
    mine, other = await phone(shop, US), await phone(shop, DE)
    await book(shop, mine)
    await answer(shop, mine, "Yes")
    await shop.give(mine)
    assert (await shop.confirm()).status_code == 200
    texts = []
    for who in (US, ADDRESS, str(mine.customer_id)):
        async with shop.system.db.transaction() as session:
            texts.append(await consents_of(session, "marigold", who))
    assert texts[0] == texts[1] == texts[2]
    found = yaml.safe_load(texts[0])
    assert found["customers"] == [str(mine.customer_id)]
    assert [(one["channel"], one["address"]) for one in found["threads"]] == [("email", ADDRESS), ("sms", US)]
    link = [one for one in found["threads"][0]["notes"] if one["how"] == "link"]
    assert [(one["for"], one["wish"]) for one in link] == [("reminders", "in")]
    assert ADDRESS in link[0]["words"]
    assert found["threads"][1]["notes"][0] | {"at": ""} == {
        "at": "", "wish": "in", "for": "any", "how": "wrote", "message": "SM1",
    }  # fmt: skip
    assert other.address not in texts[0]


@pytest.mark.parametrize(("slug", "who"), [("nowhere", US), ("marigold", "+10000000000"), ("marigold", "' OR 1=1 --")])
async def test_nobody_of_that_name_has_no_file(shop: House, slug: str, who: str) -> None:
    async with shop.system.db.transaction() as session:
        with pytest.raises(BookingRefused):
            await consents_of(session, slug, who)
