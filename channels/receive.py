"""The one writer of what comes in: adapters parse, this records. One transaction, no vendor call.

Every delivery may come twice, or twice at once: a row's unique provider id decides, nothing else.
"""

import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.kit.jobs import Job, defer
from booking_core.kit.live import announce
from booking_core.kit.scope import narrow
from channels import accounts, arrivals, conversations, keys, media, terms, thread_links
from channels.backoff import delay_for
from channels.contract import (
    AddedToGroup,
    ChannelLeft,
    ChannelReturned,
    DeliveryReported,
    Event,
    Ignored,
    IncomingMessage,
)
from channels.models import Conversation, Delivery, DeliveryReport, Message, Sender
from channels.status import after_report

log = logging.getLogger(__name__)

#: How often a message is handed over again that the provider took and could not deliver for a reason that passes.
MAX_LATE_ATTEMPTS = 4
_dice = random.SystemRandom()

News = DeliveryReported | ChannelLeft | ChannelReturned | AddedToGroup | Ignored

#: Told of a message that failed for good, in the transaction that records it.
OnFailed = Callable[[AsyncSession, Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch of events."""

    written: int = 0
    duplicates: int = 0
    ignored: int = 0

    def __add__(self, other: "Receipt") -> "Receipt":
        return Receipt(self.written + other.written, self.duplicates + other.duplicates, self.ignored + other.ignored)


WRITTEN, DUPLICATE, IGNORED = Receipt(written=1), Receipt(duplicates=1), Receipt(ignored=1)


async def receive(
    session: AsyncSession,
    channel: str,
    events: Sequence[Event],
    *,
    now: datetime | None = None,
    answer_after: timedelta | None = None,
    on_failed: OnFailed | None = None,
    narrows: bool = False,
    whose: UUID | None = None,
) -> Receipt:
    """Record what a channel read; answering is deferred in the same transaction, for new messages only.

    `answer_after` puts the answer off: the sender is over the limit. Without `now` it is the system's time, which
    is asked for together with the thread. With `narrows` the transaction, nobody's until then, is that of the
    business whom a single event is for as soon as that is known; several may be for several. `whose` is the business
    that it has been from the beginning, since they came by its own line.
    """
    receipt = Receipt()
    alone = narrows and len(events) == 1
    for event in events:
        if isinstance(event, IncomingMessage):
            receipt += await _incoming(session, channel, event, now, answer_after, alone)
        else:
            now = now or await current_time(session)
            receipt += await _news(session, channel, event, now, on_failed, alone, whose)
    return receipt


async def receive_plain(
    db: Database, channel: str, events: Sequence[Event], *, answer_after: timedelta | None = None
) -> Receipt | None:
    """Record one message that is nothing but words or a tap, in a thread that is known: one statement.

    None: it is not as plain as that, nothing was written, and `receive` does it.
    """
    [event] = events if len(events) == 1 else [None]
    if not isinstance(event, IncomingMessage) or not _is_plain(event):
        return None
    async with db.alone() as session:
        arrived = await arrivals.write_plain(
            session,
            channel,
            clean(event.account),
            clean(event.address),
            _words(event, []),
            display_name=_cleaned(event.display_name),
            now=None,
            answer_after=answer_after,
        )
        if arrived is None:
            return None
        if not arrived.new:
            return DUPLICATE
        announce(session, arrived.business_id, arrived.id, "message")
    return WRITTEN


def _is_plain(event: IncomingMessage) -> bool:
    more = (event.attachments, event.platform_opt, event.corrects, event.also, event.introduces, event.acknowledge)
    return not any(more)


def _cleaned(text: str | None) -> str | None:
    return clean(text) if text else None


def _words(event: IncomingMessage, facts: Sequence[Mapping[str, Any]]) -> arrivals.Words:
    return arrivals.Words(
        provider_id=clean(event.provider_id),
        text=clean(event.text),
        choice=_cleaned(event.choice),
        in_reply_to=_cleaned(event.in_reply_to),
        locale=_cleaned(event.locale),
        facts=facts,
    )


async def _news(
    session: AsyncSession,
    channel: str,
    event: News,
    now: datetime,
    on_failed: OnFailed | None,
    alone: bool,
    whose: UUID | None,
) -> Receipt:
    """Record what is no message of a customer's."""
    match event:
        case DeliveryReported():
            return await _report(session, channel, event, now, on_failed, alone, whose)
        case ChannelLeft(account, address):
            return await _consent(session, channel, account, address, now, left=True, alone=alone)
        case ChannelReturned(account, address):
            return await _consent(session, channel, account, address, now, left=False, alone=alone)
        case AddedToGroup(account, address, locale):
            told = locale or ""
            await defer(
                session, Job.LEAVE_GROUP, channel=channel, address=clean(address), locale=told, account=clean(account)
            )
            return WRITTEN
        case Ignored(reason):
            log.info("ignored on %s: %s", channel, reason)
            return IGNORED
        case _:
            assert_never(event)


def clean(text: str) -> str:
    """Return the text without what PostgreSQL refuses: NUL, and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


async def _incoming(
    session: AsyncSession,
    channel: str,
    event: IncomingMessage,
    now: datetime | None,
    answer_after: timedelta | None,
    alone: bool,
) -> Receipt:
    also = [clean(other) for other in event.also]
    thread = await arrivals.open_thread(
        session,
        channel,
        clean(event.account),
        clean(event.address),
        display_name=_cleaned(event.display_name),
        also=also,
        now=now,
        narrows=alone,
    )
    if thread is None:
        log.warning("message on %s for an account that no business has", channel)
        return IGNORED
    facts = [_clean_fact(fact) for fact in event.attachments]
    opt = _answered_by_platform(thread, event.platform_opt)
    if opt is not None:
        facts.append({"type": "platform_opt", "value": opt})
    message_id = await arrivals.write(session, thread, _words(event, facts), answer_after=answer_after)
    if message_id is None:
        return DUPLICATE
    if opt or facts or also or event.introduces or event.corrects:
        await _more(session, thread, message_id, event, opt, facts)
    if event.acknowledge:
        business_id = str(thread.business_id)
        await defer(session, Job.ACKNOWLEDGE_TAP, business_id=business_id, message_id=str(message_id))
    announce(session, thread.business_id, thread.id, "message")
    return WRITTEN


async def _more(
    session: AsyncSession,
    thread: arrivals.Thread,
    message_id: UUID,
    event: IncomingMessage,
    opt: str | None,
    facts: Sequence[Mapping[str, Any]],
) -> None:
    """Record what comes with few messages: consent, media, other addresses, a link's token, a correction."""
    # Its row is locked since the thread was opened.
    conversation = await conversations.load(session, thread.business_id, thread.id, for_update=True)
    await conversations.remember_aliases(session, conversation, [clean(other) for other in event.also])
    if opt == "stop":
        await conversations.opt_out(
            session, conversation, thread.now, how="platform", provider_id=clean(event.provider_id)
        )
    elif opt == "start":
        conversations.opt_in(conversation, thread.now, how="platform", provider_id=clean(event.provider_id))
    await media.expect(session, thread.business_id, message_id, facts, now=thread.now)
    if event.introduces:
        await thread_links.claim(session, conversation, event.introduces, now=thread.now)
    if event.corrects:
        await _supersede(session, conversation, clean(event.corrects), thread.now)
    await session.flush()


def _clean_fact(fact: Mapping[str, str]) -> dict[str, Any]:
    return {clean(str(key)): clean(str(value)) for key, value in fact.items()}


def _answered_by_platform(thread: arrivals.Thread, opt: str | None) -> str | None:
    """Return what the platform has answered in our place.

    It takes every YES for an opt-in; from somebody who never left, it is an answer to us.
    """
    return None if opt == "start" and not thread.opted_out else opt


async def _supersede(session: AsyncSession, conversation: Conversation, provider_id: str, now: datetime) -> None:
    """Take an edited message out of what awaits an answer, unless a turn is just answering it."""
    waiting = (
        select(Message.id)
        .where(
            Message.business_id == conversation.business_id,
            Message.channel == conversation.channel,
            Message.provider_id == provider_id,
            Message.status == Delivery.RECEIVED.value,
        )
        # The turn locks messages before the thread, we the thread before messages: never wait here.
        .with_for_update(skip_locked=True)
    )
    found = await session.scalar(waiting)
    if found is not None:
        await session.execute(
            update(Message)
            .where(Message.business_id == conversation.business_id, Message.id == found)
            .values(status=Delivery.ANSWERED.value, status_at=now)
        )


async def _report(
    session: AsyncSession,
    channel: str,
    event: DeliveryReported,
    now: datetime,
    on_failed: OnFailed | None,
    alone: bool,
    whose: UUID | None,
) -> Receipt:
    # The message first: its lock makes this wait for a delivery that is just recording the provider's id.
    message = await _find_reported(session, channel, event)
    if message is not None and alone:
        await narrow(session, message.business_id)
    provider_id = clean(event.provider_id)
    kept = await session.scalar(
        insert(DeliveryReport)
        .values(
            id=new_id(),
            channel=channel,
            provider_id=keys.report_id(provider_id, whose),
            status=event.status,
            error=event.error,
            at=now,
        )
        .on_conflict_do_nothing(index_elements=["channel", "provider_id", "status"])
        .returning(DeliveryReport.id)
    )
    if kept is None:
        return DUPLICATE
    if message is None:
        return WRITTEN
    if provider_id in terms.failed_ids(message):
        return WRITTEN  # of an attempt that was given up: another one is under way
    if message.provider_id is None:
        message.provider_id = provider_id  # the report itself proves that the message went out
    before = Delivery(message.status)
    status = after_report(before, Delivery(event.status))
    if status is Delivery.FAILED and status is not before and (delay := _again_after(message, event)) is not None:
        await _send_again(session, message, event, now, delay)
        return WRITTEN
    if status is not before:
        message.status = status.value
        message.status_at = now
        message.error = event.error or (None if before is Delivery.UNSURE else message.error)
        if event.opted_out:
            thread = await conversations.load(session, message.business_id, message.conversation_id)
            await conversations.opt_out(session, thread, now, how="refused", provider_id=provider_id)
        await session.flush()
        if status is Delivery.FAILED and on_failed is not None:
            await on_failed(session, message)
        announce(session, message.business_id, message.conversation_id, "status")
    return WRITTEN


def _again_after(message: Message, event: DeliveryReported) -> timedelta | None:
    """Return when a message goes once more that failed after the provider had taken it; None: it does not."""
    if event.needs_template:
        return None if message.terms.get("template") else timedelta(0)
    if not event.retryable or message.attempts >= MAX_LATE_ATTEMPTS:
        return None
    return delay_for(message.attempts, asked=event.retry_after, chance=_dice.random())


async def _send_again(
    session: AsyncSession, message: Message, event: DeliveryReported, now: datetime, delay: timedelta
) -> None:
    terms.agree(
        message,
        failed=[*terms.failed_ids(message), event.provider_id],
        window_closed=event.needs_template or message.terms.get("window_closed"),
    )
    message.provider_id = None
    message.status, message.status_at, message.error = Delivery.QUEUED.value, now, event.error
    await session.flush()
    business_id = str(message.business_id)
    await defer(session, Job.DELIVER_MESSAGE, delay=delay, business_id=business_id, message_id=str(message.id))
    announce(session, message.business_id, message.conversation_id, "status")


async def _find_reported(session: AsyncSession, channel: str, event: DeliveryReported) -> Message | None:
    if event.key and (ids := keys.read_key(event.key)):
        business_id, message_id = ids
        found = await session.get(Message, (business_id, message_id), with_for_update=True, populate_existing=True)
        known = (None, event.provider_id)
        if (
            found is not None
            and found.channel == channel
            and (found.provider_id in known or event.provider_id in terms.failed_ids(found))
        ):
            return found
    if event.account is None:
        return None
    account = await accounts.find_account(session, channel, clean(event.account))
    if account is None:
        return None
    return await session.scalar(
        select(Message)
        .where(
            Message.business_id == account.business_id,
            Message.channel == channel,
            Message.provider_id == clean(event.provider_id),
            Message.sender != Sender.CUSTOMER.value,
        )
        .with_for_update()
    )


async def _consent(
    session: AsyncSession, channel: str, account_address: str, address: str, now: datetime, *, left: bool, alone: bool
) -> Receipt:
    account = await accounts.find_account(session, channel, clean(account_address), narrows=alone)
    if account is None:
        log.warning("news on %s for an account that no business has", channel)
        return IGNORED
    conversation = await conversations.find_by_address(session, account.business_id, channel, clean(address))
    if conversation is None:
        return IGNORED
    if left:
        await conversations.opt_out(session, conversation, now, how="blocked")
    else:
        conversations.opt_in(conversation, now, how="unblocked")
    await session.flush()
    announce(session, account.business_id, conversation.id, "status")
    return WRITTEN
