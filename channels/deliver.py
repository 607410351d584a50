"""Sending what is queued: claim (committed), hand to the provider, record. In order within a thread.

Each message is delivered by its own job only, which stays in the queue until the message is done: whatever
crashes, somebody comes back for it. The job waits until every earlier message of the thread is done. While
it sends, it holds a PostgreSQL advisory lock, which dies with its connection: so whoever gets the lock and
finds the message in `sending` knows that its sender is gone or was unsure, and asks the provider first.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.db import UNAVAILABLE, Database
from booking_core.kit.jobs import Job, defer
from booking_core.kit.live import announce
from channels import conversations, terms
from channels.backoff import MAX_ATTEMPTS, delay_for
from channels.claims import PENDING, Claim, claimed, look_for_turn, to_myself, wait_for_place
from channels.contract import Channel, Letter, ProviderId, SendError, TemplateUse
from channels.keys import report_id
from channels.lines import OwnLines, channel_for
from channels.mail import NAME as MAIL
from channels.models import Conversation, Delivery, DeliveryReport, Message
from channels.neighbours import LOOK_UP_AFTER
from channels.pace import Pace
from channels.places import ANY, Places
from channels.receive import OnFailed
from channels.status import after_reports
from channels.terms import Later, Never, TemplateFor

log = logging.getLogger(__name__)

Recorded = TypeVar("Recorded")

#: Asked in the claiming transaction: may this still go out? A person may have taken over meanwhile.
MaySend = Callable[[AsyncSession, Message], Awaitable[bool]]
#: Words a message as an e-mail, as things stand when it is sent; None where it cannot be one.
LetterFor = Callable[[AsyncSession, Message, Conversation], Awaitable[Letter | None]]

#: Longer than any client's own time-outs.
SEND_DEADLINE = timedelta(seconds=40)
#: How long to wait here for the message before this one, and how often to look, before coming back later.
PATIENCE = timedelta(seconds=1)
LOOK_EVERY = timedelta(milliseconds=40)
COME_BACK = timedelta(seconds=1)
#: When to record again what a provider said, while the database is away: half a minute of a restart.
RECORD_AGAIN = tuple(timedelta(seconds=seconds) for seconds in (0.2, 0.5, 1, 2, 4, 8, 15))

_dice = random.SystemRandom()


class Outcome(StrEnum):
    """What one job did about its message."""

    NOTHING = "nothing"  # it was done already
    SENT = "sent"
    RECONCILED = "reconciled"  # the provider had it: a crash had kept us from knowing
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    UNSURE = "unsure"
    RETRYING = "retrying"  # a later job was deferred
    WAITING = "waiting"  # an earlier message is not done, or another worker has it: a later job was deferred
    HELD_BACK = "held_back"  # until a time that its row names


@dataclass(frozen=True, slots=True)
class Judges:
    """Who has a say when a message is about to go out."""

    may_send: MaySend
    on_failed: OnFailed | None = None
    template_for: TemplateFor | None = None
    pace: Pace | None = None
    letter_for: LetterFor | None = None
    own: OwnLines | None = None
    places: Places = ANY


async def deliver(
    db: Database,
    channels: Mapping[str, Channel],
    business_id: UUID,
    message_id: UUID,
    *,
    may_send: MaySend,
    on_failed: OnFailed | None = None,
    template_for: TemplateFor | None = None,
    pace: Pace | None = None,
    letter_for: LetterFor | None = None,
    own: OwnLines | None = None,
    places: Places = ANY,
) -> Outcome:
    """Deliver one message once those before it in its thread are done; safe to run twice, also at once."""
    for _ in range(PATIENCE // LOOK_EVERY):
        turn = await look_for_turn(db, business_id, message_id)
        match turn:
            case None:
                return Outcome.NOTHING
            case timedelta():
                await _later(db, business_id, message_id, turn)
                return Outcome.WAITING
            case True:
                break
            case False:
                await asyncio.sleep(LOOK_EVERY.total_seconds())
    else:
        await _later(db, business_id, message_id, COME_BACK)
        return Outcome.WAITING
    async with to_myself(db, message_id) as mine:
        if not mine:
            await _later(db, business_id, message_id, COME_BACK)
            return Outcome.WAITING
        judges = Judges(may_send, on_failed, template_for, pace, letter_for, own, places)
        try:
            return await _deliver(db, channels, business_id, message_id, judges)
        finally:
            places.leave(message_id)


async def _deliver(
    db: Database,
    channels: Mapping[str, Channel],
    business_id: UUID,
    message_id: UUID,
    judges: Judges,
) -> Outcome:
    match await wait_for_place(db, business_id, message_id, judges.places, judges.pace):
        case timedelta() as soon:
            await _later(db, business_id, message_id, soon)
            return Outcome.WAITING
        case True:
            return Outcome.HELD_BACK
    claim = await _claim(db, business_id, message_id, judges)
    if isinstance(claim, Claim) and claim.interrupted:
        settled = await _reconcile(db, channels, claim, judges)
        if settled is not None:
            return settled
        claim = await _claim(db, business_id, message_id, judges)
    if not isinstance(claim, Claim):
        return claim
    return await _send(db, channels, claim, judges)


async def requeue_stuck(
    session: AsyncSession, *, now: datetime, older_than: timedelta = timedelta(minutes=15), limit: int = 100
) -> int:
    """Defer deliveries again whose job seems lost, so that no thread is blocked for ever; safe at any time."""
    stuck = await session.scalars(
        select(Message)
        .where(
            Message.status.in_(PENDING),
            Message.status_at < now - older_than,
            Message.not_before.is_(None) | (Message.not_before <= now),
        )
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


async def _claim(db: Database, business_id: UUID, message_id: UUID, judges: Judges) -> Claim | Outcome:
    """Take the message for sending, committed; or say why not."""
    async with db.transaction(business_id) as session:
        message = await session.get(Message, (business_id, message_id), with_for_update=True)
        if message is None or message.status not in PENDING:
            return Outcome.NOTHING
        if message.status == Delivery.SENDING.value:
            used = message.terms.get("template")
            sent_as = await judges.template_for(session, message) if used and judges.template_for else None
            return await claimed(session, message, interrupted=True, template=sent_as)
        now = await current_time(session)
        if not await judges.may_send(session, message):
            return await _suppress(session, message, now)
        conversation = await conversations.load(session, business_id, message.conversation_id)
        match terms.decide_sending(message, conversation, now):
            case Never(reason):
                return await _suppress(session, message, now, reason)
            case Later(until):
                message.not_before = until
                await _wake_next(session, message)
                return Outcome.HELD_BACK
        template = await _template(session, message, conversation, judges.template_for, now)
        if isinstance(template, SendError):
            await _give_up(session, message, Delivery.FAILED, template, now, judges.on_failed)
            return Outcome.FAILED
        terms.use_template(message, template)
        terms.agree(message, looked_up_at=None)
        letter = None
        if message.channel == MAIL and judges.letter_for is not None:
            letter = await judges.letter_for(session, message, conversation)
        message.status = Delivery.SENDING.value
        message.attempts += 1
        message.status_at = now
        return await claimed(session, message, interrupted=False, now=now, template=template, letter=letter)


async def _template(
    session: AsyncSession, message: Message, conversation: Conversation, ask: TemplateFor | None, now: datetime
) -> TemplateUse | SendError | None:
    """Return the template that must carry a message; None while free text may go."""
    if not terms.needs_template(message, conversation, now):
        return None
    found = await ask(session, message) if ask is not None else None
    return found or SendError("window_closed", retryable=False)


async def _suppress(session: AsyncSession, message: Message, now: datetime, reason: str | None = None) -> Outcome:
    _set(session, message, Delivery.SUPPRESSED, now, error=reason)
    await _wake_next(session, message)
    return Outcome.SUPPRESSED


async def _channel(channels: Mapping[str, Channel], claim: Claim, judges: Judges) -> Channel:
    account = claim.outgoing.account
    channel = await channel_for(channels, judges.own, claim.business_id, claim.channel, account)
    if channel is None:
        raise SendError("channel_not_configured", retryable=False)
    return channel


async def _send(db: Database, channels: Mapping[str, Channel], claim: Claim, judges: Judges) -> Outcome:
    on_failed = judges.on_failed
    try:
        channel = await _channel(channels, claim, judges)
        async with asyncio.timeout(SEND_DEADLINE.total_seconds()):
            provider_id = await channel.send(claim.outgoing)
    except TimeoutError:
        late = SendError("deadline", retryable=True, unsure=True)
        return await _surely(lambda: _unsure(db, claim, late, on_failed))
    except SendError as error:
        said, record = error, _unsure if error.unsure else _failed
        return await _surely(lambda: record(db, claim, said, on_failed))
    await _surely(lambda: _sent(db, claim, provider_id))
    return Outcome.SENT


async def _surely(record: Callable[[], Awaitable[Recorded]]) -> Recorded:
    """Record what the provider has said, also where the database is away for a moment: nobody else knows it."""
    for wait in RECORD_AGAIN:
        try:
            return await record()
        except UNAVAILABLE as error:
            log.warning("what a provider said is not recorded yet: %s", type(getattr(error, "orig", error)).__name__)
            await asyncio.sleep(wait.total_seconds())
    return await record()


async def _reconcile(db: Database, channels: Mapping[str, Channel], claim: Claim, judges: Judges) -> Outcome | None:
    """Ask the provider about a message whose sending was interrupted; None: it has none, send it."""
    on_failed = judges.on_failed
    try:
        channel = await _channel(channels, claim, judges)
        async with asyncio.timeout(SEND_DEADLINE.total_seconds()):
            provider_id = await channel.find_sent(claim.outgoing)
    except TimeoutError:
        return await _unsure(db, claim, SendError("deadline", retryable=True, unsure=True), on_failed)
    except SendError as error:
        return await _unsure(db, claim, error, on_failed)
    if provider_id is not None:
        await _sent(db, claim, provider_id)
        return Outcome.RECONCILED
    async with db.transaction(claim.business_id) as session:
        message = await _locked(session, claim)
        if message.status == Delivery.SENDING.value:
            _set(session, message, Delivery.QUEUED, await current_time(session))
    return None


async def _sent(db: Database, claim: Claim, provider_id: ProviderId) -> None:
    async with db.transaction(claim.business_id) as session:
        message = await _locked(session, claim)
        if provider_id in terms.failed_ids(message):
            return  # a report was faster, and it goes once more
        message.provider_id = message.provider_id or provider_id
        reports = await session.scalars(
            select(DeliveryReport.status).where(
                DeliveryReport.channel == message.channel,
                DeliveryReport.provider_id.in_([provider_id, report_id(provider_id, message.business_id)]),
            )
        )
        # A report may have overtaken this record.
        known = [Delivery.SENT, *(Delivery(report) for report in reports)]
        _set(session, message, after_reports(Delivery(message.status), known), await current_time(session))
        await _wake_next(session, message)


async def _unsure(db: Database, claim: Claim, error: SendError, on_failed: OnFailed | None) -> Outcome:
    """Leave a message in `sending` to be looked up later; where that cannot be, say so and stop."""
    async with db.transaction(claim.business_id) as session:
        message = await _locked(session, claim)
        if message.status != Delivery.SENDING.value:
            return Outcome.RECONCILED  # a report has settled it
        now = await current_time(session)
        if error.retryable and message.attempts < MAX_ATTEMPTS:
            message.error = error.code
            message.status_at = now
            if claim.interrupted:
                message.attempts += 1
            delay = delay_for(message.attempts, asked=error.retry_after, chance=_dice.random())
            await _again(session, message.business_id, message.id, max(delay, LOOK_UP_AFTER))
            return Outcome.RETRYING
        await _give_up(session, message, Delivery.UNSURE, error, now, on_failed)
    return Outcome.UNSURE


async def _failed(db: Database, claim: Claim, error: SendError, on_failed: OnFailed | None) -> Outcome:
    """Put a message back for a later attempt, or give it up for good."""
    async with db.transaction(claim.business_id) as session:
        message = await _locked(session, claim)
        if message.status != Delivery.SENDING.value:
            return Outcome.RECONCILED  # a report has settled it, or this is recorded already
        now = await current_time(session)
        if error.retryable and message.attempts < MAX_ATTEMPTS:
            _set(session, message, Delivery.QUEUED, now, error=error.code)
            delay = delay_for(message.attempts, asked=error.retry_after, chance=_dice.random())
            await _again(session, message.business_id, message.id, delay)
            return Outcome.RETRYING
        if error.needs_template and not message.terms.get("template"):
            # The 24 hours ended on the way, by WhatsApp's clock: once more, as a template.
            terms.agree(message, window_closed=True)
            _set(session, message, Delivery.QUEUED, now, error=error.code)
            await _again(session, message.business_id, message.id, timedelta(0))
            return Outcome.RETRYING
        if error.opted_out:
            conversation = await conversations.load(session, message.business_id, message.conversation_id)
            await conversations.opt_out(session, conversation, now, how="refused", provider_id=message.provider_id)
        await _give_up(session, message, Delivery.FAILED, error, now, on_failed)
    return Outcome.FAILED


async def _give_up(
    session: AsyncSession,
    message: Message,
    status: Delivery,
    error: SendError,
    now: datetime,
    on_failed: OnFailed | None,
) -> None:
    _set(session, message, status, now, error=error.code)
    await session.flush()
    if on_failed is not None:
        await on_failed(session, message)
    await _wake_next(session, message)
    log.warning("message %s on %s: %s (%s)", message.id, message.channel, status.value, error.code)


async def _wake_next(session: AsyncSession, message: Message) -> None:
    """Let the next of the thread come at once, where it has been waiting behind repeated attempts."""
    if message.attempts <= 1:
        return
    following = await session.scalar(
        select(Message.id)
        .where(
            Message.business_id == message.business_id,
            Message.conversation_id == message.conversation_id,
            Message.seq > message.seq,
            Message.status.in_(PENDING),
        )
        .order_by(Message.seq)
        .limit(1)
    )
    if following is not None:
        await _again(session, message.business_id, following, timedelta(0))


async def _later(db: Database, business_id: UUID, message_id: UUID, delay: timedelta) -> None:
    async with db.transaction(business_id) as session:
        await _again(session, business_id, message_id, delay)


async def _locked(session: AsyncSession, claim: Claim) -> Message:
    return await session.get_one(Message, (claim.business_id, claim.id), with_for_update=True, populate_existing=True)


def _set(session: AsyncSession, message: Message, status: Delivery, now: datetime, *, error: str | None = None) -> None:
    message.status = status.value
    message.status_at = now
    message.error = error
    announce(session, message.business_id, message.conversation_id, "status")


async def _again(session: AsyncSession, business_id: UUID, message_id: UUID, delay: timedelta) -> None:
    await defer(session, Job.DELIVER_MESSAGE, delay=delay, business_id=str(business_id), message_id=str(message_id))
