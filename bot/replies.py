"""Canned replies of a business: tokens are filled from the thread's own customer and booking, or said to be missing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import catalog as catalogs
from booking_core.kit.db import savepoint
from booking_core.kit.ids import new_id
from booking_core.models import Business
from bot.actions import cards
from bot.actions.coming import coming
from bot.actions.submit import calendar_url
from bot.models import CannedReply
from bot.turn import Voice, open_turn
from bot.words import Words
from channels.models import Conversation
from payment_links import links

MOST_REPLIES = 100
LONGEST_TITLE = 60
LONGEST_TEXT = 1000
#: What a sample business has, by its keys in the catalogs.
SAMPLES = ("see_you", "late", "link")
#: Letters in braces are a token, known or not: none of them ever reaches a customer.
_TOKEN = re.compile(r"\{\s*([^\W\d]\w*)\s*\}")


class Token(StrEnum):
    """What is filled in."""

    NAME = "name"  # of the customer
    SERVICE = "service"  # of their next booking
    TIME = "time"  # when that is, on the clock of its place
    LINK = "link"  # its payment page while one is open, else its calendar file


class Fault(StrEnum):
    """Why a reply was refused."""

    NO_VALUE = "no_value"  # a token of it has no value in this thread
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - a key, no secret
    INCOMPLETE = "incomplete"
    TITLE_TAKEN = "title_taken"
    TOO_MANY = "too_many"


class ReplyRefused(Exception):
    """A reply was not sent, or not kept; `tokens` are those it is about, as they were written."""

    def __init__(self, fault: Fault, tokens: Sequence[str] = ()) -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.tokens = tuple(tokens)


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its tokens filled; those in `missing` have no value and stand as they were."""

    text: str
    missing: tuple[str, ...]


def tokens_in(text: str) -> tuple[str, ...]:
    """Return the names of all tokens of a text, once each, in their order."""
    return tuple(dict.fromkeys(name.lower() for name in _TOKEN.findall(text)))


def fill(text: str, values: Mapping[str, str | None]) -> Filled:
    """Fill the tokens of a text; a value that itself looks like a token is not filled again."""
    missing = tuple(name for name in tokens_in(text) if not values.get(name))
    return Filled(_TOKEN.sub(lambda found: values.get(found[1].lower()) or f"{{{found[1]}}}", text), missing)


async def filled_or_refused(
    voice: Voice, session: AsyncSession, conversation: Conversation, text: str, *, now: datetime
) -> str:
    """Return a text as it may be sent; raises ReplyRefused where a token of it has no value."""
    if not tokens_in(text):
        return text
    filled = fill(text, await load_values(voice, session, conversation, now=now))
    if filled.missing:
        raise ReplyRefused(Fault.NO_VALUE, filled.missing)
    return filled.text


async def load_values(
    voice: Voice, session: AsyncSession, conversation: Conversation, *, now: datetime
) -> dict[str, str | None]:
    """Return what each token stands for in a thread, in the customer's language; None: nothing."""
    catalog = await catalogs.load_catalog(session, conversation.business_id)
    turn = await open_turn(voice, session, catalog, conversation, last=None, key=f"reply:{conversation.id}", now=now)
    name = turn.customer.name if turn.customer else None
    values: dict[str, str | None] = {
        **dict.fromkeys(Token),
        Token.NAME: name or conversation.display_name,
    }
    ahead = await coming(turn)
    if not ahead:
        return values
    booking = ahead[0]
    there = turn.at(booking.location_id)
    payment = await links.current_link(session, booking.business_id, booking.id)
    return values | {
        Token.SERVICE: str(cards.booking_card(turn, booking)["service"]),
        Token.TIME: there.day_and_clock(booking.starts),
        Token.LINK: payment.url if payment is not None and payment.url else calendar_url(turn, booking),
    }


async def load_replies(session: AsyncSession, business_id: UUID) -> list[CannedReply]:
    """Return the replies of a business by their titles."""
    found = await session.scalars(
        select(CannedReply).where(CannedReply.business_id == business_id).order_by(func.lower(CannedReply.title))
    )
    return list(found)


async def save_reply(
    session: AsyncSession,
    business_id: UUID,
    reply_id: UUID | None,
    *,
    title: str,
    text: str,
    by: UUID | None,
    now: datetime,
) -> CannedReply:
    """Write a reply, or change one.

    Raises LookupError if there is no such reply, and ReplyRefused for an empty one, a token that nothing fills,
    a title that another one has, or one too many.
    """
    if not title or not text:
        raise ReplyRefused(Fault.INCOMPLETE)
    if strange := [name for name in tokens_in(text) if name not in set(Token)]:
        raise ReplyRefused(Fault.UNKNOWN_TOKEN, strange)
    if reply_id is None:
        if len(await load_replies(session, business_id)) >= MOST_REPLIES:
            raise ReplyRefused(Fault.TOO_MANY)
        reply = CannedReply(business_id=business_id, id=new_id())
    else:
        reply = await _load(session, business_id, reply_id)
    try:
        async with savepoint(session):
            reply.title, reply.text, reply.changed_at, reply.changed_by = title, text, now, by
            session.add(reply)
            await session.flush()
    except IntegrityError as clash:
        raise ReplyRefused(Fault.TITLE_TAKEN) from clash
    return reply


async def seed_replies(session: AsyncSession, words: Words, business: Business, now: datetime) -> None:
    """Write a few replies in the language of a business that has none, for a first look."""
    if await load_replies(session, business.id):
        return
    for sample in SAMPLES:
        title, text = (
            words.text(business.default_locale, f"sample.reply.{sample}.{part}") for part in ("title", "text")
        )
        await save_reply(session, business.id, None, title=title, text=text, by=None, now=now)


async def delete_reply(session: AsyncSession, business_id: UUID, reply_id: UUID) -> None:
    """Forget a reply; raises LookupError if there is none such (any more)."""
    gone = await session.scalar(
        delete(CannedReply)
        .where(CannedReply.business_id == business_id, CannedReply.id == reply_id)
        .returning(CannedReply.id)
    )
    if gone is None:
        raise LookupError("no such reply")


async def _load(session: AsyncSession, business_id: UUID, reply_id: UUID) -> CannedReply:
    found = await session.get(CannedReply, (business_id, reply_id))
    if found is None:
        raise LookupError("no such reply")
    return found
