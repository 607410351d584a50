"""What goes by e-mail: who gets letters, what is written, and how it looks when it is sent."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core import catalog as catalogs
from booking_core.kit.clock import current_time
from booking_core.models import Booking, Business
from bot import calendar_file, mail_links, phrasing
from bot.actions import cards
from bot.actions.contract import Turn
from bot.settings import Settings
from bot.words import Words, language_of
from channels import mail_threads, messages, terms
from channels.accounts import open_account
from channels.contract import CalendarFile, Letter
from channels.mail import NAME
from channels.mail_address import clean_address
from channels.models import ChannelAccount, Conversation, Message

#: What is told by letter, by its act.
TOLD = frozenset({"booked", "rescheduled", "cancelled", "reminder"})
USES = ("also", "instead", "fallback", "off")
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True, undefined=StrictUndefined
)


def wish_of(business: Business) -> tuple[str, str | None]:
    """Return how a business uses e-mail, and where answers go: `settings: {email: {use: also, reply_to: ...}}`."""
    told = business.settings.get("email")
    told = told if isinstance(told, Mapping) else {}
    use, reply_to = told.get("use"), told.get("reply_to")
    return use if use in USES else "fallback", clean_address(reply_to) if isinstance(reply_to, str) else None


async def account_of(session: AsyncSession, business: Business) -> ChannelAccount:
    """Return the business's account on the channel, opened with its first letter."""
    return await open_account(session, business.id, NAME, business.slug)


async def thread_for(
    session: AsyncSession, business: Business, customer_id: UUID | None, *, uses: tuple[str, ...]
) -> Conversation | None:
    """Return a customer's e-mail thread, if letters are used in one of these ways for this customer."""
    found = await mail_threads.find_for_customer(session, business.id, customer_id)
    general, _ = wish_of(business)
    if found is None or general == "off":
        return None
    thread, row = found
    return thread if (row.use or general) in uses else None


async def best_thread(
    session: AsyncSession, business: Business, booking: Booking, thread: Conversation | None
) -> Conversation | None:
    """Return where to tell of a booking what nobody has just asked for: its thread, or the customer's letters.

    Whoever left the thread gets letters only where they have chosen letters themselves.
    """
    if thread is None:
        return await thread_for(session, business, booking.customer_id, uses=("also", "instead", "fallback"))
    if thread.opted_out_at is not None:
        found = await mail_threads.find_for_customer(session, business.id, booking.customer_id)
        chosen = found is not None and found[1].use in {"also", "instead"} and wish_of(business)[0] != "off"
        return found[0] if found is not None and chosen else thread
    return await thread_for(session, business, booking.customer_id, uses=("instead",)) or thread


async def copy(turn: Turn, message: Message) -> Message | None:
    """Send what was just told in a thread by letter, too, where that was chosen, or where the thread rings nowhere."""
    act = message.act or ""
    if act not in TOLD or mail_threads.is_mail(turn.conversation):
        return None
    booking = await _booking_of(turn.session, message)
    if booking is None:
        return None
    uses = ("also", "instead", "fallback") if turn.conversation.channel == "web" else ("also", "instead")
    thread = await thread_for(turn.session, turn.business, booking.customer_id, uses=uses)
    if thread is None:
        return None
    letter = await write(turn, thread, booking, act)
    terms.agree(message, copied=str(letter.id))
    terms.agree(letter, copy_of=str(message.id))
    return letter


async def instead(session: AsyncSession, message: Message, thread: Conversation) -> Message | None:
    """Queue as a letter what could not be said in a thread; None where it is not about a booking."""
    booking = await _booking_of(session, message)
    act = message.act or ""
    if booking is None or act not in TOLD:
        return None
    catalog = await catalogs.load_catalog(session, message.business_id)
    turn = Turn(
        session=session,
        words=Words(),
        catalog=catalog,
        conversation=thread,
        customer=None,
        now=message.status_at,
        locale=message.locale or thread.locale or catalog.business.default_locale,
        last=None,
        key=f"letter:{message.id}",
        base_url="",
    )
    return await write(turn, thread, booking, act)


async def customer_of(session: AsyncSession, message: Message) -> UUID | None:
    """Return whose booking a message is about."""
    booking = await _booking_of(session, message)
    return booking.customer_id if booking is not None else None


async def write(turn: Turn, thread: Conversation, booking: Booking, act: str) -> Message:
    """Queue a letter about a booking."""
    there = turn.at(booking.location_id)
    text = there.words.text(
        there.locale,
        f"mail.{act}",
        line=cards.booking_line(there, booking),
        place=there.place_line,
        reference=booking.reference,
    )
    message = await messages.queue_message(
        turn.session,
        thread,
        sender="bot",
        text=text,
        act=act,
        facts=cards.booking_card(there, booking),
        locale=turn.locale,
        now=turn.now,
    )
    terms.hold_back(message, useful_until=booking.starts if act == "reminder" else None)
    return message


class Letters:
    """Makes letters of queued messages, as things stand when they are sent."""

    def __init__(self, settings: Settings, words: Words) -> None:
        self._settings = settings
        self._words = words

    async def letter_for(self, session: AsyncSession, message: Message, thread: Conversation) -> Letter:
        """Return a message as a letter: its calendar file says how the booking stands now."""
        catalog = await catalogs.load_catalog(session, message.business_id)
        business = catalog.business
        locale = message.locale or thread.locale or business.default_locale
        now = await current_time(session)
        _, reply_to = wish_of(business)
        booking = await _booking_of(session, message)
        calendar = None
        if booking is not None:
            method, text = calendar_file.calendar_of(catalog, booking, locale, now=now)
            calendar = CalendarFile(method, text, f"{booking.reference}.ics")
        stop = mail_links.stop_url(self._settings, thread, locale)
        unasked = bool(message.terms.get("unasked"))
        return Letter(
            subject=self._subject(message, business, locale),
            from_name=business.name,
            reply_to=reply_to,
            text=self._text(message, business, locale, reply_to, stop if unasked else None),
            html=self._html(message, business, locale, reply_to, stop if unasked else None),
            about=f"{booking.id if booking is not None else message.id}",
            written_at=now,
            calendar=calendar,
            unsubscribe=stop if unasked else None,
        )

    def _subject(self, message: Message, business: Business, locale: str) -> str:
        facts: Mapping[str, Any] = message.facts or {}
        kind = message.act if message.act in TOLD or message.act == mail_threads.CONFIRM_ACT else "news"
        if kind in TOLD and not (facts.get("service") and facts.get("start")):
            kind = "news"
        when = ""
        if kind in TOLD:
            # The card's times are by the clock of the place already.
            start = datetime.fromisoformat(facts["start"])
            when = phrasing.wall_day_and_clock(start, locale)
        return self._words.text(
            locale, f"mail.subject.{kind}", business=business.name, service=facts.get("service"), when=when
        )

    def _footer(self, business: Business, locale: str, reply_to: str | None) -> list[str]:
        key = "mail.answer" if reply_to else "mail.no_answer"
        return [self._words.text(locale, key, business=business.name)]

    def _text(self, message: Message, business: Business, locale: str, reply_to: str | None, stop: str | None) -> str:
        lines = [message.text, "", "-- ", *self._footer(business, locale, reply_to)]
        if stop is not None:
            lines.append(f"{self._words.text(locale, 'mail.stop')}: {stop}")
        return "\n".join(lines) + "\n"

    def _html(self, message: Message, business: Business, locale: str, reply_to: str | None, stop: str | None) -> str:
        return _PAGES.get_template("letter.html").render(
            language=language_of(locale),
            direction=phrasing.babel_locale(locale).text_direction,
            title=self._subject(message, business, locale),
            business=business.name,
            lines=[_linked(line) for line in message.text.splitlines() if line.strip()],
            footer=self._footer(business, locale, reply_to),
            stop=stop,
            stop_words=self._words.text(locale, "mail.stop"),
        )


def _linked(line: str) -> Markup:
    """Return a line with its addresses of pages as links; everything else is text."""
    words = []
    for word in line.split(" "):
        if word.startswith(("https://", "http://")):
            words.append(Markup('<a href="{0}" style="color: inherit">{0}</a>').format(word))
        else:
            words.append(Markup.escape(word))
    return Markup(" ").join(words)


async def _booking_of(session: AsyncSession, message: Message) -> Booking | None:
    token = (message.facts or {}).get("ics_token")
    return await bookings.find_by_ics_token(session, token) if token else None
