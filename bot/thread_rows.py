"""What a turn reads of its thread and writes to it: a message to lock and read, a statement to close."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import NOW
from booking_core.kit.rows import columns, from_row, names
from booking_core.kit.statements import begin_with_all, run
from booking_core.models import Customer
from bot.models import Dialogue
from channels.messages import Also
from channels.models import Conversation, Delivery, Message, Sender

_LOCK = f"""
SELECT {columns(Dialogue)} FROM dialogue
WHERE business_id = %(business_id)s AND conversation_id = %(conversation_id)s FOR UPDATE
"""
_BEGIN = f"""
INSERT INTO dialogue (business_id, conversation_id, memory, answers, handoff_version)
VALUES (%(business_id)s, %(conversation_id)s, '{{}}', 'bot', 0)
ON CONFLICT DO NOTHING RETURNING {columns(Dialogue)}
"""
# What waits and what we said last, oldest first; a thread of which nothing is left has one row without a message.
_READ = f"""
SELECT {columns(Conversation, "c")}, {columns(Message, "m")}, {columns(Customer, "p")},
       (SELECT catalog_version FROM business b WHERE b.id = c.business_id),
       {NOW}
FROM conversation c
LEFT JOIN customer p ON p.business_id = c.business_id AND p.id = c.customer_id
LEFT JOIN LATERAL (
    SELECT * FROM message
    WHERE business_id = c.business_id AND conversation_id = c.id AND status = '{Delivery.RECEIVED.value}'
    UNION ALL (
        SELECT * FROM message
        WHERE business_id = c.business_id AND conversation_id = c.id
          AND sender <> '{Sender.CUSTOMER.value}' AND status <> '{Delivery.SUPPRESSED.value}'
        ORDER BY seq DESC LIMIT 1
    )
) m ON true
WHERE c.business_id = %(business_id)s AND c.id = %(conversation_id)s
ORDER BY m.seq
"""
_CLOSING = f"""
remembered AS (
    UPDATE dialogue SET memory = coalesce(CAST(%(memory)s AS jsonb), memory)
    WHERE business_id = %(business_id)s AND conversation_id = %(conversation_id)s
), answered AS (
    UPDATE message m
    SET status = '{Delivery.ANSWERED.value}', status_at = %(now)s, understood = coalesce(a.understood, m.understood),
        locale = coalesce(a.locale, m.locale)
    FROM jsonb_to_recordset(CAST(%(answered)s AS jsonb)) AS a (id uuid, understood jsonb, locale text)
    WHERE m.business_id = %(business_id)s AND m.id = a.id RETURNING m.id
)"""
_CLOSE = f"WITH {_CLOSING} SELECT id FROM answered"
_THREAD, _SAID, _CUSTOMER = (len(names(kind)) for kind in (Conversation, Message, Customer))


@dataclass(frozen=True, slots=True)
class Opened:
    """A thread whose dialogue is locked: as it stands now, and will until the transaction ends."""

    dialogue: Dialogue
    conversation: Conversation
    #: What the customer said and nobody has answered yet, in order.
    waiting: list[Message]
    #: The last message from our side that went, or is about to go, out.
    last: Message | None
    catalog_version: int
    #: The system's time.
    now: datetime


async def open_thread(session: AsyncSession, business_id: UUID, conversation_id: UUID) -> Opened:
    """Lock a thread's dialogue, waiting for the turn that runs, and read the rest; LookupError without a thread."""
    key = {"business_id": business_id, "conversation_id": conversation_id}
    # Two statements: the first one sees nothing of what was committed while it waited.
    found, rows = await begin_with_all(session, (_LOCK, _READ), key)
    if not found:
        found = await run(session, _BEGIN, key) or await run(session, _LOCK, key)
        rows = await run(session, _READ, key)
    if not rows:
        raise LookupError("no such conversation")
    messages = [from_row(session, Message, row[_THREAD : _THREAD + _SAID]) for row in rows if row[_THREAD] is not None]
    customer = rows[0][_THREAD + _SAID : _THREAD + _SAID + _CUSTOMER]
    if customer[0] is not None:
        from_row(session, Customer, customer)  # who asks the session for it finds it
    *_, version, now = rows[0]
    return Opened(
        dialogue=from_row(session, Dialogue, found[0]),
        conversation=from_row(session, Conversation, rows[0][:_THREAD]),
        waiting=[one for one in messages if one.status == Delivery.RECEIVED],
        last=next((one for one in messages if one.sender != Sender.CUSTOMER), None),
        catalog_version=version,
        now=now.astimezone(UTC),
    )


@dataclass(slots=True)
class Kept:
    """What a turn leaves behind, until it is written."""

    #: None: as it was.
    memory: Mapping[str, Any] | None = None
    #: By message: what it was understood as; and the language in which it was answered.
    understood: dict[UUID, Mapping[str, Any]] = field(default_factory=dict)
    locales: dict[UUID, str] = field(default_factory=dict)
    #: The turn is closed with the last thing that is said in it.
    closed: bool = False


async def close_turn(session: AsyncSession, opened: Opened, kept: Kept) -> None:
    """Write what is remembered, and that what waited is answered, or left to the person in charge."""
    if not kept.closed:
        await run(session, _CLOSE, _values(opened, kept))


def closing(opened: Opened, kept: Kept) -> Also:
    """Return what closes a turn, for the statement that says the last thing in it: nothing is left to be done then."""
    kept.closed = True
    return Also(_CLOSING, _values(opened, kept))


def _values(opened: Opened, kept: Kept) -> dict[str, Any]:
    rows = [
        {"id": str(one.id), "understood": kept.understood.get(one.id), "locale": kept.locales.get(one.id)}
        for one in opened.waiting
    ]
    return {
        "business_id": opened.conversation.business_id,
        "conversation_id": opened.conversation.id,
        "memory": None if kept.memory is None else json.dumps(kept.memory),
        "answered": json.dumps(rows),
        "now": opened.now,
    }
