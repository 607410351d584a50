"""Lists of threads, read for the inbox: waiting for a person first, then with a person, then the bot's."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from booking_core.models import Customer
from bot.handoff import Answers
from bot.models import Dialogue, HandoffNote, ThreadSeen, User
from channels.models import Conversation, Message, Sender

#: Threads that wait for a person or are with one are all shown; of the bot's, the latest.
MOST_OPEN = 200
MOST_OF_BOT = 50
#: Text is searched by ILIKE, bounded by the time index: so far back and no further.
SEARCHED = timedelta(days=30)
#: Unread messages are counted among so many of a thread's last; more than nine read `9+`.
MOST_COUNTED = 40


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


@dataclass(frozen=True, slots=True)
class Inbox:
    """The three parts of the inbox."""

    waiting: list[ThreadRow]
    person: list[ThreadRow]
    bot: list[ThreadRow]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.waiting or self.person or self.bot)


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
    asked = (
        select(func.max(HandoffNote.at))
        .where(
            HandoffNote.business_id == Conversation.business_id,
            HandoffNote.conversation_id == Conversation.id,
            HandoffNote.move == "ask",
            Dialogue.answers == Answers.WAITING.value,
        )
        .correlate(Conversation, Dialogue)
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
            asked,
            Conversation.last_message_at,
            func.coalesce(last.text, ""),
            last.sender,
            last.status,
            unread,
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


async def load_inbox(session: AsyncSession, business_id: UUID, viewer: UUID, *, search: str, now: datetime) -> Inbox:
    """Return the inbox as one person sees it; a search looks back `SEARCHED`."""
    query = rows_of(business_id, viewer)
    if search:
        since = now - SEARCHED
        query = query.where(Conversation.last_message_at >= since, matches(search, since))
    called = query.where(Dialogue.answers.in_([Answers.WAITING.value, Answers.PERSON.value]))
    # The longest wait first; among threads with people, the latest word first.
    rows = await read_rows(session, called.order_by(Conversation.last_message_at.desc()).limit(MOST_OPEN))
    waiting = [row for row in rows if row.answers is Answers.WAITING]
    # Spelt so that the planner can tell that this is nearly every thread, and walks the time index.
    of_bot = query.where(or_(Dialogue.answers.is_(None), Dialogue.answers == Answers.BOT.value))
    return Inbox(
        waiting=sorted(waiting, key=lambda row: row.waiting_since or row.last_at),
        person=[row for row in rows if row.answers is Answers.PERSON],
        bot=await read_rows(session, of_bot.order_by(Conversation.last_message_at.desc()).limit(MOST_OF_BOT)),
    )


async def count_waiting(session: AsyncSession, business_id: UUID) -> int:
    """Return how many threads wait for a person: the number in the menu."""
    return (
        await session.execute(
            select(func.count())
            .select_from(Dialogue)
            .where(Dialogue.business_id == business_id, Dialogue.answers == Answers.WAITING.value)
        )
    ).scalar_one()
