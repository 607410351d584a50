"""What a country wants before somebody is reminded (data/consent.yml), and the one question that asks for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import phonenumbers
import yaml
from babel import Locale
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import Business
from bot import letters
from bot.actions.contract import Turn
from channels import consents, conversations
from channels.consents import Needed, Purpose, Standing, stronger
from channels.models import ConsentNote, Conversation
from nlu.contract import Answer

TABLE = Path(__file__).resolve().parent.parent / "data" / "consent.yml"
#: Where the question is asked: it needs an answer, and these have buttons or numbers for it.
_ASKED_ON = frozenset({"sms", "whatsapp", "telegram"})
_DEFAULT = "default"
_EVERYWHERE = "everywhere"


@cache
def table(path: Path = TABLE) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return the table as it is written: country, channel, purpose."""
    read: Mapping[str, Mapping[str, Mapping[str, str]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


def country_of(conversation: Conversation, business: Business) -> str | None:
    """Return whose law holds: by the number's country where there is a number, else the business's own."""
    if conversation.channel in {"sms", "whatsapp"}:
        try:
            number = phonenumbers.parse(conversation.address.removeprefix("whatsapp:"))
        except phonenumbers.NumberParseException:
            pass  # a business-scoped id, or a short code
        else:
            region = phonenumbers.region_code_for_number(number)
            if region is not None and region.isalpha():
                return str(region)
    return Locale.parse(business.default_locale.replace("-", "_")).territory


def needed_for(channel: str, country: str | None, purpose: Purpose, business: Business) -> Needed:
    """Return what must have been said: what the country wants, or more where the business wants more."""
    rules = table()
    level = rules.get(country or "", {}).get(channel, {}).get(purpose.value)
    needed = Needed(level or rules[_DEFAULT][channel][purpose.value])
    wanted = business.settings.get("consent")
    own = wanted.get(purpose.value) if isinstance(wanted, Mapping) else None
    return stronger(needed, Needed(own)) if own in list(Needed) else needed


async def standing(turn: Turn, purpose: Purpose) -> Standing:
    """Return how the turn's thread stands for a purpose."""
    country = country_of(turn.conversation, turn.business)
    needed = needed_for(turn.conversation.channel, country, purpose, turn.business)
    found = await consents.standing(turn.session, turn.conversation, purpose, needed)
    if found is not Standing.REFUSED and await left_elsewhere(turn.session, turn.conversation, turn.business):
        return Standing.REFUSED
    return found


async def left_elsewhere(session: AsyncSession, conversation: Conversation, business: Business) -> bool:
    """Whether the customer has left another thread whose country has them leave all, and has not come back here since.

    Letters go on: they are ended by their own link.
    """
    if conversation.customer_id is None or conversation.channel not in _ASKED_ON:
        return False
    left = await session.scalars(
        select(Conversation).where(
            Conversation.business_id == conversation.business_id,
            Conversation.customer_id == conversation.customer_id,
            Conversation.id != conversation.id,
            Conversation.opted_out_at.is_not(None),
        )
    )
    others = left.all()
    if not others:
        return False
    return left_since(conversation, await consents.load_notes(session, conversation), others, business) is not None


def left_since(
    conversation: Conversation, notes: Sequence[ConsentNote], threads: Sequence[Conversation], business: Business
) -> datetime | None:
    """Return since when a customer has left this thread by leaving another of theirs; None if they have not."""
    if conversation.customer_id is None or conversation.channel not in _ASKED_ON:
        return None
    since = [
        one.opted_out_at
        for one in threads
        if one.id != conversation.id
        and one.customer_id == conversation.customer_id
        and one.opted_out_at is not None
        and _rule(one, business, "leaving") == _EVERYWHERE
    ]
    back = [note.at for note in notes if note.wish == "in" and note.how != "wrote"]
    return max(since) if since and (not back or max(back) < max(since)) else None


def _rule(conversation: Conversation, business: Business, name: str) -> str | None:
    return table().get(country_of(conversation, business) or "", {}).get(conversation.channel, {}).get(name)


async def with_question(turn: Turn, said: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Add the question to what is said of a new booking, where reminders need a yes that nobody has given yet."""
    parts = list(said)
    if turn.conversation.channel not in _ASKED_ON or not parts or parts[-1].get("act") != "booked":
        return parts
    last = parts[-1]
    if last.get("choices") or await standing(turn, Purpose.REMINDERS) is not Standing.ASK:
        return parts
    country = country_of(turn.conversation, turn.business)
    question = turn.words.text(turn.locale, _key(turn.conversation.channel, country), business=turn.business.name)
    conversations.note_consent(
        turn.conversation,
        turn.now,
        wish="asked",
        how="question",
        purpose=Purpose.REMINDERS,
        country=country,
        wording=question,
    )
    options = [turn.option(f"consent.{key}", "consent", yes=key == "yes", wording=question) for key in ("yes", "no")]
    choices = [{"label": one.label, "do": one.do, "args": one.args} for one in options]
    facts = {**(last.get("facts") or {}), "consent": question}
    parts[-1] = {**last, "text": f"{last['text']}\n{question}", "choices": choices, "facts": facts}
    return parts


def _key(channel: str, country: str | None) -> str:
    carrier = table().get(country or "", {}).get(channel, {}).get("notice") == "carrier"
    return "consent.ask_carrier" if carrier else "consent.ask"


async def take(turn: Turn, args: Mapping[str, Any], form: str | None = None) -> Answer:
    """Write down the answer to the question, with the sentence that it answers."""
    yes = bool(args["yes"])
    country = country_of(turn.conversation, turn.business)
    conversations.note_consent(
        turn.conversation,
        turn.now,
        wish="in" if yes else "out",
        how="answered",
        purpose=Purpose.REMINDERS,
        country=country,
        wording=str(args["wording"]),
    )
    await turn.session.flush()
    said = thanks(turn) if yes else turn.say("consent.declined", act="info", business=turn.business.name)
    return Answer(say=(said,), then=form)


def thanks(turn: Turn) -> dict[str, Any]:
    """Return what is said to a yes: where carriers want more said than thanks, that."""
    carrier = _key(turn.conversation.channel, country_of(turn.conversation, turn.business)) == "consent.ask_carrier"
    key = "consent.thanks_carrier" if carrier else "consent.thanks"
    return turn.say(key, act="info", business=turn.business.name)


async def letter_box(turn: Turn, customer_id: Any) -> Conversation | None:
    """Return where somebody may be reminded instead who has not said yes in the thread: by their confirmed e-mail."""
    return await letters.thread_for(turn.session, turn.business, customer_id, uses=("also", "instead", "fallback"))
