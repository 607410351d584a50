"""What is known of an account's provider ids around a message whose sending was interrupted.

Where a platform numbers its messages in their order, this bounds the number that a message can have got.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from booking_core.kit.clock import current_time
from channels import terms
from channels.contract import Neighbours
from channels.models import Conversation, Delivery, Message, Sender

#: What a provider shows or numbers may lag behind what it accepted.
LOOK_UP_AFTER = timedelta(seconds=5)
#: So many of an account's latest messages, and of the thread's, are looked at.
LATEST, LATEST_HERE = 2000, 50
#: They are looked for among so many of the business's: what it costs must not grow with all that was ever said. Of an
#: account that is hardly used less is known then, and a message in doubt is shown as unsure.
LOOKED_THROUGH = 20_000
#: An unsure message of the thread may have got any id of so long before.
DOUBTFUL_FOR = timedelta(hours=1)
_IN_DOUBT = (Delivery.SENDING.value, Delivery.UNSURE.value)

_Known = tuple[str | None, str, datetime, datetime]


async def neighbours_of(session: AsyncSession, message: Message, conversation: Conversation) -> Neighbours:
    """Return what is known around a message that nobody is sending; the first look notes its time on the row."""
    now = await current_time(session)
    looked = terms.looked_up_at(message)
    if looked is None:
        terms.agree(message, looked_up_at=now.isoformat())
        looked = now
    written, over = message.created_at, looked + LOOK_UP_AFTER
    known = [*await session.execute(_of_account(conversation)), *await session.execute(_of_thread(conversation))]
    before = [row for row in known if _given_by(row) <= written]
    return Neighbours(
        before=_ids(before),
        since=_ids(row for row in known if _given_by(row) > written),
        after=_ids(row for row in known if row.sender != Sender.CUSTOMER.value and row.created_at >= over),
        alone=not await _has_rivals(session, message),
        at_rest=now >= over,
    )


def _given_by(row: Row[*_Known]) -> datetime:
    """By when an id had been given: a customer's before it came to us, ours before we recorded it."""
    given: datetime = row.created_at if row.sender == Sender.CUSTOMER.value else row.status_at
    return given


def _ids(rows: Iterable[Row[*_Known]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.provider_id for row in rows if row.provider_id))


def _known(rows: type[Message]) -> Select[*_Known]:
    return select(rows.provider_id, rows.sender, rows.created_at, rows.status_at).where(rows.provider_id.is_not(None))


def _of_account(conversation: Conversation) -> Select[*_Known]:
    threads = select(Conversation.id).where(
        Conversation.business_id == conversation.business_id, Conversation.account_id == conversation.account_id
    )
    # Ids of rows rise with time.
    every = select(Message).where(Message.business_id == conversation.business_id)
    recent = aliased(Message, every.order_by(Message.id.desc()).limit(LOOKED_THROUGH).subquery())
    return _known(recent).where(recent.conversation_id.in_(threads)).order_by(recent.id.desc()).limit(LATEST)


def _of_thread(conversation: Conversation) -> Select[*_Known]:
    here = _known(Message).where(
        Message.business_id == conversation.business_id, Message.conversation_id == conversation.id
    )
    return here.order_by(Message.seq.desc()).limit(LATEST_HERE)


async def _has_rivals(session: AsyncSession, message: Message) -> bool:
    rivals = select(Message.id).where(
        Message.business_id == message.business_id,
        Message.conversation_id == message.conversation_id,
        Message.id != message.id,
        Message.provider_id.is_(None),
        Message.status.in_(_IN_DOUBT),
        Message.status_at >= message.created_at - DOUBTFUL_FOR,
    )
    return (await session.execute(rivals.limit(1))).first() is not None
