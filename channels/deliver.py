"""Sending what is queued: claim (committed), hand to the provider, record. In order within a thread.

One worker at a time delivers in a thread: it holds a PostgreSQL advisory lock, which dies with its
connection. So whoever holds the lock and finds a message in `sending` knows that its sender is gone or
was unsure, and asks the provider before doing anything. A message that was tried before is left to its
own job (a retry is deferred in the transaction that records the failure); the ones behind it wait.
"""

import asyncio
import hashlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from booking_core.kit.jobs import Job, defer
from booking_core.kit.live import announce
from channels import accounts, conversations
from channels.backoff import MAX_ATTEMPTS, delay_for
from channels.contract import (
    Acknowledges,
    Channel,
    Choice,
    OutgoingMessage,
    ProviderId,
    SendError,
    Tap,
)
from channels.keys import make_key
from channels.models import Delivery, DeliveryReport, Message, Sender
from channels.receive import OnFailed
from channels.status import after_reports

log = logging.getLogger(__name__)

#: Asked in the claiming transaction: may this still go out? A person may have taken over meanwhile.
MaySend = Callable[[AsyncSession, Message], Awaitable[bool]]

PENDING = (Delivery.QUEUED.value, Delivery.SENDING.value)
#: Longer than any client's own time-outs.
SEND_DEADLINE = timedelta(seconds=40)
#: How long to wait for another worker in the same thread, before coming back later.
PATIENCE = timedelta(seconds=10)
COME_BACK = timedelta(seconds=2)
#: The provider's list may lag behind what it accepted.
LOOK_UP_AFTER = timedelta(seconds=5)

_dice = random.SystemRandom()


@dataclass(slots=True)
class Run:
    """What one job did in a thread."""

    sent: int = 0
    reconciled: int = 0
    suppressed: int = 0
    retrying: int = 0
    failed: list[UUID] = field(default_factory=list)
    unsure: list[UUID] = field(default_factory=list)
    #: Another worker was busy in the thread: the job was deferred again.
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A message taken for sending, or found in the middle of it."""

    business_id: UUID
    id: UUID
    channel: str
    attempts: int
    outgoing: OutgoingMessage
    #: It was found in `sending`: the provider may have it already.
    interrupted: bool


async def deliver(
    db: Database,
    channels: Mapping[str, Channel],
    business_id: UUID,
    message_id: UUID,
    *,
    may_send: MaySend,
    on_failed: OnFailed | None = None,
) -> Run:
    """Deliver a message, those of its thread before it first, and those behind it while at it."""
    run = Run()
    async with db.transaction() as session:
        message = await session.get(Message, (business_id, message_id))
        if message is None or message.status not in PENDING:
            return run
        conversation_id = message.conversation_id
    async with _thread_to_myself(db, conversation_id) as mine:
        if not mine:
            run.busy = True
            async with db.transaction() as session:
                await _again(session, business_id, message_id, COME_BACK)
            return run
        while claim := await _claim_next(db, business_id, conversation_id, message_id, may_send, run):
            channel = channels.get(claim.channel)
            if claim.interrupted:
                goes_on = await _reconcile(db, channel, claim, on_failed, run)
            else:
                goes_on = await _send(db, channel, claim, on_failed, run)
            if not goes_on:
                break
    return run


async def requeue_stuck(
    session: AsyncSession, *, now: datetime, older_than: timedelta = timedelta(minutes=15), limit: int = 100
) -> int:
    """Defer deliveries again whose job seems lost, so that no thread is blocked for ever; safe at any time."""
    stuck = await session.scalars(
        select(Message)
        .where(Message.status.in_(PENDING), Message.status_at < now - older_than)
        .order_by(Message.status_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    count = 0
    for message in stuck:
        message.status_at = now
        await _again(session, message.business_id, message.id, timedelta(0))
        count += 1
    await session.flush()
    return count


async def acknowledge_tap(db: Database, channels: Mapping[str, Channel], business_id: UUID, message_id: UUID) -> None:
    """Confirm a customer's tap to its platform; nothing depends on it."""
    async with db.transaction() as session:
        message = await session.get(Message, (business_id, message_id))
        if message is None or message.provider_id is None:
            return
        conversation = await conversations.load(session, business_id, message.conversation_id)
        address = conversation.address
        replied_to = ProviderId(message.in_reply_to) if message.in_reply_to else None
        tap = Tap(address, ProviderId(message.provider_id), replied_to)
    channel = channels.get(message.channel)
    if isinstance(channel, Acknowledges):
        await channel.acknowledge(tap)


@asynccontextmanager
async def _thread_to_myself(db: Database, conversation_id: UUID) -> AsyncIterator[bool]:
    """Hold the thread's advisory lock on a connection of its own, outside any transaction."""
    digest = hashlib.sha256(b"deliver" + conversation_id.bytes).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    async with db.engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        mine = await _lock(connection, number)
        try:
            yield mine
        finally:
            if mine:
                try:
                    await connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})
                except BaseException:
                    # A pooled connection must not keep the lock.
                    await connection.invalidate()
                    raise


async def _lock(connection: AsyncConnection, number: int) -> bool:
    step = timedelta(milliseconds=50)
    for _ in range(PATIENCE // step):
        if await connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": number}):
            return True
        await asyncio.sleep(step.total_seconds())
    return False


async def _claim_next(
    db: Database, business_id: UUID, conversation_id: UUID, own: UUID, may_send: MaySend, run: Run
) -> Claim | None:
    """Take the thread's first pending message; None if there is none, or it waits for its own job."""
    async with db.transaction() as session:
        while True:
            message = await session.scalar(
                select(Message)
                .where(
                    Message.business_id == business_id,
                    Message.conversation_id == conversation_id,
                    Message.status.in_(PENDING),
                )
                .order_by(Message.seq)
                .limit(1)
                .with_for_update()
            )
            if message is None or (message.attempts > 0 and message.id != own):
                return None
            if message.status == Delivery.SENDING.value:
                return await _claimed(session, message, interrupted=True)
            now = await current_time(session)
            if await may_send(session, message):
                message.status = Delivery.SENDING.value
                message.attempts += 1
                message.status_at = now
                return await _claimed(session, message, interrupted=False)
            _set(session, message, Delivery.SUPPRESSED, now)
            await session.flush()
            run.suppressed += 1


async def _claimed(session: AsyncSession, message: Message, *, interrupted: bool) -> Claim:
    conversation = await conversations.load(session, message.business_id, message.conversation_id)
    account = await accounts.load_account(session, message.business_id, conversation.account_id)
    others = await session.scalars(
        select(Message.provider_id).where(
            Message.business_id == message.business_id,
            Message.conversation_id == message.conversation_id,
            Message.sender != Sender.CUSTOMER.value,
            Message.text == message.text,
            Message.provider_id.is_not(None),
        )
    )
    outgoing = OutgoingMessage(
        key=make_key(message.business_id, message.id),
        account=account.address,
        address=conversation.address,
        text=message.text,
        choices=tuple(Choice(choice["id"], choice["label"]) for choice in message.choices),
        locale=message.locale or conversation.locale or "en",
        others=tuple(other for other in others if other),
    )
    await session.flush()
    return Claim(message.business_id, message.id, message.channel, message.attempts, outgoing, interrupted)


async def _send(db: Database, channel: Channel | None, claim: Claim, on_failed: OnFailed | None, run: Run) -> bool:
    """Hand a claimed message to the provider; returns whether the next one may follow."""
    try:
        if channel is None:
            raise SendError("channel_not_configured", retryable=False)
        async with asyncio.timeout(SEND_DEADLINE.total_seconds()):
            provider_id = await channel.send(claim.outgoing)
    except TimeoutError:
        return await _unsure(db, claim, SendError("deadline", retryable=True, unsure=True), on_failed, run)
    except SendError as error:
        if error.unsure:
            return await _unsure(db, claim, error, on_failed, run)
        return await _failed(db, claim, error, on_failed, run)
    await _sent(db, claim, provider_id, run)
    return True


async def _reconcile(db: Database, channel: Channel | None, claim: Claim, on_failed: OnFailed | None, run: Run) -> bool:
    """Ask the provider about a message whose sending was interrupted: it has it, or it is queued again."""
    try:
        if channel is None:
            raise SendError("channel_not_configured", retryable=False)
        async with asyncio.timeout(SEND_DEADLINE.total_seconds()):
            provider_id = await channel.find_sent(claim.outgoing)
    except TimeoutError:
        return await _unsure(db, claim, SendError("deadline", retryable=True, unsure=True), on_failed, run)
    except SendError as error:
        return await _unsure(db, claim, error, on_failed, run)
    if provider_id is not None:
        await _sent(db, claim, provider_id, run)
        run.reconciled += 1
        return True
    async with db.transaction() as session:
        message = await _locked(session, claim)
        if message.status == Delivery.SENDING.value:
            _set(session, message, Delivery.QUEUED, await current_time(session))
    return True


async def _sent(db: Database, claim: Claim, provider_id: ProviderId, run: Run) -> None:
    async with db.transaction() as session:
        message = await _locked(session, claim)
        message.provider_id = message.provider_id or provider_id
        reports = await session.scalars(
            select(DeliveryReport.status).where(
                DeliveryReport.channel == message.channel, DeliveryReport.provider_id == provider_id
            )
        )
        # A report may have overtaken this record.
        known = [Delivery.SENT, *(Delivery(report) for report in reports)]
        _set(session, message, after_reports(Delivery(message.status), known), await current_time(session))
    run.sent += 1


async def _unsure(db: Database, claim: Claim, error: SendError, on_failed: OnFailed | None, run: Run) -> bool:
    """Leave a message in `sending` to be looked up later; where that cannot be, say so and stop."""
    async with db.transaction() as session:
        message = await _locked(session, claim)
        if message.status != Delivery.SENDING.value:
            return True  # a report has settled it
        now = await current_time(session)
        if error.retryable and message.attempts < MAX_ATTEMPTS:
            message.error = error.code
            message.status_at = now
            if claim.interrupted:
                message.attempts += 1
            delay = delay_for(message.attempts, asked=error.retry_after, chance=_dice.random())
            await _again(session, message.business_id, message.id, max(delay, LOOK_UP_AFTER))
            run.retrying += 1
            return False
        _set(session, message, Delivery.UNSURE, now, error=error.code)
        await session.flush()
        if on_failed is not None:
            await on_failed(session, message)
        run.unsure.append(message.id)
    log.warning("message %s on %s: unsure whether it was sent (%s)", claim.id, claim.channel, error.code)
    return True


async def _failed(db: Database, claim: Claim, error: SendError, on_failed: OnFailed | None, run: Run) -> bool:
    """Put a message back for a later attempt, or give it up for good."""
    async with db.transaction() as session:
        message = await _locked(session, claim)
        now = await current_time(session)
        if error.retryable and message.attempts < MAX_ATTEMPTS:
            _set(session, message, Delivery.QUEUED, now, error=error.code)
            delay = delay_for(message.attempts, asked=error.retry_after, chance=_dice.random())
            await _again(session, message.business_id, message.id, delay)
            run.retrying += 1
            return False
        _set(session, message, Delivery.FAILED, now, error=error.code)
        if error.opted_out:
            conversation = await conversations.load(session, message.business_id, message.conversation_id)
            conversations.opt_out(conversation, now)
        await session.flush()
        if on_failed is not None:
            await on_failed(session, message)
        run.failed.append(message.id)
    log.warning("message %s on %s failed for good (%s)", claim.id, claim.channel, error.code)
    return True


async def _locked(session: AsyncSession, claim: Claim) -> Message:
    return await session.get_one(Message, (claim.business_id, claim.id), with_for_update=True, populate_existing=True)


def _set(session: AsyncSession, message: Message, status: Delivery, now: datetime, *, error: str | None = None) -> None:
    message.status = status.value
    message.status_at = now
    message.error = error
    announce(session, message.business_id, message.conversation_id, "status")


async def _again(session: AsyncSession, business_id: UUID, message_id: UUID, delay: timedelta) -> None:
    await defer(session, Job.DELIVER_MESSAGE, delay=delay, business_id=str(business_id), message_id=str(message_id))
