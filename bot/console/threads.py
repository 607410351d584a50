"""Lists of threads, read for the inbox: who waits longest first, then with a person, put aside, and the bot's."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from booking_core.models import Customer
from bot.models import Dialogue, HandoffNote, ThreadSeen, User
from bot.standing import BOT_SPEAKS, Answers, Move
from channels.models import Conversation, Message, Sender

#: Threads that wait for a person or are with one are all shown; of the bot's, the latest.
MOST_OPEN = 200
MOST_OF_BOT = 50
#: Text is searched by ILIKE, bounded by the time index: so far back and no further.
SEARCHED = timedelta(days=30)
#: Unread messages are counted among so many of a thread's last; more than nine read `9+`.
MOST_COUNTED = 40


class Show(StrEnum):
    """What part of the inbox is shown."""

    WAITING = "waiting"
    MINE = "mine"
    SNOOZED = "snoozed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """One line of a list of threads."""

    id: UUID
    channel: str
    address: str
    name: str | None
    outcome: str | None
    answers: Answers
    person_id: UUID | None
    person: str | None
    waiting_since: datetime | None
    last_at: datetime
    last_text: str
    last_sender: str | None
    last_status: str | None
    unread: int
    until: datetime | None
    woken_at: datetime | None


@dataclass(frozen=True, slots=True)
class Inbox:
    """The parts of the inbox; `counts` are of all there is, whatever is searched for or shown."""

    waiting: list[ThreadRow] = field(default_factory=list)
    person: list[ThreadRow] = field(default_factory=list)
    snoozed: list[ThreadRow] = field(default_factory=list)
    bot: list[ThreadRow] = field(default_factory=list)
    counts: dict[Show, int] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.waiting or self.person or self.snoozed or self.bot)


def pattern(text: str) -> str:
    r"""Return an ILIKE pattern that finds the text as it is, `%`, `_` and `\` included."""
    for special in "\\%_":
        text = text.replace(special, "\\" + special)
    return f"%{text}%"


def matches(text: str, since: datetime) -> ColumnElement[bool]:
    """Return the condition that a thread holds the text: in its name, address, or a message since then."""
    wanted = pattern(text)
    said = exists().where(
        Message.business_id == Conversation.business_id,
        Message.conversation_id == Conversation.id,
        Message.created_at >= since,
        Message.text.ilike(wanted, escape="\\"),
    )
    return or_(
        Conversation.display_name.ilike(wanted, escape="\\"),
        Conversation.address.ilike(wanted, escape="\\"),
        Customer.name.ilike(wanted, escape="\\"),
        said,
    )


#: Since when a thread waits.
_ASKED = (
    select(func.max(HandoffNote.at))
    .where(
        HandoffNote.business_id == Conversation.business_id,
        HandoffNote.conversation_id == Conversation.id,
        HandoffNote.move == Move.ASK.value,
        Dialogue.answers == Answers.WAITING.value,
    )
    .correlate(Conversation, Dialogue)
    .scalar_subquery()
)


def rows_of(business_id: UUID, viewer: UUID | None) -> Select[*tuple[Any, ...]]:
    """Return the query of `ThreadRow` fields; `viewer` is whose unread marks are counted, None for none."""
    last = aliased(Message)
    unread = (
        select(func.count())
        .select_from(Message)
        .where(
            Message.business_id == Conversation.business_id,
            Message.conversation_id == Conversation.id,
            Message.sender == Sender.CUSTOMER.value,
            # However long a thread has gone unread, only its end is counted.
            Message.seq > func.greatest(func.coalesce(ThreadSeen.seq, 0), Conversation.last_seq - MOST_COUNTED),
        )
        .correlate(Conversation, ThreadSeen)
        .scalar_subquery()
    )
    return (
        select(
            Conversation.id,
            Conversation.channel,
            Conversation.address,
            func.coalesce(Customer.name, Conversation.display_name),
            Conversation.outcome,
            func.coalesce(Dialogue.answers, Answers.BOT.value),
            Dialogue.person_id,
            User.name,
            _ASKED,
            Conversation.last_message_at,
            func.coalesce(last.text, ""),
            last.sender,
            last.status,
            unread,
            Dialogue.snoozed_until,
            Dialogue.woken_at,
        )
        .select_from(Conversation)
        .outerjoin(
            Dialogue,
            and_(Dialogue.business_id == Conversation.business_id, Dialogue.conversation_id == Conversation.id),
        )
        .outerjoin(
            Customer,
            and_(Customer.business_id == Conversation.business_id, Customer.id == Conversation.customer_id),
        )
        .outerjoin(
            last,
            and_(
                last.business_id == Conversation.business_id,
                last.conversation_id == Conversation.id,
                last.seq == Conversation.last_seq,
            ),
        )
        .outerjoin(User, and_(User.business_id == Dialogue.business_id, User.id == Dialogue.person_id))
        .outerjoin(
            ThreadSeen,
            and_(
                ThreadSeen.business_id == Conversation.business_id,
                ThreadSeen.conversation_id == Conversation.id,
                ThreadSeen.user_id == viewer if viewer else false(),
            ),
        )
        .where(Conversation.business_id == business_id)
    )


async def read_rows(session: AsyncSession, query: Select[*tuple[Any, ...]]) -> list[ThreadRow]:
    """Run a query made of `rows_of`."""
    return [
        ThreadRow(row[0], row[1], row[2], row[3], row[4], Answers(row[5]), *row[6:])
        for row in (await session.execute(query)).all()
    ]


async def load_inbox(
    session: AsyncSession,
    business_id: UUID,
    viewer: UUID,
    *,
    search: str,
    now: datetime,
    show: Show = Show.ALL,
) -> Inbox:
    """Return the inbox as one person sees it; a search looks back `SEARCHED`."""
    query = rows_of(business_id, viewer)
    if search:
        since = now - SEARCHED
        query = query.where(Conversation.last_message_at >= since, matches(search, since))
    inbox = Inbox(counts=await load_counts(session, business_id, viewer))
    if show in {Show.ALL, Show.WAITING}:
        waiting = query.where(Dialogue.answers == Answers.WAITING.value)
        longest_first = waiting.order_by(func.coalesce(_ASKED, Conversation.last_message_at))
        inbox.waiting.extend(await read_rows(session, longest_first.limit(MOST_OPEN)))
    if show in {Show.ALL, Show.MINE}:
        taken = query.where(Dialogue.answers == Answers.PERSON.value)
        if show is Show.MINE:
            taken = taken.where(Dialogue.person_id == viewer)
        # What has come back from its snooze counts as new, though nobody has said anything.
        latest = taken.order_by(func.greatest(Dialogue.woken_at, Conversation.last_message_at).desc())
        inbox.person.extend(await read_rows(session, latest.limit(MOST_OPEN)))
    if show in {Show.ALL, Show.SNOOZED}:
        aside = query.where(Dialogue.answers == Answers.SNOOZED.value)
        soonest = aside.order_by(Dialogue.snoozed_until.asc().nulls_last(), Conversation.last_message_at.desc())
        inbox.snoozed.extend(await read_rows(session, soonest.limit(MOST_OPEN)))
    if show is Show.ALL:
        # Spelt so that the planner can tell that this is nearly every thread, and walks the time index.
        of_bot = query.where(or_(Dialogue.answers.is_(None), Dialogue.answers.in_([one.value for one in BOT_SPEAKS])))
        inbox.bot.extend(
            await read_rows(session, of_bot.order_by(Conversation.last_message_at.desc()).limit(MOST_OF_BOT))
        )
    return inbox


async def load_counts(session: AsyncSession, business_id: UUID, viewer: UUID) -> dict[Show, int]:
    """Return how many threads wait, are with the viewer, and are put aside."""
    counted = select(
        func.count().filter(Dialogue.answers == Answers.WAITING.value),
        func.count().filter(Dialogue.answers == Answers.PERSON.value, Dialogue.person_id == viewer),
        func.count().filter(Dialogue.answers == Answers.SNOOZED.value),
    ).where(
        Dialogue.business_id == business_id,
        Dialogue.answers.in_([Answers.WAITING.value, Answers.PERSON.value, Answers.SNOOZED.value]),
    )
    waiting, mine, snoozed = (await session.execute(counted)).one()
    return {Show.WAITING: waiting, Show.MINE: mine, Show.SNOOZED: snoozed}
