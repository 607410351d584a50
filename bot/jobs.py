"""Job names to functions: what the worker runs. Every job is safe to run twice."""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import procrastinate
from procrastinate import JobContext, RetryStrategy
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import catalog as catalogs
from booking_core.kit.clock import current_time
from booking_core.kit.jobs import Job
from booking_core.models import Business
from bot import consent, disruption, handoff, letters, notices, offers, tasks, templates
from bot.api.deliveries import Postman
from bot.queue import queue_for
from bot.turn import answer_conversation, open_turn, speak
from bot.wiring import System
from channels import acknowledge, conversations, deliver, media, messages
from channels.contract import LeavesGroups, SendError, TemplateUse
from channels.models import Message
from channels.places import Places
from nlu.engine import Engine
from payment_links import links, refunds, settle
from payment_links.gateway import GatewayError, PaymentGateway
from payment_links.models import Payment

log = logging.getLogger(__name__)

#: A turn that fails this often is a bug that a person must catch for the customer.
TURN_ATTEMPTS = 4
_TURN_RETRY = RetryStrategy(max_attempts=TURN_ATTEMPTS - 1, exponential_wait=2)
#: About eight minutes of trying: less than the shortest hold is worth.
VENDOR_ATTEMPTS = 9
_VENDOR_RETRY = RetryStrategy(max_attempts=VENDOR_ATTEMPTS - 1, exponential_wait=2)


class NoGateway(GatewayError):
    """Money is asked for, but no payment provider is set up."""

    def __init__(self) -> None:
        super().__init__("not_configured", retryable=False)


def build_jobs(system: System, engine: Engine) -> procrastinate.App:
    """Return the queue with every job bound to this worker's system and model."""
    pool = system.settings.worker_concurrency + 2
    app = queue_for(system.settings.database_url, most=pool)
    work = Work(system, engine)
    for job in Job:
        retry = _TURN_RETRY if job is Job.ANSWER_CONVERSATION else _VENDOR_RETRY
        app.task(name=job.value, queue=job.value, retry=retry, pass_context=True)(getattr(work, job.value))
    return app


@dataclass(frozen=True, slots=True)
class Work:
    """One method for each job, by the job's name."""

    system: System
    engine: Engine
    postman: Postman = field(init=False)
    places: Places = field(default_factory=Places)

    def __post_init__(self) -> None:
        object.__setattr__(self, "postman", Postman(self.system.db, self.system.settings))

    async def answer_conversation(self, context: JobContext, business_id: str, conversation_id: str) -> None:
        """Answer a thread; a turn that fails again and again is left to a person."""
        ids = UUID(business_id), UUID(conversation_id)
        try:
            await answer_conversation(self.system, self.engine, *ids)
        except Exception as error:
            if context.job.attempts + 1 < TURN_ATTEMPTS:
                raise
            # Only the kind of error is logged: its text may hold what the customer wrote.
            log.error("a turn failed for good: %s", type(error).__name__, extra={"conversation": conversation_id})
            await _give_up(self.system, *ids)

    async def deliver_message(self, context: JobContext, business_id: str, message_id: str) -> None:
        """Hand a message to its channel."""
        await deliver.deliver(
            self.system.db,
            self.system.channels,
            UUID(business_id),
            UUID(message_id),
            may_send=_may_send,
            on_failed=notices.delivery_failed,
            template_for=self._template_for,
            pace=self.system.pace,
            letter_for=letters.Letters(self.system.settings, self.system.words).letter_for,
            own=self.system.own,
            places=self.places,
        )

    async def acknowledge_tap(self, context: JobContext, business_id: str, message_id: str) -> None:
        """Confirm a tap to its platform, or show that an answer is being written."""
        await acknowledge.acknowledge(
            self.system.db,
            self.system.channels,
            UUID(business_id),
            UUID(message_id),
            will_answer=_bot_answers,
            own=self.system.own,
        )

    async def fetch_media(self, context: JobContext, business_id: str, message_id: str) -> None:
        """Fetch the pictures and files that came with a message."""
        ids = UUID(business_id), UUID(message_id)
        try:
            await media.fetch(self.system.db, self.system.channels, *ids, own=self.system.own)
        except SendError as error:
            if error.retryable and context.job.attempts + 1 < VENDOR_ATTEMPTS:
                raise
            await media.give_up(self.system.db, *ids)

    async def leave_group(
        self, context: JobContext, channel: str, address: str, locale: str, account: str = ""
    ) -> None:
        """Say in a group that the bot speaks in private only, and leave; `account` is the bot's."""
        await self.system.own.look()
        own = self.system.own.at(channel, account)
        adapter = own.channel if own is not None else self.system.channels.get(channel)
        if isinstance(adapter, LeavesGroups):
            await adapter.leave_group(address, self.system.words.text(locale or "en", "group.private_only"))

    async def tell_bot(self, context: JobContext, business_id: str) -> None:
        """Tell the Telegram bot of a business's own, whose token was given in the console, where its door is."""
        if not self.system.settings.telegram_calls:
            return
        bot = await self.system.own.bot_of(UUID(business_id))
        if bot is not None:
            await bot.register(self.system.settings.base_url, own=True)

    async def make_payment_link(self, context: JobContext, business_id: str, payment_id: str) -> None:
        """Make a payment page and send its address; when that cannot be, a person is called."""
        ids = UUID(business_id), UUID(payment_id)
        try:
            await links.make_link(
                self.system.db,
                await self._gateway(ids[0]),
                *ids,
                on_open=self._link_opened,
                on_failed=self._link_failed,
            )
        except GatewayError:
            if context.job.attempts + 1 < VENDOR_ATTEMPTS:
                raise
            await links.give_up(self.system.db, *ids, on_failed=self._link_failed)

    async def close_payment_link(self, context: JobContext, business_id: str, payment_id: str) -> None:
        """Make a payment page unpayable."""
        ids = UUID(business_id), UUID(payment_id)
        await links.expire_link(self.system.db, await self._gateway(ids[0]), *ids)

    async def refund_payment(self, context: JobContext, business_id: str, payment_id: str) -> None:
        """Give money back."""
        ids = UUID(business_id), UUID(payment_id)
        try:
            gateway = await self._gateway(ids[0])
            await refunds.make_refund(self.system.db, gateway, *ids, on_failed=self._refund_failed)
        except GatewayError:
            if context.job.attempts + 1 < VENDOR_ATTEMPTS:
                raise
            await refunds.give_up(self.system.db, *ids, on_failed=self._refund_failed)

    async def settle_payment_event(self, context: JobContext, event_id: str) -> None:
        """Act on what the payment provider told us, and tell the customer, in one transaction."""
        async with self.system.db.transaction() as session:
            now = await current_time(session)
            outcome = await settle.settle_event(session, event_id, now=now)
            await notices.tell_settled(self.system, session, outcome, now=now)

    async def tell_hold_expired(self, context: JobContext, business_id: str, booking_id: str) -> None:
        """Tell a customer that their hold is over."""
        async with self.system.db.transaction(UUID(business_id)) as session:
            await notices.tell_hold_expired(self.system, session, UUID(business_id), UUID(booking_id))

    async def send_reminder(self, context: JobContext, business_id: str, reminder_id: str) -> None:
        """Word and queue a reminder, if it still holds."""
        async with self.system.db.transaction(UUID(business_id)) as session:
            now = await current_time(session)
            await notices.remind(self.system, session, UUID(business_id), UUID(reminder_id), now=now)

    async def deliver_webhook(self, context: JobContext, business_id: str, delivery_id: str, attempt: int) -> None:
        """Tell another program of an event; what comes after a failure is in the delivery's row."""
        await self.postman.deliver(UUID(business_id), UUID(delivery_id), attempt)

    async def offer_freed_time(
        self, context: JobContext, business_id: str, starts: str | None = None, ends: str | None = None
    ) -> None:
        """Offer what became free between two moments to those who wait for it."""
        span = (datetime.fromisoformat(starts), datetime.fromisoformat(ends)) if starts and ends else None
        await offers.offer_freed_time(self.system, UUID(business_id), span)

    async def tell_move_proposed(self, context: JobContext, business_id: str, proposal_id: str) -> None:
        """Tell a customer of another place for their booking."""
        await disruption.tell_move_proposed(self.system, UUID(business_id), UUID(proposal_id))

    async def check_move(self, context: JobContext, business_id: str, proposal_id: str) -> None:
        """Look whether a booking is still where it cannot take place."""
        await disruption.check_move(self.system, UUID(business_id), UUID(proposal_id))

    async def check_time_off(
        self, context: JobContext, business_id: str, time_off_id: str, known: list[str], since: str | None
    ) -> None:
        """Look whom a time off hits who was booking while it was written down."""
        first = datetime.fromisoformat(since) if since else None
        await disruption.check_time_off(self.system, UUID(business_id), UUID(time_off_id), known, first)

    async def _gateway(self, business_id: UUID) -> PaymentGateway:
        found = await self.system.own.gateway_for(business_id, self.system.gateway)
        if found is None:
            raise NoGateway
        return found

    async def _template_for(self, session: AsyncSession, message: Message) -> TemplateUse | None:
        return await templates.template_for(
            session, message, await templates.owner_of(session, self.system.own, message)
        )

    async def _link_opened(self, session: AsyncSession, payment: Payment) -> None:
        await notices.tell_payment_link(self.system, session, payment, now=await current_time(session))

    async def _link_failed(self, session: AsyncSession, payment: Payment) -> None:
        await notices.tell_payment_failed(self.system, session, payment, now=await current_time(session))

    async def _refund_failed(self, session: AsyncSession, payment: Payment) -> None:
        await notices.refund_failed(session, payment, now=await current_time(session))


async def _may_send(session: AsyncSession, message: Message) -> bool:
    """Judge a message when it goes out: who has the thread, and, of what nobody asked for, who has left elsewhere."""
    if not await handoff.may_send(session, message):
        return False
    if not message.terms.get("unasked"):
        return True
    conversation = await conversations.load(session, message.business_id, message.conversation_id)
    business = await session.get_one(Business, message.business_id)
    return not await consent.left_elsewhere(session, conversation, business)


async def _bot_answers(session: AsyncSession, message: Message) -> bool:
    return await handoff.bot_may_speak(session, message.business_id, message.conversation_id)


async def _give_up(system: System, business_id: UUID, conversation_id: UUID) -> None:
    """Leave the thread to a person: an apology, a task, and the bot falls silent."""
    async with system.db.transaction(business_id) as session:
        await handoff.ensure_dialogue(session, business_id, conversation_id, for_update=True)
        conversation = await conversations.load(session, business_id, conversation_id)
        waiting = await messages.load_unanswered(session, conversation)
        if not waiting:
            return
        now = await current_time(session)
        catalog = await catalogs.load_catalog(session, business_id)
        key = f"turn_failed:{conversation_id}:{waiting[-1].seq}"
        turn = await open_turn(system, session, catalog, conversation, last=None, key=key, now=now)
        await speak(turn, [turn.say("trouble", act="handoff")])
        await handoff.ask_for_person(session, conversation, now=now)
        await tasks.ask_staff(
            session, business_id, kind="turn_failed", key=key, now=now, conversation_id=conversation_id
        )
        await messages.mark_answered(session, waiting, now=now)
