"""One turn in one transaction: what was said, what it means, what is answered and remembered."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core import catalog as catalogs
from booking_core import customers
from booking_core.catalog import Catalog, remembered
from booking_core.models import Business, Customer, Location, Unit
from bot import coming_back, consent, estimate, handoff, letters
from bot.actions import leaving, letter_box
from bot.actions.coming import coming
from bot.actions.contract import Draft, Turn
from bot.phrasing import local_tag
from bot.settings import Settings
from bot.standing import Answers
from bot.thread_rows import Kept, Opened, close_turn, closing, open_thread
from bot.wiring import System
from bot.words import Words, language_of
from channels import messages
from channels.mail import NAME as MAIL
from channels.models import Conversation, Message
from nlu import clauses, contract

if TYPE_CHECKING:  # The web process words recaps with this module, and loads no Rasa.
    from nlu.engine import Engine

#: However long somebody goes on writing, an answer comes after this.
LONGEST_WAIT = timedelta(seconds=8)
#: What Telegram sends when somebody opens the chat.
_OPENED = re.compile(r"^/start(?:\s|$)")
#: After these a bare number may be an hour, a count or an answer.
_TIMES_ASKED = {"offer_slots", "ask_when", "ask_people", "ask_detail"}
#: What is told of a booking while another one may be in the making: paid, moved at the desk.
_NEWS = {"booked", "rescheduled", "cancelled"}
#: What a question for a slot of the form is as a message.
_QUESTIONS = {
    "booking": "clarify", "service": "ask_service", "place": "clarify", "people": "ask_people", "units": "ask_detail",
    "slot": "offer_slots", "details": "ask_detail", "customer_name": "ask_name", "confirmed": "confirm",
}  # fmt: skip
#: A number by itself, as a digit or as the key that phones draw for it.
_NUMBER = re.compile(r"^\s*#?(\d{1,2})\ufe0f?\u20e3?\s*[.)]?\s*$")


class Unanswered(RuntimeError):
    """A turn ended without anything to say: a bug, so the turn is undone and tried again."""


class Voice(Protocol):
    """What is needed to say something in a thread, whoever composes it."""

    @property
    def words(self) -> Words:
        """The sentences."""

    @property
    def settings(self) -> Settings:
        """How the world reaches us."""


@dataclass(frozen=True, slots=True)
class Said:
    """A group of messages that are answered together: a tap, or a burst of free text."""

    rows: tuple[Message, ...]
    text: str
    tap: contract.Tap | None


async def answer_conversation(system: System, engine: "Engine", business_id: UUID, conversation_id: UUID) -> bool:
    """Answer everything unanswered in a thread; False if there was nothing (a job run twice)."""
    started = asyncio.get_running_loop().time()
    while True:
        async with system.db.transaction(business_id) as session:
            opened = await open_thread(session, business_id, conversation_id)
            if not opened.waiting:
                return False
            waited = timedelta(seconds=asyncio.get_running_loop().time() - started)
            quiet = system.channels[opened.conversation.channel].quiet
            rest = rest_of_burst(opened.waiting[-1], quiet=quiet, now=opened.now, waited=waited)
            if rest <= timedelta(0):
                await _take_turn(system, engine, session, opened)
                return True
        await asyncio.sleep(rest.total_seconds())


def rest_of_burst(newest: Message, *, quiet: timedelta, now: datetime, waited: timedelta) -> timedelta:
    """Return how long to wait until a burst of free text is over; taps and numbers are answered at once."""
    if newest.choice or _NUMBER.match(newest.text):
        return timedelta(0)
    return min(quiet - (now - newest.created_at), LONGEST_WAIT - waited)


async def _take_turn(system: System, engine: "Engine", session: AsyncSession, opened: Opened) -> None:
    kept = Kept()
    answers = await handoff.heard(session, opened.dialogue, opened.conversation, opened.now)
    if answers is Answers.BOT:
        await _answer(system, engine, session, opened, kept)
    elif answers is Answers.WAITING:
        await _reassure(system, session, opened)
    await close_turn(session, opened, kept)


async def _answer(system: System, engine: "Engine", session: AsyncSession, opened: Opened, kept: Kept) -> None:
    conversation, waiting, now = opened.conversation, opened.waiting, opened.now
    memory: Mapping[str, Any] = opened.dialogue.memory
    catalog = await catalogs.catalog_at(session, conversation.business_id, opened.catalog_version)
    replied = await messages.find_replied_to(session, waiting[-1])
    last = replied or opened.last
    if any(messages.platform_opt(row) == "stop" for row in waiting):
        await leaving.note_platform_stop(session, conversation, waiting[-1], now=now)
    groups = await _grouped(session, conversation, waiting, last, now)
    for said in groups:
        turn = await open_turn(
            system, session, catalog, conversation, last=last, key=f"{conversation.id}:{said.rows[-1].seq}", now=now
        )
        turn.place = _place_of(memory, catalog)
        turn.replied = replied is not None and last is replied
        back = await coming_back.hear(turn, said.text, said.rows[-1].provider_id) if said.tap is None else None
        if back is not None:
            for row in said.rows:
                kept.understood[row.id] = {"intent": "tap", "do": "come_back", "actions": []}
            last = await speak(turn, [await letter_box.with_open_question(turn, memory, dict(back))])
            continue
        taken = await letter_box.hear(turn, said.text) if said.tap is None and MAIL in system.channels else None
        if taken is not None and taken.alone:
            for row in said.rows:
                kept.understood[row.id] = {"intent": "tap", "do": "email", "actions": []}
            said_so = await letter_box.with_open_question(turn, memory, taken.said(turn))
            last = await speak(turn, [said_so])
            continue
        heard = await _heard(turn, memory, said if taken is None else replace(said, text=taken.rest))
        result = await engine.turn(memory, heard, turn)
        memory = kept.memory = result.memory
        for row in said.rows:
            kept.understood[row.id] = {**result.understood.to_json(), "actions": list(result.actions)}
            kept.locales[row.id] = turn.locale
        if said.tap is not None:
            kept.understood[said.rows[-1].id] = {"intent": "tap", "do": said.tap.do, "actions": list(result.actions)}
        if result.said:
            also = closing(opened, kept) if said is groups[-1] else None
            last = await speak(turn, [*([taken.said(turn)] if taken is not None else []), *result.said], also)
        elif not turn.answer_follows:
            raise Unanswered
        if any(one.get("act") == "handoff" for one in result.said):
            return


async def _reassure(system: System, session: AsyncSession, opened: Opened) -> None:
    """Say once in a wait when a person answers; what the platform has answered itself is no question."""
    dialogue, conversation, waiting, now = opened.dialogue, opened.conversation, opened.waiting, opened.now
    if dialogue.estimated_at is not None or all(messages.platform_opt(row) for row in waiting):
        return
    catalog = await catalogs.catalog_at(session, conversation.business_id, opened.catalog_version)
    key = f"{conversation.id}:{waiting[-1].seq}"
    turn = await open_turn(system, session, catalog, conversation, last=None, key=key, now=now)
    await speak(turn, [await estimate.when_answered(turn)])
    await handoff.note_estimate(session, dialogue, conversation, now)


async def open_turn(
    system: Voice,
    session: AsyncSession,
    catalog: Catalog,
    conversation: Conversation,
    *,
    last: Message | None,
    key: str,
    now: datetime,
) -> Turn:
    """Return the circumstances of a turn, or of something said without being asked."""
    customer: Customer | None = None
    if conversation.customer_id is not None:
        customer = await customers.load_or_create(
            session, conversation.business_id, conversation.customer_id, name=None, locale=None, now=now
        )
    return Turn(
        session=session,
        words=system.words,
        catalog=catalog,
        conversation=conversation,
        customer=customer,
        now=now,
        locale=_locale_of(system, conversation, catalog.business),
        last=last,
        key=key,
        base_url=system.settings.base_url,
    )


def _place_of(memory: Mapping[str, Any], catalog: Catalog) -> Location | None:
    """Return the place that the talk is about, if it is known yet."""
    return Draft.of(memory.get("slots") or {}, catalog).place


def _locale_of(system: Voice, conversation: Conversation, business: Business) -> str:
    if conversation.locale and language_of(conversation.locale) in system.words.languages:
        return (
            conversation.locale
            if "-" in conversation.locale
            else local_tag(language_of(conversation.locale), business.default_locale)
        )
    return business.default_locale


async def speak(turn: Turn, said: Iterable[Mapping[str, Any]], also: messages.Also | None = None) -> Message:
    """Queue one message made of everything that was said: its choices and facts are the last ones."""
    parts = await consent.with_question(turn, list(said))
    choices: list[Mapping[str, Any]] = next((part["choices"] for part in reversed(parts) if part.get("choices")), [])
    facts = next((known for part in reversed(parts) if (known := _still_asked(part, last=part is parts[-1]))), None)
    message = await messages.queue_message(
        turn.session,
        turn.conversation,
        sender="bot",
        text="\n".join(str(part["text"]) for part in parts),
        choices=[messages.ChoiceDraft(one["label"], one["do"], one["args"]) for one in choices],
        act=parts[-1]["act"],
        facts=facts,
        locale=turn.locale,
        now=turn.now,
        also=also,
    )
    await letters.copy(turn, message)
    return message


def _still_asked(part: Mapping[str, Any], *, last: bool) -> dict[str, Any] | None:
    """Return a part's facts; whether to book is no open question any more when another one follows."""
    facts: dict[str, Any] = dict(part.get("facts") or {})
    if not last:
        facts.pop("book", None)
    return facts or None


async def _heard(turn: Turn, memory: Mapping[str, Any], said: Said) -> contract.Heard:
    return contract.Heard(
        text=said.text,
        now=turn.now,
        tz=turn.tz,
        locale=turn.locale,
        asked=_asked(turn, memory),
        catalog=_named(turn.catalog),
        hours=turn.catalog.opening(turn.place.id if turn.place else None),
        reference=await _reference(turn, memory),
        tap=said.tap,
    )


def _asked(turn: Turn, memory: Mapping[str, Any]) -> str | None:
    """Return what the bot's last message was; news of another booking closes no question that is open."""
    if turn.last is None or turn.last.sender != "bot":
        return None
    if turn.last.act in _NEWS and memory.get("form") and not turn.replied:
        return _QUESTIONS.get(memory.get("asking") or "", turn.last.act)
    return turn.last.act


@remembered
def _named(catalog: Catalog) -> contract.Catalog:
    """Return everything that a customer may name."""
    return contract.Catalog(
        services=tuple(
            contract.Name(str(one.id), _service_names(one.name, one.names, one.synonyms)) for one in catalog.services
        ),
        staff=tuple(contract.Name(str(one.id), (one.name, *one.aliases)) for one in catalog.staff),
        places=_places(catalog),
        add_ons=tuple(
            contract.Name(str(one.id), _service_names(one.name, one.names, one.synonyms))
            for service in catalog.services
            for one in catalog.add_ons(service.id)
        ),
        units=frozenset(service.unit for service in catalog.services) - {Unit.VISIT.value},
    )


async def _reference(turn: Turn, memory: Mapping[str, Any]) -> tuple[datetime, datetime] | None:
    """Return the booking that "an hour later" is said of: the one being moved, or the only one coming."""
    slots = memory.get("slots") or {}
    if slots.get("task") == "move" and slots.get("booking"):
        moved = await bookings.load(turn.session, turn.business.id, UUID(slots["booking"]))
        return moved.starts, moved.ends
    if slots.get("slot") and slots.get("task") == "book":  # "make it 30 minutes later", of the time that was chosen
        chosen = datetime.fromisoformat(slots["slot"]["starts"])
        return chosen, chosen + timedelta(minutes=1)
    if slots.get("task"):
        return None
    upcoming = await coming(turn)
    return (upcoming[0].starts, upcoming[0].ends) if len(upcoming) == 1 else None


def _places(catalog: Catalog) -> tuple[contract.Name, ...]:
    """Return what the places are called, where there are several to choose from."""
    if len(catalog.locations) == 1:
        return ()
    return tuple(contract.Name(str(one.id), (one.name,)) for one in catalog.locations)


def _service_names(name: str, names: Mapping[str, str], synonyms: Mapping[str, list[str]]) -> tuple[str, ...]:
    every = [name, *names.values(), *(word for words in synonyms.values() for word in words)]
    return tuple(dict.fromkeys(every))


def _says_nothing(text: str) -> bool:
    """Whether a text is signs alone ("?", "...") that are no answer by themselves."""
    return not any(char.isalnum() for char in text) and clauses.sign_of(text) is None


async def _grouped(
    session: AsyncSession, conversation: Conversation, waiting: list[Message], last: Message | None, now: datetime
) -> list[Said]:
    """Put free text of one burst together; the same choice tapped twice counts once."""
    groups: list[Said] = []
    for row in waiting:
        if messages.platform_opt(row):
            continue  # the platform has answered this itself
        tap = await _tap_of(session, conversation, row, last, now)
        before = groups[-1] if groups else None
        if before is not None and before.tap == tap:
            text = before.text if tap else f"{before.text}\n{row.text}"
            groups[-1] = Said((*before.rows, row), text, tap)
        else:
            groups.append(Said((row,), row.text, tap))
    return groups


async def _tap_of(
    session: AsyncSession, conversation: Conversation, row: Message, last: Message | None, now: datetime
) -> contract.Tap | None:
    """Return what was chosen: by a tap, by its number, or by typing its label."""
    if not row.choice and (not row.text.strip() or _says_nothing(row.text)):
        return contract.Tap("media" if messages.media(row) else "repeat")
    if _OPENED.match(row.text):
        return contract.Tap("greet")
    token = None
    if row.choice:
        token = await messages.find_choice(session, conversation, row.choice)
    elif last is not None and last.choices:
        number = _NUMBER.match(row.text)
        written = row.text.strip().casefold()
        place = (
            int(number.group(1))
            if number
            else next((n for n, one in enumerate(last.choices, 1) if one["label"].casefold() == written), None)
        )
        if place is not None:
            token = await messages.choice_by_number(session, last.id, place)
            if number and token is not None and token.meaning["args"].get("typed") == "number":
                return None  # a number was asked for: it is the answer, whatever stands beside it
        if number and token is None and last.act not in _TIMES_ASKED:
            return contract.Tap("repeat")  # a number that is not on the list
    if token is None or token.expires_at <= now:
        return None
    await messages.use_choice(session, token, now)
    return contract.Tap(token.meaning["do"], token.meaning["args"])
