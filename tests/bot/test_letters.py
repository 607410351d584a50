"""Letters: who gets them, what they say, how calendars follow, and how they end; sent by SMTP to the sandbox."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking
from booking_core.catalog import load_catalog
from booking_core.kit.clock import current_time
from booking_core.models import Business
from bot import handoff, letters, mail_links, news, notices
from bot.actions import cards, letter_box
from bot.models import StaffTask
from bot.sample import seed_business
from bot.sandbox.models import SandboxMessage
from bot.turn import answer_conversation, speak
from bot.wiring import open_system
from bot.words import Words
from channels import conversations, mail_threads
from channels.accounts import open_account
from channels.contract import IncomingMessage, ProviderId
from channels.conversations import open_conversation
from channels.deliver import Outcome, deliver
from channels.mail_threads import CONFIRM_ACT
from channels.models import ConsentNote, Conversation, CustomerEmail, Message
from channels.receive import receive
from nlu.engine import Engine
from tests.bot.test_offers import Desk
from tests.flows.world import running_web, set_clock, settings_for

ADDRESS = "ana@mail.example"


class House(Desk):
    """The sample business with its web process, whose sandbox takes letters."""

    http: httpx.AsyncClient

    async def uses(self, **email: Any) -> None:
        async with self.system.db.transaction() as session:
            business = await session.get_one(Business, self.business_id)
            business.settings = {**business.settings, "email": email}

    async def phone(self, session: AsyncSession, locale: str = "en-GB") -> Conversation:
        """A customer's thread that rings, with a customer."""
        web = await self.thread(session, locale)
        account = await open_account(session, self.business_id, "telegram", f"bot-{self.threads}")
        thread = await open_conversation(session, account, f"70{self.threads}", now=await current_time(session))
        thread.customer_id, thread.locale, web.customer_id = web.customer_id, locale, None
        return thread

    async def give(self, thread: Conversation, text: str = f"my email is {ADDRESS}") -> str | None:
        """Write an address into a thread, as a turn hears it; returns the sentence's key."""
        async with self.system.db.transaction() as session:
            taken = await letter_box.hear(await self.turn(session, thread), text)
            return None if taken is None else taken.key

    async def confirm(self, to: str = ADDRESS) -> httpx.Response:
        """Tap the link of the letter that asks."""
        await self.post()
        url = re.findall(r"\S+/email/confirm/\S+", (await self.inbox(to))[-1].text)[0]
        return await self.http.post(url)

    async def known(self, session: AsyncSession, thread: Conversation, use: str | None = None) -> Conversation:
        """Have a customer's address confirmed long ago."""
        now = await current_time(session)
        business = await session.get_one(Business, self.business_id)
        account = await letters.account_of(session, business)
        box, token = await mail_threads.propose(
            session, account, thread.customer_id, ADDRESS, locale=thread.locale, now=now
        )
        row = await mail_threads.confirm(session, token, now=now)
        row.use = use
        return box

    async def post(self) -> list[Outcome]:
        """Send every letter that is queued."""
        async with self.system.db.transaction() as session:
            rows = await session.scalars(
                select(Message)
                .where(Message.channel == "email", Message.status == "queued")
                .order_by(Message.created_at)
            )
            queued = [row.id for row in rows]
        writer = letters.Letters(self.system.settings, self.system.words)
        return [
            await deliver(
                self.system.db, self.system.channels, self.business_id, one, may_send=handoff.may_send,
                on_failed=notices.delivery_failed, letter_for=writer.letter_for,
            )
            for one in queued
        ]  # fmt: skip

    async def inbox(self, to: str = ADDRESS) -> list[SandboxMessage]:
        async with self.system.db.transaction() as session:
            query = select(SandboxMessage).where(SandboxMessage.channel == "email", SandboxMessage.phone == to)
            return list(await session.scalars(query.order_by(SandboxMessage.n)))

    async def booked(self, thread: Conversation, clock: str = "11:00") -> UUID:
        async with self.system.db.transaction() as session:
            made = await self.book(session, clock, thread)
            assert made.state == "confirmed"
            return made.id

    async def tell(self, booking_id: UUID, act: str = "booked") -> None:
        """Say something of a booking in its thread, as an answer."""
        async with self.system.db.transaction() as session:
            made = await booking.load(session, self.business_id, booking_id)
            turn = await notices.turn_about(self.system, session, made, now=await current_time(session))
            assert turn is not None
            await speak(turn, [turn.say("moved", act=act, facts=cards.booking_card(turn, made), line="it")])


@pytest.fixture
async def house(database_url: str, redis_url: str) -> AsyncIterator[House]:
    settings = settings_for(database_url, redis_url)
    await set_clock(database_url, "2027-03-02T10:00")
    async with open_system(settings) as system:
        await seed_business(system.db, settings)
        async with system.db.transaction() as session:
            business = (await session.scalars(select(Business))).first()
        house = House(system, database_url, business.id)
        async with running_web(settings), httpx.AsyncClient(base_url=settings.base_url, timeout=10) as house.http:
            yield house


def field(calendar: str, name: str) -> str:
    return re.findall(rf"^{name}[:;](.*?)\r?$", calendar.replace("\r\n ", ""), re.MULTILINE)[0]


async def test_an_address_gets_nothing_but_a_question_until_it_is_confirmed(house: House) -> None:
    await house.uses(use="also")
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
    booking_id = await house.booked(thread)
    assert await house.give(thread) == "email.asked"
    await house.tell(booking_id)
    assert await house.post() == [Outcome.SENT]
    (asked,) = await house.inbox()
    assert "Haircut" not in asked.text + asked.vendor["subject"]
    assert asked.vendor["calendar"] == ""
    assert asked.vendor["stop"] == ""  # it was asked for just now


async def test_opening_the_link_confirms_nothing_and_the_button_does_once(house: House) -> None:
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
    await house.booked(thread)
    await house.give(thread)
    await house.post()
    url = re.findall(r"\S+/email/confirm/\S+", (await house.inbox())[0].text)[0]
    page = await house.http.get(url)
    assert (page.status_code, "<button>" in page.text) == (200, True)
    async with house.system.db.transaction() as session:
        row = await session.get_one(CustomerEmail, (house.business_id, thread.customer_id))
        assert row.confirmed_at is None
    assert (await house.http.post(url)).status_code == 200
    assert (await house.http.post(url)).status_code == 404
    await house.post()
    *_, file = await house.inbox()
    assert field(file.vendor["calendar"], "STATUS") == "CONFIRMED"  # what is booked comes at once
    async with house.system.db.transaction() as session:
        notes = [(one.wish, one.how) for one in await session.scalars(select(ConsentNote))]
    assert notes == [("in", "link")]


async def test_a_link_is_good_for_two_days(house: House) -> None:
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
    await house.give(thread)
    await house.post()
    await set_clock(house.database_url, "2027-03-04T10:01")
    assert (await house.confirm()).status_code == 404


async def test_nobody_is_showered_with_questions(house: House) -> None:
    keys = []
    for _ in range(5):  # five strangers name the same address
        async with house.system.db.transaction() as session:
            thread = await house.phone(session)
        keys.append(await house.give(thread))
    assert keys == ["email.asked"] * 3 + ["email.enough"] * 2
    assert len(await house.post()) == 3


async def test_calendars_follow_a_booking_from_letter_to_letter(house: House) -> None:
    await house.uses(use="also", reply_to="hello@marigold.example")
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
        await house.known(session, thread)
    booking_id = await house.booked(thread)
    await house.tell(booking_id)
    await house.post()
    async with house.system.db.transaction() as session:
        now = await current_time(session)
        moved = await booking.load(session, house.business_id, booking_id)
        moved = await booking.reschedule(
            session, house.business_id, booking_id, catalog=await load_catalog(session, house.business_id),
            starts=moved.starts + timedelta(hours=2), staff_id=moved.staff_id, version=moved.version, now=now,
            actor="customer", key="move",
        )  # fmt: skip
    await house.tell(booking_id, "rescheduled")
    await house.post()
    async with house.system.db.transaction() as session:
        now = await current_time(session)
        gone = await booking.cancel(
            session, house.business_id, booking_id, by="customer", version=moved.version, now=now, actor="customer"
        )
        await news.tell(house.system, session, gone.booking, news.News.CANCELLED, now=now)
    await house.post()
    letters_ = await house.inbox()
    files = [one.vendor["calendar"] for one in letters_]
    assert [one.vendor["method"] for one in letters_] == ["PUBLISH", "PUBLISH", "CANCEL"]
    assert [field(one, "METHOD") for one in files] == ["PUBLISH", "PUBLISH", "CANCEL"]
    assert len({field(one, "UID") for one in files}) == 1
    sequences = [int(field(one, "SEQUENCE")) for one in files]
    assert sequences == sorted(set(sequences))
    assert field(files[0], "DTSTART") < field(files[1], "DTSTART")
    assert {one.vendor["reply_to"] for one in letters_} == {"Marigold Studio <hello@marigold.example>"}
    assert [one.vendor["subject"].split(":")[0] for one in letters_] == ["Booked", "Moved", "Cancelled"]


async def test_the_file_says_how_the_booking_stands_when_the_letter_goes(house: House) -> None:
    await house.uses(use="also")
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
        await house.known(session, thread)
    booking_id = await house.booked(thread)
    await house.tell(booking_id)
    async with house.system.db.transaction() as session:
        made = await booking.load(session, house.business_id, booking_id)
        now = await current_time(session)
        await booking.cancel(
            session, house.business_id, booking_id, by="customer", version=made.version, now=now, actor="customer"
        )
    await house.post()
    assert (await house.inbox())[0].vendor["method"] == "CANCEL"


@pytest.mark.parametrize(
    ("business", "customer", "letter", "message"),
    [
        ("also", None, True, True),
        ("instead", None, True, False),
        ("fallback", None, False, True),
        ("fallback", "also", True, True),
        ("also", "fallback", False, True),
        ("off", "also", False, True),
    ],
)
async def test_a_reminder_goes_the_way_that_was_chosen(
    house: House, business: str, customer: str | None, letter: bool, message: bool
) -> None:
    await house.uses(use=business)
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
        await house.known(session, thread, customer)
    booking_id = await house.booked(thread)
    await set_clock(house.database_url, "2027-03-03T11:30")
    async with house.system.db.transaction() as session:
        now = await current_time(session)
        due = await booking.take_due_reminders(session, now=now, limit=9)
        assert [one.booking_id for one in due] == [booking_id]
        await notices.remind(house.system, session, house.business_id, due[0].id, now=now)
    async with house.system.db.transaction() as session:
        rows = await session.scalars(select(Message).where(Message.act == "reminder"))
        assert sorted(row.channel for row in rows) == sorted(["email"] * letter + ["telegram"] * message)


async def test_a_landline_hears_it_by_letter(house: House) -> None:
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
        await house.known(session, thread)
    booking_id = await house.booked(thread)
    await house.tell(booking_id)
    async with house.system.db.transaction() as session:
        said = await house.last(session, thread)
        said.status, said.error = "failed", "twilio_30006"
        await notices.delivery_failed(session, said)
    assert await house.post() == [Outcome.SENT]
    (letter,) = await house.inbox()
    assert letter.vendor["method"] == "PUBLISH"
    async with house.system.db.transaction() as session:
        assert [one.kind for one in await session.scalars(select(StaffTask))] == ["unreachable_elsewhere"]


async def test_who_left_the_thread_gets_letters_only_by_their_own_choice(house: House) -> None:
    await house.uses(use="also")
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
        await house.known(session, thread)
        thread.opted_out_at = await current_time(session)
    booking_id = await house.booked(thread)
    for use, told in ((None, False), ("also", True)):
        async with house.system.db.transaction() as session:
            row = await session.get_one(CustomerEmail, (house.business_id, thread.customer_id))
            row.use = use
            made = await booking.load(session, house.business_id, booking_id)
            now = await current_time(session)
            assert await news.tell(house.system, session, made, news.News.MOVED, now=now) is told


async def test_letters_end_by_one_post_and_by_nothing_less(house: House) -> None:
    await house.uses(use="also")
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
        box = await house.known(session, thread)
    booking_id = await house.booked(thread)
    await house.tell(booking_id)
    await house.post()
    (letter,) = await house.inbox()
    url = letter.vendor["stop"].strip("<>")
    assert url in letter.text
    assert (await house.http.get(url)).status_code == 200
    async with house.system.db.transaction() as session:
        assert (await conversations.load(session, house.business_id, box.id)).opted_out_at is None
    forged = url.replace(box.id.hex, thread.id.hex)
    assert (await house.http.post(forged)).status_code == 404
    one_click = await house.http.post(url, data={"List-Unsubscribe": "One-Click"})
    assert one_click.status_code == 200
    await house.tell(booking_id)
    assert await house.post() == []
    async with house.system.db.transaction() as session:
        notes = await session.scalars(select(ConsentNote).where(ConsentNote.conversation_id == box.id))
        assert ("out", "link") in [(one.wish, one.how) for one in notes]


async def test_a_mailbox_that_is_gone_gets_no_more_letters_and_staff_are_told(house: House) -> None:
    await house.uses(use="also")
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
        box = await house.known(session, thread)
        box.address = "bounce550@mail.example"
    booking_id = await house.booked(thread)
    await house.tell(booking_id)
    assert await house.post() == [Outcome.FAILED]
    async with house.system.db.transaction() as session:
        failed = (await session.scalars(select(Message).where(Message.channel == "email"))).one()
        assert failed.error == "smtp_550_5.1.1"
        assert [one.kind for one in await session.scalars(select(StaffTask))] == ["unreachable"]
        assert await mail_threads.find_for_customer(session, house.business_id, thread.customer_id) is None


async def test_a_server_that_passes_over_us_gets_the_letter_later(house: House) -> None:
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
    await house.give(thread, "busy450@mail.example")
    assert await house.post() == [Outcome.RETRYING]


async def test_two_customers_share_a_mailbox_and_nothing_else(house: House) -> None:
    await house.uses(use="also")
    async with house.system.db.transaction() as session:
        mother, child = await house.phone(session), await house.phone(session)
        box = await house.known(session, mother)
        assert (await house.known(session, child)).id == box.id
    await house.tell(await house.booked(mother, "11:00"))
    await house.tell(await house.booked(child, "12:00"))
    assert len(await house.post()) == 2
    async with house.system.db.transaction() as session:
        letter = (await session.scalars(select(Message).where(Message.channel == "email").order_by(Message.seq))).all()[
            1
        ]
        assert await letters.customer_of(session, letter) == child.customer_id


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        (ADDRESS, True),
        (f"my email is {ADDRESS}", True),
        (f"please send the confirmation to {ADDRESS}", True),
        (f"a haircut tomorrow at 3, my email is {ADDRESS}", False),
        (f"{ADDRESS} - do you do a beard trim", False),
        (f"{ADDRESS} what does it cost?", False),
    ],
)
async def test_what_else_a_message_says_is_answered_too(house: House, text: str, alone: bool) -> None:
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
        taken = await letter_box.hear(await house.turn(session, thread), text)
    assert taken is not None
    assert (taken.alone, ADDRESS in taken.rest) == (alone, False)


async def test_an_address_that_answers_a_question_stays_an_answer(house: House) -> None:
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
        turn = await house.turn(session, thread)
        await speak(turn, [turn.say("moved", act="ask_detail", line="which address?")])
    assert await house.give(thread, ADDRESS) is None


@pytest.mark.parametrize("language", Words().languages)
async def test_a_letter_speaks_the_customers_language_and_says_so(house: House, language: str) -> None:
    await house.uses(use="also")
    async with house.system.db.transaction() as session:
        thread = await house.phone(session, language)
        await house.known(session, thread)
    await house.tell(await house.booked(thread))
    await house.post()
    (letter,) = await house.inbox()
    assert f'<html lang="{language}" dir="ltr">' in letter.vendor["html"]
    assert letter.vendor["subject"].startswith(Words().text(language, "mail.subject.booked", service="", when="")[:4])
    assert Words().text(language, "mail.stop") in letter.text


async def test_a_letter_from_right_to_left_says_so_and_marks_up_nothing_of_its_own(house: House) -> None:
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
        box = await house.known(session, thread)
        message = Message(
            business_id=house.business_id, conversation_id=box.id, channel="email", sender="staff", act=None,
            text='<b onclick="x">שלום</b> https://book.example/x?a=1&b=2', locale="he", terms={},
        )  # fmt: skip
        writer = letters.Letters(house.system.settings, house.system.words)
        letter = await writer.letter_for(session, message, box)
    assert '<html lang="he" dir="rtl">' in letter.html
    assert "<b onclick" not in letter.html
    assert "https://book.example/x?a=1&amp;b=2" in letter.html
    assert letter.calendar is None


def test_a_link_that_ends_letters_is_signed(database_url: str, redis_url: str) -> None:
    settings = settings_for(database_url, redis_url)
    thread = Conversation(business_id=UUID(int=1), id=UUID(int=2))
    token = mail_links.stop_url(settings, thread, "en").rpartition("/")[2].partition("?")[0]
    assert mail_links.read_stop(settings, token) == (UUID(int=1), UUID(int=2))
    for wrong in ("", ".", "..", token[:-1], token + "a", token.replace("2.", "3.", 1), "é" * 80):
        assert mail_links.read_stop(settings, wrong) is None


async def test_the_sandbox_shows_what_was_sent(house: House) -> None:
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
    await house.booked(thread)
    await house.give(thread)
    await house.confirm()
    await house.post()
    page = await house.http.get("/sandbox/mail")
    assert page.text.index("Booked: ") < page.text.index("confirm your e-mail address")
    (asked, told) = await house.inbox()
    shown = await house.http.get(f"/sandbox/mail/{told.n}/letter")
    assert shown.headers["content-security-policy"].startswith("sandbox")
    file = await house.http.get(f"/sandbox/mail/{told.n}/calendar")
    assert file.text.startswith("BEGIN:VCALENDAR")
    assert (await house.http.get(f"/sandbox/mail/{asked.n}/calendar")).status_code == 404
    assert asked.vendor["subject"]
    assert CONFIRM_ACT not in page.text


@pytest.mark.model
async def test_an_address_in_a_talk_is_asked_about_and_the_talk_goes_on(house: House, engine: Engine) -> None:
    async def say(text: str) -> Message:
        async with house.system.db.transaction() as session:
            now = await current_time(session)
            incoming = IncomingMessage("marigold", "somebody", ProviderId(uuid4().hex), text)
            await receive(session, "web", [incoming], now=now)
            thread = (await session.scalars(select(Conversation).where(Conversation.address == "somebody"))).one()
        assert await answer_conversation(house.system, engine, house.business_id, thread.id)
        async with house.system.db.transaction() as session:
            return await house.last(session, thread)

    both = await say(f"A beard trim with Bruno on Thursday at 11, please. My email is {ADDRESS}")
    assert both.text.startswith(f"I have sent a letter to {ADDRESS}.")
    assert both.act == "ask_name"
    alone = await say(f"no, {ADDRESS.replace('ana', 'lu')}")
    assert alone.text.startswith("I have sent a letter to lu@mail.example.")
    assert alone.act == "ask_name"  # what is open is asked again
    assert (await say("Maria Lopez")).act == "confirm"
    assert (await say("yes")).act == "booked"
    assert await house.post() == [Outcome.SENT] * 2
