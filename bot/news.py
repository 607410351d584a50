"""What customers are told when somebody at the business has changed their booking: queued with the change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import Booking, State
from bot import handoff, letters, outreach
from bot.actions import cards
from bot.actions.contract import Turn
from bot.actions.submit import calendar_url, payment_title
from bot.notices import turn_about
from bot.turn import Voice, speak
from channels import mail_threads, messages
from channels.models import Sender
from payment_links import links


class News(StrEnum):
    """What happened to a booking."""

    BOOKED = "booked"
    MOVED = "moved"
    #: Others do it, at the time at which it is.
    HANDED_ON = "handed_on"
    CANCELLED = "cancelled"
    APPROVED = "approved"
    DECLINED = "declined"


#: How a message of each kind is marked, and what became of its thread.
_ACTS = {
    News.MOVED: "rescheduled",
    News.HANDED_ON: "rescheduled",
    News.CANCELLED: "cancelled",
    News.DECLINED: "cancelled",
}
_OUTCOMES = {News.MOVED: "moved", News.HANDED_ON: "moved", News.CANCELLED: "cancelled", News.DECLINED: "cancelled"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a customer knows of their booking, to be looked at before it is moved."""

    starts: datetime
    people: tuple[tuple[str, ...], ...]

    @staticmethod
    def of(booking: Booking) -> "Seen":
        """Return when a booking is and who does what, as it stands."""
        return Seen(booking.starts, tuple(tuple(part["staff"]) for part in booking.parts))

    def news_in(self, booking: Booking) -> News | None:
        """Return what a move comes to for the customer: another time, other people, or (another room) nothing."""
        now = Seen.of(booking)
        if now.starts != self.starts:
            return News.MOVED
        return News.HANDED_ON if now.people != self.people else None


async def tell(
    voice: Voice,
    session: AsyncSession,
    booking: Booking,
    news: News,
    *,
    now: datetime,
    by: UUID | None = None,
    refund: int = 0,
    count: int = 1,
) -> bool:
    """Tell a customer in their thread, in the change's own transaction; False if there is nobody to tell.

    Of several bookings that are cancelled at once (`count`), `booking` is the first. Where a person answers
    the thread it is said in that person's name: the bot's words would not go out.
    """
    turn = await turn_about(voice, session, booking, now=now, by_letter=True)
    if turn is None or turn.conversation.opted_out_at is not None:
        return False
    said = _worded(turn, booking, news, refund, count)
    turn.conversation.outcome = _OUTCOMES.get(news, "booked")
    if await handoff.bot_may_speak(session, booking.business_id, turn.conversation.id):
        outreach.reach_out(turn, await speak(turn, [said]), not_later_than=booking.starts)
    else:
        await _say_in_person(turn, said, by)
    return True


async def ask_to_pay(voice: Voice, session: AsyncSession, booking: Booking, *, now: datetime) -> bool:
    """Have a payment link sent to the thread of a held booking; False if there is no thread for it."""
    turn = await turn_about(voice, session, booking, now=now)
    if turn is None or booking.state != State.HELD or not booking.due:
        return False
    await links.request_payment(session, booking, title=payment_title(turn, booking), locale=turn.locale, now=now)
    return True


def _worded(turn: Turn, booking: Booking, news: News, refund: int, count: int) -> dict[str, Any]:
    key = f"news.{news.value}"
    if news is News.CANCELLED:
        key = f"news.cancelled{'_several' if count > 1 else ''}{'_refund' if refund else ''}"
    if news is News.APPROVED and booking.state == State.HELD:
        key = "news.approved_pay"
    choices = []
    if news in {News.CANCELLED, News.DECLINED} and not mail_threads.is_mail(turn.conversation):
        choices = [turn.option("choice.book", "start_book")]
    said = turn.say(
        key,
        act=_ACTS.get(news, "booked"),
        choices=choices,
        facts=cards.booking_card(turn, booking),
        line=payment_title(turn, booking),
        place=turn.place_line,
        reference=booking.reference,
        refund=turn.money(refund),
        count=count,
    )
    if booking.state == State.CONFIRMED:
        calendar = turn.words.text(turn.locale, "calendar.link", url=calendar_url(turn, booking))
        said["text"] = f"{said['text']}\n{calendar}"
    return said


async def _say_in_person(turn: Turn, said: Mapping[str, Any], by: UUID | None) -> None:
    message = await messages.queue_message(
        turn.session,
        turn.conversation,
        sender=Sender.STAFF.value,
        text=str(said["text"]),
        act=said["act"],
        facts=said["facts"],
        locale=turn.locale,
        now=turn.now,
        staff_user_id=by,
    )
    await letters.copy(turn, message)
