"""One thread as people read it: messages and notes in order, who spoke, what was understood."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core.catalog import load_catalog
from booking_core.models import Customer, Service, Staff
from bot import misunderstood
from bot.console.cards import visit_name
from bot.models import Dialogue, HandoffNote, ThreadSeen, User
from bot.standing import Answers, Refusal
from channels import messages as channel_messages
from channels.models import Conversation, MediaFile, Message, Sender

#: Entries of one page of a thread.
PAGE = 80
#: Bookings shown above a thread.
MOST_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the bot understood of a message."""

    intent: str
    confidence: int | None  # percent; None for a tap, which is no guess
    also: tuple[str, ...]
    found: tuple[tuple[str, str], ...]  # (service | staff | name | people | ..., as people read it)
    when: tuple[str, ...]  # the words of the message that say when
    readings: tuple[tuple[datetime | None, datetime | None], ...]  # local wall time
    misunderstood: bool = False  # a manager says so


@dataclass(frozen=True, slots=True)
class Entry:
    """A message or a note."""

    id: UUID
    at: datetime
    kind: str  # customer | bot | staff | note | event
    text: str
    who: str | None = None
    seq: int = 0
    move: str | None = None
    to: str | None = None  # whom an assignment was for
    until: datetime | None = None  # of a snooze
    status: str = ""
    error: str | None = None
    act: str | None = None
    choices: tuple[str, ...] = ()
    tapped: bool = False
    attachments: tuple[str, ...] = ()
    files: tuple[tuple[UUID, str, str], ...] = ()  # (id, state, content type), in their order
    facts: Mapping[str, Any] | None = None
    meaning: Meaning | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """Everything that a thread's page shows."""

    id: UUID
    channel: str
    address: str
    name: str | None
    locale: str | None
    customer_id: UUID | None
    opted_out_at: datetime | None
    last_heard_at: datetime | None
    outcome: str | None
    answers: Answers
    person_id: UUID | None
    person: str | None
    version: int
    until: datetime | None  # when a snoozed thread comes back
    last_seq: int
    entries: list[Entry]
    earlier: int | None  # the seq to read on before, where there is more
    refusal: Refusal | None = None


async def load_thread(
    session: AsyncSession, business_id: UUID, conversation_id: UUID, *, before: int | None = None
) -> Thread | None:
    """Return a thread with its latest entries, or those before a seq; None if the business has no such."""
    found = (
        await session.execute(
            select(Conversation, Customer.name, Dialogue, User.name)
            .outerjoin(
                Customer,
                (Customer.business_id == Conversation.business_id) & (Customer.id == Conversation.customer_id),
            )
            .outerjoin(
                Dialogue,
                (Dialogue.business_id == Conversation.business_id) & (Dialogue.conversation_id == Conversation.id),
            )
            .outerjoin(User, (User.business_id == Dialogue.business_id) & (User.id == Dialogue.person_id))
            .where(Conversation.business_id == business_id, Conversation.id == conversation_id)
        )
    ).first()
    if found is None:
        return None
    conversation, customer_name, dialogue, person = found
    entries, earlier = await _entries(session, business_id, conversation_id, before)
    return Thread(
        id=conversation.id,
        channel=conversation.channel,
        address=conversation.address,
        name=customer_name or conversation.display_name,
        locale=conversation.locale,
        customer_id=conversation.customer_id,
        opted_out_at=conversation.opted_out_at,
        last_heard_at=conversation.last_heard_at,
        outcome=conversation.outcome,
        answers=Answers(dialogue.answers) if dialogue else Answers.BOT,
        person_id=dialogue.person_id if dialogue else None,
        person=person,
        version=dialogue.handoff_version if dialogue else 0,
        until=dialogue.snoozed_until if dialogue else None,
        last_seq=conversation.last_seq,
        entries=entries,
        earlier=earlier,
    )


@dataclass(frozen=True, slots=True)
class Ahead:
    """A booking of the customer that lies ahead."""

    reference: str
    starts: datetime
    tz: str
    state: str
    service: str
    #: Rooms and what is lent have nobody.
    staff: str | None


async def load_ahead(
    session: AsyncSession, business_id: UUID, customer_id: UUID | None, now: datetime, language: str
) -> list[Ahead]:
    """Return what a customer has booked, the next first: what whoever answers must know."""
    booked = await bookings.upcoming(session, business_id, customer_id, now=now) if customer_id else []
    if not booked:
        return []
    catalog = await load_catalog(session, business_id)
    return [
        Ahead(
            one.reference,
            one.starts,
            catalog.location(one.location_id).timezone,
            one.state,
            visit_name(catalog, one, language),
            catalog.staff_member(one.staff_id).name if one.staff_id else None,
        )
        for one in booked[:MOST_AHEAD]
    ]


async def mark_seen(session: AsyncSession, business_id: UUID, user_id: UUID, conversation_id: UUID, seq: int) -> None:
    """Remember that a person has read a thread up to a message; never moves back."""
    new = insert(ThreadSeen).values(business_id=business_id, user_id=user_id, conversation_id=conversation_id, seq=seq)
    await session.execute(
        new.on_conflict_do_update(
            index_elements=["business_id", "user_id", "conversation_id"],
            set_={"seq": func.greatest(ThreadSeen.seq, new.excluded.seq)},
        )
    )


async def _entries(
    session: AsyncSession, business_id: UUID, conversation_id: UUID, before: int | None
) -> tuple[list[Entry], int | None]:
    query = select(Message).where(Message.business_id == business_id, Message.conversation_id == conversation_id)
    if before is not None:
        query = query.where(Message.seq < before)
    rows = list(await session.scalars(query.order_by(Message.seq.desc()).limit(PAGE + 1)))
    more, rows = len(rows) > PAGE, rows[:PAGE][::-1]
    notes_query = select(HandoffNote).where(
        HandoffNote.business_id == business_id,
        HandoffNote.conversation_id == conversation_id,
        HandoffNote.move != "reply",  # the message itself says so
    )
    if more:
        notes_query = notes_query.where(HandoffNote.at >= rows[0].created_at)
    if before is not None:
        # Where the page after this one begins: no note between the two is lost, none stands on both.
        later = select(Message.created_at).where(
            Message.business_id == business_id, Message.conversation_id == conversation_id, Message.seq == before
        )
        notes_query = notes_query.where(HandoffNote.at < later.scalar_subquery())
    notes = list(await session.scalars(notes_query.order_by(HandoffNote.at.desc()).limit(PAGE)))
    people = await _names(session, select(User.id, User.name).where(User.business_id == business_id))
    known = await _catalog_names(session, business_id) if any(row.understood for row in rows) else {}
    files = await _files(session, business_id, rows)
    return _woven(
        [_message_entry(row, people, known, files.get(row.id, ())) for row in rows],
        [_note_entry(note, people) for note in notes],
    ), (rows[0].seq if more else None)


def _woven(said: Sequence[Entry], notes: Sequence[Entry]) -> list[Entry]:
    """Return messages in their own order (seq), each note where it was written.

    What the customer said comes before a note of the same instant, what was answered after it.
    """
    waiting = sorted(notes, key=lambda note: note.at)
    woven: list[Entry] = []
    for entry in said:
        while waiting and (waiting[0].at < entry.at or (waiting[0].at == entry.at and entry.kind != "customer")):
            woven.append(waiting.pop(0))
        woven.append(entry)
    return woven + waiting


def _note_entry(note: HandoffNote, people: Mapping[str, str]) -> Entry:
    return Entry(
        id=note.id,
        at=note.at,
        kind="note" if note.move == "note" else "event",
        text=note.text or "",
        who=people.get(str(note.user_id)),
        move=note.move,
        to=people.get(str(note.to_id)),
        until=note.until,
    )


async def _files(
    session: AsyncSession, business_id: UUID, rows: Sequence[Message]
) -> dict[UUID, tuple[tuple[UUID, str, str], ...]]:
    """Return the files that came with messages, without their bytes."""
    ids = [row.id for row in rows if row.attachments]
    if not ids:
        return {}
    found = await session.execute(
        select(MediaFile.message_id, MediaFile.id, MediaFile.state, MediaFile.content_type)
        .where(MediaFile.business_id == business_id, MediaFile.message_id.in_(ids))
        .order_by(MediaFile.place)
    )
    files: dict[UUID, tuple[tuple[UUID, str, str], ...]] = {}
    for message_id, file_id, state, kind in found.tuples():
        files[message_id] = (*files.get(message_id, ()), (file_id, state, kind or ""))
    return files


def _message_entry(
    row: Message, people: Mapping[str, str], known: Mapping[str, str], files: tuple[tuple[UUID, str, str], ...] = ()
) -> Entry:
    return Entry(
        id=row.id,
        at=row.created_at,
        kind=row.sender,
        text=row.text,
        who=people.get(str(row.staff_user_id)),
        seq=row.seq,
        status=row.status if row.sender != Sender.CUSTOMER else "",
        error=row.error,
        act=row.act,
        choices=tuple(str(choice.get("label", "")) for choice in row.choices),
        tapped=row.choice is not None,
        attachments=tuple(str(fact.get("type") or "file") for fact in channel_messages.media(row)),
        files=files,
        facts=row.facts,
        meaning=read_meaning(row.understood, known) if row.understood else None,
    )


def read_meaning(understood: Mapping[str, Any], known: Mapping[str, str]) -> Meaning:
    """Return `nlu.contract.Understood.to_json` as people read it; `known` names catalog ids.

    Reads what is there: a record of an older version may lack fields.
    """
    found = []
    for entity in understood.get("entities") or ():
        value = str(entity.get("value", ""))
        found.append((str(entity.get("entity", "")), known.get(value) or str(entity.get("text") or value)))
    when = understood.get("when") or {}
    windows: Sequence[Mapping[str, Any]] = when.get("choices") or when.get("windows") or ()
    return Meaning(
        intent=str(understood.get("intent") or ""),
        confidence=round(float(understood["confidence"]) * 100) if "confidence" in understood else None,
        also=tuple(str(intent) for intent in understood.get("also") or ()),
        found=tuple(found),
        when=tuple(dict.fromkeys(str(window.get("text") or "") for window in windows)),
        readings=tuple((_moment(window.get("start")), _moment(window.get("end"))) for window in windows[:3]),
        misunderstood=misunderstood.is_marked(understood),
    )


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


async def _catalog_names(session: AsyncSession, business_id: UUID) -> dict[str, str]:
    services = await _names(session, select(Service.id, Service.name).where(Service.business_id == business_id))
    return services | await _names(session, select(Staff.id, Staff.name).where(Staff.business_id == business_id))


async def _names(session: AsyncSession, query: Any) -> dict[str, str]:
    return {str(key): name for key, name in (await session.execute(query)).all()}
