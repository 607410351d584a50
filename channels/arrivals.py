"""A message comes in: one statement, or two in one transaction, the thread and then the message with all it brings.

They are written out and sent straight to the driver: a webhook is asked for as fast as customers write.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import NOW, current_time
from booking_core.kit.ids import new_id
from booking_core.kit.jobs import DEFER, Job, deferred, deferred_by
from booking_core.kit.scope import NARROW
from booking_core.kit.statements import run
from channels import accounts, conversations

_ARGUMENTS = "jsonb_build_object('business_id', business_id::text, 'conversation_id', id::text)"
DEFER_BY = deferred_by(_ARGUMENTS)
# The update also locks the row: two deliveries of one thread wait for each other here. Whoever writes to our other
# number is answered from there. A person whom the platform shows under several addresses is looked at more closely.
_OPEN = f"""
WITH account AS (
    SELECT business_id, id FROM channel_account WHERE channel = %(channel)s AND address = %(account)s
), moment AS (
    SELECT coalesce(%(now)s, {NOW}) AS now
)
INSERT INTO conversation AS known
    (business_id, id, account_id, channel, address, display_name, last_seq, last_message_at)
SELECT business_id, %(id)s, account.id, %(channel)s, %(address)s, %(display_name)s, 0, now
FROM account, moment
WHERE NOT EXISTS (
    SELECT FROM conversation_alias
    WHERE conversation_alias.business_id = account.business_id AND channel = %(channel)s AND address = %(address)s
) AND (NOT %(also)s OR EXISTS (
    SELECT FROM conversation
    WHERE conversation.business_id = account.business_id AND channel = %(channel)s AND address = %(address)s
))
ON CONFLICT (business_id, channel, address) DO UPDATE SET
    display_name = coalesce(excluded.display_name, known.display_name), account_id = excluded.account_id
RETURNING business_id, id, last_seq, last_heard_at IS NOT NULL, opted_out_at IS NOT NULL, (SELECT now FROM moment),
    CASE WHEN %(narrows)s THEN {NARROW} END
"""
# A message that is there already brings nothing: no number, no note, no job.
_WRITE = f"""
WITH written AS (
    INSERT INTO message (
        business_id, id, conversation_id, seq, channel, sender, provider_id, text, choice, in_reply_to, attachments,
        choices, locale, status, status_at, attempts, created_at
    ) VALUES (
        %(business_id)s, %(message_id)s, %(id)s, %(seq)s, %(channel)s, 'customer', %(provider_id)s, %(text)s,
        %(choice)s, %(in_reply_to)s, %(facts)s::jsonb, '[]', %(locale)s, 'received', %(now)s, 0, %(now)s
    )
    ON CONFLICT (business_id, channel, provider_id) DO NOTHING
    RETURNING id
), thread AS (
    UPDATE conversation SET last_seq = %(seq)s, last_message_at = %(now)s, last_heard_at = %(now)s
    FROM written WHERE business_id = %(business_id)s AND conversation.id = %(id)s
), consent AS (
    INSERT INTO consent_note (business_id, id, conversation_id, at, wish, how, provider_id)
    SELECT %(business_id)s, %(note_id)s, %(id)s, %(now)s, 'in', 'wrote', %(provider_id)s
    FROM written WHERE %(first)s
)
SELECT id, {DEFER} FROM written
"""

# Most messages are plain words in a thread that is known: all of it in one statement, a transaction by itself. Nothing
# comes back where it is not so. The lock is taken first, so that numbers follow each other; what was committed while
# it was waited for is seen by the lock, and by the key on what the provider calls the message.
_PLAIN = f"""
WITH thread AS (
    SELECT c.business_id, c.id, account.id AS account_id, c.last_seq + 1 AS seq, coalesce(%(now)s, {NOW}) AS now
    FROM channel_account account
    JOIN conversation c ON c.business_id = account.business_id AND c.channel = account.channel
    WHERE account.channel = %(channel)s AND account.address = %(account)s AND c.address = %(address)s
      AND c.last_heard_at IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM conversation_alias alias
          WHERE alias.business_id = account.business_id AND alias.channel = %(channel)s AND alias.address = %(address)s
      )
    FOR NO KEY UPDATE OF c
), written AS (
    INSERT INTO message (
        business_id, id, conversation_id, seq, channel, sender, provider_id, text, choice, in_reply_to, attachments,
        choices, locale, status, status_at, attempts, created_at
    )
    SELECT business_id, %(message_id)s, id, seq, %(channel)s, 'customer', %(provider_id)s, %(text)s,
        %(choice)s, %(in_reply_to)s, %(facts)s::jsonb, '[]', %(locale)s, 'received', now, 0, now
    FROM thread
    ON CONFLICT (business_id, channel, provider_id) DO NOTHING
    RETURNING conversation_id
), numbered AS (
    UPDATE conversation c SET
        last_seq = seq, last_message_at = now, last_heard_at = now, account_id = thread.account_id,
        display_name = coalesce(%(display_name)s, c.display_name)
    FROM thread, written WHERE c.business_id = thread.business_id AND c.id = thread.id
)
SELECT business_id, id, conversation_id IS NOT NULL, CASE WHEN conversation_id IS NOT NULL THEN {DEFER_BY} END
FROM thread LEFT JOIN written ON true
"""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What was written into a thread; not `new`: it had been there before."""

    business_id: UUID
    id: UUID
    new: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread whose row is locked until the transaction ends."""

    business_id: UUID
    id: UUID
    channel: str
    last_seq: int
    #: Whether the customer ever wrote here.
    heard: bool
    opted_out: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class Words:
    """What a customer said, cleaned for PostgreSQL."""

    provider_id: str
    text: str
    choice: str | None
    in_reply_to: str | None
    locale: str | None
    facts: Sequence[Mapping[str, Any]]


def _columns(words: Words) -> dict[str, Any]:
    return {
        "provider_id": words.provider_id,
        "text": words.text,
        "choice": words.choice,
        "in_reply_to": words.in_reply_to,
        "facts": json.dumps(list(words.facts)),
        "locale": words.locale,
    }


async def open_thread(
    session: AsyncSession,
    channel: str,
    account: str,
    address: str,
    *,
    display_name: str | None,
    also: Sequence[str],
    now: datetime | None,
    narrows: bool = False,
) -> Thread | None:
    """Return the thread with an address, made on the first word, locked; None if no business has the account.

    Without `now` it is the system's time (booking_core/kit/clock.py). With `narrows` the rest of the transaction is
    that business's.
    """
    values = {
        "channel": channel,
        "account": account,
        "address": address,
        "id": new_id(),
        "display_name": display_name,
        "also": bool(also),
        "now": now,
        "narrows": narrows,
    }
    for business_id, id_, last_seq, heard, opted_out, moment, _ in await run(session, _OPEN, values):
        return Thread(business_id, id_, channel, last_seq, heard, opted_out, moment)
    found = await accounts.find_account(session, channel, account, narrows=narrows)
    if found is None:
        return None
    now = now or await current_time(session)
    await conversations.meet(session, found, address, also)
    known = await conversations.open_conversation(session, found, address, display_name=display_name, now=now)
    heard = known.last_heard_at is not None
    return Thread(known.business_id, known.id, channel, known.last_seq, heard, known.opted_out_at is not None, now)


async def write_plain(
    session: AsyncSession,
    channel: str,
    account: str,
    address: str,
    words: Words,
    *,
    display_name: str | None,
    now: datetime | None,
    answer_after: timedelta | None = None,
) -> Arrived | None:
    """Write a message that brings nothing but words, and queue its answer; None if its thread has to be opened first.

    It is one statement: a session of `Database.alone` will do.
    """
    values = {
        "channel": channel,
        "account": account,
        "address": address,
        "display_name": display_name,
        "message_id": new_id(),
        **_columns(words),
        "now": now,
    }
    job = deferred(Job.ANSWER_CONVERSATION, delay=answer_after)
    for business_id, id_, new, _ in await run(session, _PLAIN, values | job):
        return Arrived(business_id, id_, new)
    return None


async def write(
    session: AsyncSession, thread: Thread, words: Words, *, answer_after: timedelta | None = None
) -> UUID | None:
    """Write a message, and queue its answer; returns its id, or None if it is there already."""
    business_id = str(thread.business_id)
    job = deferred(Job.ANSWER_CONVERSATION, delay=answer_after, business_id=business_id, conversation_id=str(thread.id))
    values = {
        "business_id": thread.business_id,
        "message_id": new_id(),
        "id": thread.id,
        "seq": thread.last_seq + 1,  # safe: the thread's row is locked
        "channel": thread.channel,
        **_columns(words),
        "now": thread.now,
        "note_id": new_id(),
        "first": not thread.heard,
    }
    for message_id, _ in await run(session, _WRITE, values | job):
        written: UUID = message_id
        return written
    return None
