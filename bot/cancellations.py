"""What follows a cancellation by the business: what is owed goes back, and the customers hear of it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import sessions
from booking_core.changing import Cancellation
from bot import news
from bot.news import News
from bot.turn import Voice
from payment_links import links


async def settle(
    voice: Voice,
    session: AsyncSession,
    gone: Sequence[Cancellation],
    *,
    notify: bool,
    now: datetime,
    by: UUID | None = None,
) -> None:
    """Give back what each cancellation owes, and tell each thread once however many of its bookings are gone.

    What had been cancelled before is left alone.
    """
    threads: dict[UUID | None, list[tuple[Cancellation, int]]] = {}
    for one in gone:
        if not one.repeated:
            refund = await links.refund_for_cancellation(session, one.booking, one.refund, now=now)
            threads.setdefault(one.booking.conversation_id, []).append((one, refund))
    threads.pop(None, None)
    if not notify:
        return
    for told in threads.values():
        first = min((one.booking for one, _ in told), key=lambda booking: booking.starts)
        refund = sum(refund for _, refund in told)
        await news.tell(voice, session, first, News.CANCELLED, now=now, by=by, refund=refund, count=len(told))


async def cancel_class(
    voice: Voice,
    session: AsyncSession,
    business_id: UUID,
    session_id: UUID,
    *,
    notify: bool,
    now: datetime,
    actor: str,
    by: UUID | None = None,
) -> list[Cancellation]:
    """Cancel a class with every booking in it; again changes nothing."""
    gone = await sessions.cancel_class(session, business_id, session_id, now=now, actor=actor)
    await settle(voice, session, gone, notify=notify, now=now, by=by)
    return gone
