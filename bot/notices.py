"""What the bot says without being asked: a hold that ran out, money that came, a reminder.

Each is decided, worded and queued in the transaction of its cause, so that it is said once.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core import calendar, offers, waitlist
from booking_core import catalog as catalogs
from booking_core.kit.clock import current_time
from booking_core.kit.ids import BookingId, new_id
from booking_core.models import Booking, BookingAudit, State
from booking_core.placed import request_of, same_people
from booking_core.rules import suggest
from bot import consent, handoff, letters, outreach, tasks, unreached
from bot.actions import again, cards, visits, waiting
from bot.actions.answers import pending_payment
from bot.actions.contract import ANYONE, Turn
from bot.actions.offer import OFFERS, slot_option
from bot.actions.submit import booked
from bot.models import Dialogue, HandoffNote
from bot.standing import Move
from bot.turn import Voice, open_turn, speak
from bot.wiring import System
from channels import conversations, mail_threads, messages
from channels.consents import Purpose, Standing
from channels.models import Conversation, Delivery, Message
from payment_links import links, settle
from payment_links.models import Payment

_TOLD = "told_expired"


async def turn_about(
    system: Voice, session: AsyncSession, booking: Booking, *, now: datetime, by_letter: bool = False
) -> Turn | None:
    """Return the circumstances for saying something about a booking in its thread, if it has one.

    `by_letter`: it needs no answer, so that the customer's e-mail may take the thread's place.
    """
    conversation: Conversation | None = None
    if booking.conversation_id is not None:
        conversation = await conversations.load(session, booking.business_id, booking.conversation_id)
    catalog = await catalogs.load_catalog(session, booking.business_id)
    if by_letter:
        conversation = await letters.best_thread(session, catalog.business, booking, conversation)
    if conversation is None:
        return None
    last = await messages.last_spoken(session, conversation)
    turn = await open_turn(
        system, session, catalog, conversation, last=last, key=f"notice:{booking.id}:{booking.version}", now=now
    )
    turn.place = catalog.location(booking.location_id)
    return turn


async def tell_payment_link(system: System, session: AsyncSession, payment: Payment, *, now: datetime) -> None:
    """Send the link that was just made."""
    booking = await bookings.load(session, payment.business_id, BookingId(payment.booking_id))
    turn = await turn_about(system, session, booking, now=now)
    if turn is None or booking.state != State.HELD or booking.hold_expires_at is None:
        return
    said = turn.say(
        "payment.link",
        act="payment_link",
        facts=cards.booking_card(turn, booking, payment_url=payment.url),
        amount=turn.money(payment.amount),
        url=cards.payment_address(turn, booking, payment.url),
        until=turn.clock(booking.hold_expires_at),
    )
    await speak(turn, [said])


async def tell_payment_failed(system: System, session: AsyncSession, payment: Payment, *, now: datetime) -> None:
    """No link can be made: free the time, say so, and put a person on it."""
    booking = await bookings.load(session, payment.business_id, BookingId(payment.booking_id))
    if booking.state != State.HELD:
        return
    await bookings.release(session, booking.business_id, booking.id, now=now, actor="system")
    turn = await turn_about(system, session, booking, now=now)
    await tasks.ask_staff(
        session,
        booking.business_id,
        kind="payment_link_failed",
        key=f"payment_link_failed:{payment.id}",
        now=now,
        conversation_id=booking.conversation_id,
        booking_id=booking.id,
    )
    if turn is not None:
        await speak(turn, [turn.say("payment.failed", act="handoff")])
        await handoff.ask_for_person(session, turn.conversation, now=now)


async def tell_hold_expired(system: System, session: AsyncSession, business_id: UUID, booking_id: UUID) -> None:
    """Close the payment page, tell the customer once, and offer the time and others again."""
    booking = await bookings.load(session, business_id, BookingId(booking_id), for_update=True)
    told = await session.scalar(
        select(BookingAudit.id).where(
            BookingAudit.business_id == business_id,
            BookingAudit.booking_id == booking_id,
            BookingAudit.move == _TOLD,
        )
    )
    if told is not None or booking.state != State.EXPIRED:
        return
    now = await current_time(session)
    session.add(
        BookingAudit(
            business_id=business_id,
            id=new_id(),
            booking_id=booking_id,
            at=now,
            actor="system",
            move=_TOLD,
            version=booking.version,
            data={},
        )
    )
    await links.close_payment(session, business_id, booking.id, now=now)
    turn = await turn_about(system, session, booking, now=now)
    if turn is None:
        return
    entry_id = await offers.unanswered(session, booking)
    if entry_id is not None:
        said = waiting.passed_on(turn, booking, entry_id)
    elif await _was_request(session, booking):
        said = await _offer_again(turn, booking, "request.lapsed")
    else:
        said = await _offer_again(turn, booking)
    outreach.reach_out(turn, await speak(turn, [said]), at_once=True)


async def _was_request(session: AsyncSession, booking: Booking) -> bool:
    """Whether nobody at the business answered, rather than the customer did not pay."""
    asked = await session.scalar(
        select(func.count())
        .select_from(BookingAudit)
        .where(
            BookingAudit.business_id == booking.business_id,
            BookingAudit.booking_id == booking.id,
            BookingAudit.move.in_(["request", "approve_and_hold"]),
        )
    )
    return asked == 1  # agreed to and then not paid, it has both


async def _offer_again(turn: Turn, booking: Booking, key: str = "hold.expired", **values: Any) -> dict[str, Any]:
    wanted = request_of(turn.catalog, booking)
    if visits.booked_visit(turn.catalog, booking)["staff"] != ANYONE:
        wanted = replace(wanted, staff_id=booking.staff_id)
    elif "kept" in visits.people_kept(booking):
        wanted = same_people(turn.catalog, booking)
    free = await calendar.free_slots(
        turn.session,
        turn.catalog,
        wanted=wanted,
        windows=[(max(turn.now, booking.starts - timedelta(days=2)), booking.starts + timedelta(days=5))],
        exclude=(),
        now=turn.now,
    )
    picked = sorted(suggest.suggest(free.slots, wish=booking.starts, count=OFFERS), key=lambda slot: slot.starts)
    line = cards.booking_line(turn, booking)
    if not picked:
        plain = "hold.expired_plain" if key == "hold.expired" else key
        return turn.say(
            plain, act="offer_slots", choices=[turn.option("choice.book", "start_book")], line=line, **values
        )
    options = [slot_option(turn, slot, request=wanted, named=wanted.staff_id is not None) for slot in picked]
    return turn.say(key, act="offer_slots", choices=options, line=line, **values)


async def tell_settled(system: System, session: AsyncSession, outcome: settle.Outcome, *, now: datetime) -> None:
    """Say what a payment event came to."""
    match outcome:
        case settle.Paid(booking=booking):
            await _tell_booked(system, session, booking, "booked.paid", now)
        case settle.PaidAfterExpiryRetaken(booking=booking):
            await _tell_booked(system, session, booking, "booked.retaken", now)
        case settle.PaidButGone(booking=booking, payment=payment):
            await _tell_too_late(system, session, booking, payment, now)
        case settle.PaidTwice(payment=payment):
            await _tell_paid_twice(system, session, payment, now)
        case settle.LinkExpired(payment=payment):
            await _ask_again(system, session, payment, now)
        case settle.PaidWrongAmount(payment=payment):
            await _for_staff(session, payment, "paid_wrong_amount", now)
        case settle.RefundFailed(payment=payment):
            await refund_failed(session, payment, now=now)
        case _:
            return


async def _tell_booked(system: System, session: AsyncSession, booking: Booking, key: str, now: datetime) -> None:
    await waitlist.close(session, booking, now=now)
    turn = await turn_about(system, session, booking, now=now)
    if turn is None:
        return
    turn.conversation.outcome = "booked"
    dialogue = await handoff.ensure_dialogue(session, booking.business_id, turn.conversation.id)
    await speak(turn, [await again.with_later(turn, dialogue.memory, booking, booked(turn, booking, key=key))])


async def _ask_again(system: System, session: AsyncSession, payment: Payment, now: datetime) -> None:
    """The provider ended a page whose hold still stands: make another."""
    booking = await bookings.load(session, payment.business_id, BookingId(payment.booking_id))
    if booking.state == State.HELD and booking.hold_expires_at is not None and booking.hold_expires_at > now:
        await links.request_payment(session, booking, title=payment.title, locale=payment.locale, now=now)


async def _tell_too_late(
    system: System, session: AsyncSession, booking: Booking, payment: Payment, now: datetime
) -> None:
    await _for_staff(session, payment, "late_payment_refunded", now)
    turn = await turn_about(system, session, booking, now=now)
    if turn is not None:
        amount = turn.money(payment.amount)
        taken = booking.state == State.EXPIRED
        key = "late_payment.refunded" if taken else "late_payment.not_wanted"
        await speak(turn, [await _offer_again(turn, booking, key, amount=amount)])


async def _tell_paid_twice(system: System, session: AsyncSession, payment: Payment, now: datetime) -> None:
    booking = await _for_staff(session, payment, "paid_twice_refunded", now)
    turn = await turn_about(system, session, booking, now=now)
    if turn is not None:
        await speak(turn, [turn.say("paid_twice.refunded", act="info", amount=turn.money(payment.amount))])


async def refund_failed(session: AsyncSession, payment: Payment, *, now: datetime) -> None:
    """The bank would not take the money back: a person must settle it."""
    await _for_staff(session, payment, "refund_failed", now)


async def _for_staff(session: AsyncSession, payment: Payment, kind: str, now: datetime) -> Booking:
    booking = await bookings.load(session, payment.business_id, BookingId(payment.booking_id))
    await tasks.ask_staff(
        session,
        booking.business_id,
        kind=kind,
        key=f"{kind}:{payment.id}",
        now=now,
        conversation_id=booking.conversation_id,
        booking_id=booking.id,
        data={"amount": payment.amount, "currency": payment.currency},
    )
    return booking


async def delivery_failed(session: AsyncSession, message: Message) -> None:
    """A message could not be delivered for good: it goes another way, or staff are told.

    An offer that nobody gets goes to the next in the line.
    """
    if await unreached.say_elsewhere(session, message):
        return
    facts = message.facts or {}
    if message.act == "waitlist_offer" and "offer" in facts:
        await offers.pass_on(
            session, message.business_id, UUID(facts["entry"]), UUID(facts["offer"]), now=message.status_at
        )
    await unreached.tell_staff(session, message)


async def recap(system: System, session: AsyncSession, dialogue: Dialogue, now: datetime) -> None:
    """A person gave the thread back: say so, with the bot's open question as it stood."""
    conversation = await conversations.load(session, dialogue.business_id, dialogue.conversation_id)
    catalog = await catalogs.load_catalog(session, dialogue.business_id)
    key = f"recap:{conversation.id}:{dialogue.handoff_version}"
    turn = await open_turn(system, session, catalog, conversation, last=None, key=key, now=now)
    asked = await messages.last_question(session, conversation)
    said = turn.say("handoff.back", act=asked.act if asked and asked.act else "info")
    if asked is not None and dialogue.memory.get("form"):
        said["text"] = f"{said['text']} {asked.text}"
        said["facts"] = asked.facts
        said["choices"] = [
            {"label": choice.label, **choice.meaning} for choice in await messages.choices_of(session, asked)
        ]
    else:
        _, pending = await pending_payment(turn)
        if pending is not None:
            said = {**pending, "text": f"{said['text']} {pending['text']}"}
    untold = await _untold(session, conversation, now)
    said["text"] = "\n".join([*untold, said["text"]])
    await speak(turn, [said])


async def _untold(session: AsyncSession, conversation: Conversation, now: datetime) -> list[str]:
    """Return what became of bookings while a person had the thread and the bot was silent."""
    mine = (HandoffNote.business_id == conversation.business_id, HandoffNote.conversation_id == conversation.id)
    # The note of this hand-back itself is there already: what ended before it bounds the time of the person.
    ended = await session.scalar(
        select(func.max(HandoffNote.at)).where(
            *mine,
            HandoffNote.move.in_([Move.HAND_BACK.value, Move.RESOLVE.value]),
            HandoffNote.at < now,
        )
    )
    began = select(func.min(HandoffNote.at)).where(
        *mine,
        HandoffNote.move.in_([Move.ASK.value, Move.TAKE.value, Move.ASSIGN.value, Move.SNOOZE.value]),
    )
    since = await session.scalar(began if ended is None else began.where(HandoffNote.at >= ended))
    if since is None:
        return []
    texts = await session.scalars(
        select(Message.text)
        .where(
            Message.business_id == conversation.business_id,
            Message.conversation_id == conversation.id,
            Message.status == Delivery.SUPPRESSED.value,
            Message.act.in_(["booked", "rescheduled", "cancelled"]),
            Message.created_at >= since,
        )
        .order_by(Message.seq)
    )
    return list(texts)


async def remind(system: System, session: AsyncSession, business_id: UUID, reminder_id: UUID, *, now: datetime) -> None:
    """Word one reminder, if its booking still stands as it did when the reminder was planned."""
    booking = await bookings.check_reminder(session, business_id, reminder_id, now=now)
    if booking is None:
        return
    turn = await turn_about(system, session, booking, now=now, by_letter=True)
    if turn is None or turn.conversation.opted_out_at is not None:
        return
    letter_box = turn.conversation if mail_threads.is_mail(turn.conversation) else None
    if letter_box is None and await consent.standing(turn, Purpose.REMINDERS) is not Standing.GIVEN:
        letter_box = await consent.letter_box(turn, booking.customer_id)
        if letter_box is None:
            return  # nobody has said that they may be reminded
    if letter_box is not None:
        await letters.write(turn, letter_box, booking, "reminder")
        return
    about = {"booking": str(booking.id), "version": booking.version}
    line = cards.booking_line(turn, booking)
    place = turn.place_line
    said = turn.say(
        "reminder",
        act="reminder",
        choices=[
            turn.option("choice.confirm", "confirm_attendance", **about),
            turn.option("choice.move", "start_move", **about),
            turn.option("choice.cancel_it", "start_cancel", **about),
        ],
        facts=cards.booking_card(turn, booking) | about | {"line": line, "place": place},
        line=line,
        place=place,
    )
    outreach.reach_out(turn, await speak(turn, [said]), useful_until=booking.starts)
