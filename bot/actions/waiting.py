"""The waitlist in a thread: asking to be told, an offer that is held, and what is answered to it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking_core import booking as bookings
from booking_core import customers, offers, waitlist
from booking_core.models import Booking, State, WaitlistEntry
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from booking_core.rules.policy import last_day
from booking_core.rules.waitlist import Window, Wish
from bot.actions import cards, taken_offer, visits
from bot.actions.answers import own_bookings, pending_payment
from bot.actions.contract import Draft, Option, Turn, forget_task
from bot.actions.submit import booked, payment_title
from bot.actions.wish import Wish as WhenWish
from bot.phrasing import listed
from channels import messages
from nlu.contract import Answer
from payment_links import links

#: So many windows are named; more of them are "and other times".
_NAMED = 3


def offered(turn: Turn, entry: WaitlistEntry, booking: Booking) -> dict[str, Any]:
    """Return the offer: what, when, with whom, for how much, and until when it is held."""
    assert booking.hold_expires_at is not None  # noqa: S101 - an offer is a hold
    key = (
        "waitlist.offer_free"
        if booking.due == 0
        else "waitlist.offer_full"
        if booking.due == booking.price
        else "waitlist.offer_deposit"
    )
    about = {"entry": str(entry.id), "offer": str(booking.id)}
    there = turn.at(booking.location_id)
    return there.say(
        key,
        act="waitlist_offer",
        choices=[
            turn.option("choice.take_offer", "take_offer", **about),
            turn.option("choice.pass_offer", "pass_offer", **about),
            turn.option("choice.leave_waitlist", "leave_waitlist", entry=str(entry.id)),
        ],
        facts=cards.visit_card(turn, cards.visit_of(turn, booking), price=booking.price) | about,
        line=_line(turn, booking),
        price=there.money(booking.price),
        due=there.money(booking.due),
        until=until_when(there, booking.hold_expires_at),
    )


def passed_on(turn: Turn, booking: Booking, entry_id: UUID) -> dict[str, Any]:
    """Return what is said when nobody answered an offer in time."""
    choices = [turn.option("choice.leave_waitlist", "leave_waitlist", entry=str(entry_id))]
    return turn.say("waitlist.passed_on", act="waitlisted", choices=choices, line=_line(turn, booking))


async def take_offer(turn: Turn, args: Mapping[str, Any], form: str | None = None) -> Answer:
    """Book what is offered, or ask for its payment; what is gone by now is said with what goes on."""
    entry_id, offer_id = UUID(args["entry"]), UUID(args["offer"])
    try:
        accepted = await offers.accept(turn.session, turn.business.id, entry_id, offer_id, now=turn.now, key=turn.key)
    except BookingRefused:
        return Answer(say=(await _gone(turn, entry_id, offer_id),), then=form)
    booking = accepted.booking
    asked = taken_offer.questions(turn, booking, args)
    if asked is not None:
        turn.filled = True
        return Answer(say=(_kept(turn, booking),), remember=asked, then="booking_form")
    if booking.state == State.HELD:
        return await _ask_payment(turn, booking, repeated=accepted.repeated, form=form)
    return Answer(say=(_kept(turn, booking),), then=form)


def _kept(turn: Turn, booking: Booking) -> dict[str, Any]:
    """Say what a yes to an offer came to: booked, asked for, or kept while something must be known first."""
    if booking.state == State.HELD:
        return turn.say("waitlist.kept_first", act="info", line=_line(turn, booking))
    if booking.state == State.PENDING_APPROVAL:
        return turn.say("waitlist.requested", act="info", line=_line(turn, booking))
    turn.conversation.outcome = "booked"
    return booked(turn, booking)


async def pass_offer(turn: Turn, args: Mapping[str, Any], form: str | None = None) -> Answer:
    """Let an offer go; the customer waits on."""
    entry_id, offer_id = UUID(args["entry"]), UUID(args["offer"])
    try:
        entry = await offers.decline(turn.session, turn.business.id, entry_id, offer_id, now=turn.now)
    except BookingRefused as refused:
        if refused.reason == Reason.UNKNOWN:
            return Answer(say=(await _gone(turn, entry_id, offer_id),), then=form)
        return Answer(say=(await own_bookings(turn),), then=form)  # it is booked: what can be done with it
    await links.close_payment(turn.session, turn.business.id, offer_id, now=turn.now)
    choices = [turn.option("choice.leave_waitlist", "leave_waitlist", entry=str(entry.id))]
    key = "waitlist.passed" if entry.state == "waiting" else "waitlist.left"
    return Answer(
        say=(turn.say(key, act="waitlisted", choices=choices if entry.state == "waiting" else []),), then=form
    )


async def leave_waitlist(turn: Turn, args: Mapping[str, Any], form: str | None = None) -> Answer:
    """Take the customer off the list; an offer that is open is let go with it."""
    entry = await waitlist.load_entry(turn.session, turn.business.id, UUID(args["entry"]))
    if turn.customer is None or entry.customer_id != turn.customer.id:
        return Answer(say=(turn.say("talk.stale", act="info"),), then=form)
    offer_id = entry.offer_id
    await waitlist.withdraw(turn.session, turn.business.id, entry.id, now=turn.now, actor="customer")
    if offer_id is not None:
        await links.close_payment(turn.session, turn.business.id, offer_id, now=turn.now)
    said = turn.say("waitlist.left", act="info", choices=[] if form else [turn.option("choice.book", "start_book")])
    return Answer(say=(said,), then=form)


def wait_options(
    turn: Turn, draft: Draft, request: VisitRequest, wanted: WhenWish, memo: Mapping[str, Any], *, why: str | None
) -> list[Option]:
    """Return the choice to wait for a time that was asked for and is full; nothing where waiting is no use."""
    if draft.task != "book" or wanted.past or why not in _FULL:
        return []
    missed = memo.get("missed")
    spans = _around(datetime.fromisoformat(missed)) if missed else wanted.spans
    policy = turn.catalog.policy
    ahead = last_day(turn.now.date(), policy.booking_window, policy.booking_window_days) - turn.now.date()
    far = turn.now + ahead + timedelta(days=1)
    windows = [(max(start or turn.now, turn.now), min(end or far, far)) for start, end in spans]
    windows = [(start, end) for start, end in windows if start < end]
    if not windows:
        return []
    args = {
        "visit": visits.kept(request),
        "staff": str(request.staff_id) if request.staff_id else None,
        "windows": Wish(tuple(windows)).kept(),
    }
    return [turn.option("choice.join_waitlist", "join_waitlist", **args)]


#: Time that is taken may be free again; what is closed or too near will not.
_FULL = ("staff_busy", "held", "resource_busy", "sold_out", "limit_reached")
#: Who asked for three o'clock can mostly come somewhat earlier or later.
_THEREABOUTS = timedelta(hours=2)


def _around(exact: datetime) -> tuple[tuple[datetime | None, datetime | None], ...]:
    return (exact, exact + timedelta(minutes=1)), (exact - _THEREABOUTS, exact + _THEREABOUTS)


async def take_up(turn: Turn, *, name: str | None) -> Answer | None:
    """Put the customer on the list for what was just said to be full; None if nothing was."""
    if turn.last is None or turn.last.sender != "bot":
        return None
    for choice in await messages.choices_of(turn.session, turn.last):
        if choice.meaning["do"] == "join_waitlist":
            return await join_waitlist(turn, choice.meaning["args"], "booking_form", name=name)
    return None


async def join_waitlist(
    turn: Turn, args: Mapping[str, Any], form: str | None = None, *, name: str | None = None
) -> Answer:
    """Put the customer on the list for the times that they asked about; that is the end of the task.

    `name` is what they have called themselves in it: it is kept, and not asked for again.
    """
    turn.customer = await customers.load_or_create(
        turn.session,
        turn.business.id,
        turn.conversation.customer_id,
        name=name,
        locale=turn.locale,
        now=turn.now,
    )
    turn.conversation.customer_id = turn.customer.id
    windows = Wish.of(args["windows"]).windows
    draft = Draft.of(dict(args["visit"]) | {"staff": args.get("staff")}, turn.catalog)
    if draft.service is None:
        return Answer(say=(turn.say("talk.stale", act="info"),), then=form)
    request = visits.wanted(turn.catalog, draft)
    try:
        entry = await waitlist.join(
            turn.session,
            catalog=turn.catalog,
            wanted=request,
            windows=windows,
            customer_id=turn.customer.id,
            conversation_id=turn.conversation.id,
            key=f"waitlist:{turn.key}",
            now=turn.now,
        )
    except BookingRefused as refused:
        key = "waitlist.enough" if refused.data.get("of") == "entries" else "talk.stale"
        return Answer(say=(turn.say(key, act="info", choices=[turn.option("choice.book", "start_book")]),), then=form)
    service = cards.wish_name(turn, request)
    staff = turn.catalog.staff_member(entry.staff_id).name if entry.staff_id else None
    times = windows_text(turn.at(request.location_id), windows)
    choices = [turn.option("choice.leave_waitlist", "leave_waitlist", entry=str(entry.id))]
    if staff is not None:
        said = turn.say(
            "waitlist.joined_with", act="waitlisted", choices=choices, service=service, staff=staff, times=times
        )
    else:
        said = turn.say("waitlist.joined", act="waitlisted", choices=choices, service=service, times=times)
    return Answer(say=(said,), remember=forget_task(), leave_form=form is not None)


def windows_text(turn: Turn, windows: Sequence[Window]) -> str:
    """Return windows as people say them: `Sat 28 Nov` or `Fri 27 Nov, 16:00–20:00`."""
    windows = [one for one in windows if not any(_within(one, other) for other in windows)]
    named = [_window_text(turn, start, end) for start, end in windows[:_NAMED]]
    if len(windows) > _NAMED:
        named.append(turn.words.text(turn.locale, "waitlist.other_times"))
    return listed(named, turn.locale, any_of=True)


def _within(one: Window, other: Window) -> bool:
    return one != other and other[0] <= one[0] and one[1] <= other[1]


def until_when(turn: Turn, moment: datetime) -> str:
    """Return when something ends: the clock alone if it is today."""
    today = turn.local(moment).date() == turn.local(turn.now).date()
    return turn.clock(moment) if today else turn.day_and_clock(moment)


def _window_text(turn: Turn, start: datetime, end: datetime) -> str:
    first, last = turn.local(start), turn.local(end - timedelta(minutes=1))
    if first.date() != last.date():
        return f"{turn.day(start)} – {turn.day(last)}"
    if end - start <= timedelta(minutes=1):
        return turn.day_and_clock(start)
    whole = first.time().isoformat("minutes") <= "08:00" and last.time().isoformat("minutes") >= "21:00"
    return turn.day(start) if whole else f"{turn.day_and_clock(start)}–{turn.clock(end)}"


async def _ask_payment(turn: Turn, booking: Booking, *, repeated: bool, form: str | None) -> Answer:
    if repeated:
        _, said = await pending_payment(turn)
        if said is not None:
            return Answer(say=(said,), then=form)
    await links.request_payment(
        turn.session, booking, title=payment_title(turn, booking), locale=turn.locale, now=turn.now
    )
    turn.answer_follows = True
    return Answer(then=form)


async def _gone(turn: Turn, entry_id: UUID, offer_id: UUID) -> dict[str, Any]:
    """Say that an offer is over, and whether the customer still waits."""
    mine = turn.customer.id if turn.customer else None
    try:
        booking = await bookings.load(turn.session, turn.business.id, offer_id)
        entry = await waitlist.load_entry(turn.session, turn.business.id, entry_id)
    except BookingRefused:
        return turn.say("talk.stale", act="info", choices=[turn.option("choice.book", "start_book")])
    if mine is None or {booking.customer_id, entry.customer_id} != {mine}:
        return turn.say("talk.stale", act="info", choices=[turn.option("choice.book", "start_book")])
    if entry.state in {"waiting", "offered"}:
        choices = [
            turn.option("choice.book", "start_book"),
            turn.option("choice.leave_waitlist", "leave_waitlist", entry=str(entry.id)),
        ]
        return turn.say("waitlist.gone_waiting", act="waitlisted", choices=choices, line=_line(turn, booking))
    choices = [turn.option("choice.book", "start_book"), turn.option("choice.my_bookings", "my_bookings")]
    return turn.say("waitlist.gone", act="info", choices=choices, line=_line(turn, booking))


def _line(turn: Turn, booking: Booking) -> str:
    return cards.booking_line(turn, booking)
