"""What a business allows and charges: read once, frozen into each booking."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never

from pydantic import BaseModel, ConfigDict, Field

from booking_core.models import PaymentRule
from booking_core.rules.grid import Grid


class Buffers(StrEnum):
    """What lies between two visits of one person: both buffers, or the longer of the two."""

    SUM = "sum"
    MAX = "max"


class Assignment(StrEnum):
    """Who gets a booking when anyone will do."""

    #: Whoever has least to do that day.
    LEAST_BUSY = "least_busy"
    #: By priority, then by share of what was given out this month, then who had none for longest.
    ROUND_ROBIN = "round_robin"
    #: The first in the house's order who is free.
    IN_ORDER = "in_order"


class ServiceOrder(StrEnum):
    """In which order several services of one visit are done, where a customer says one; packages keep their own."""

    CUSTOMER = "customer"
    #: The order in which the business lists them.
    HOUSE = "house"


class WindowDays(StrEnum):
    """Which days a booking window counts; those between can be booked, too."""

    CALENDAR = "calendar"
    #: Monday to Friday.
    BUSINESS = "business"


class Policy(BaseModel):
    """A business's rules of booking; every one has a value that harms nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Minutes that an unpaid time is kept.
    hold_minutes: int = Field(15, ge=5, le=120)
    #: Minutes before a start in which it can no longer be booked; exactly that long before is early enough.
    lead_time: int = Field(60, ge=0, le=60 * 24 * 90)
    #: Bookable are today and so many local days after it.
    booking_window: int = Field(60, ge=0, le=730)
    booking_window_days: WindowDays = WindowDays.CALENDAR
    #: Hours before the start up to which a cancellation is early; exactly that long before is early enough.
    cancel_cutoff_hours: float = Field(24, ge=0, le=24 * 90, multiple_of=0.25)
    #: Percent of what was paid that comes back.
    refund_before_cutoff: int = Field(100, ge=0, le=100)
    refund_after_cutoff: int = Field(0, ge=0, le=100)
    #: Minor units that a late cancellation costs besides, out of what was paid and never more.
    late_fee: int = Field(0, ge=0)
    #: Hours before the start in which the customer can no longer move a booking.
    change_cutoff_hours: float = Field(0, ge=0, le=24 * 90, multiple_of=0.25)
    grid: Grid = Grid.HOUR
    buffers: Buffers = Buffers.SUM
    assignment: Assignment = Assignment.LEAST_BUSY
    #: Of several services that a thread puts together: the order that the customer says, or always the house's.
    order_of_services: ServiceOrder = ServiceOrder.CUSTOMER
    #: With anyone, whom the customer usually comes to is asked first.
    usual_person_first: bool = True
    #: Round robin passes over whoever is so many bookings ahead of the least; 0: nobody.
    ahead_at_most: int = Field(0, ge=0, le=1000)
    #: Hours that a request for approval waits; it never outlasts its start.
    approval_hours: int = Field(48, ge=1, le=24 * 30)
    #: Minutes that a waitlist offer is held for the one it was made to.
    offer_minutes: int = Field(30, ge=5, le=24 * 60)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a cancellation means for the money, in minor units."""

    refund: int
    fee: int
    cutoff_passed: bool


_FRIDAY = 4


def last_day(today: date, window: int, days: WindowDays) -> date:
    """Return the last day of a booking window: so many days after today, of those that it counts."""
    if days == WindowDays.CALENDAR:
        return today + timedelta(days=window)
    weeks, rest = divmod(window, _FRIDAY + 1)
    day = today - timedelta(days=max(0, today.weekday() - _FRIDAY)) + timedelta(weeks=weeks)
    while rest:
        day += timedelta(days=1)
        rest -= day.weekday() <= _FRIDAY
    return max(day, today)


def snapshot(policy: Policy) -> dict[str, Any]:
    """Return what a booking keeps of the policy under which it was made."""
    return policy.model_dump(
        mode="json",
        include={
            "cancel_cutoff_hours",
            "refund_before_cutoff",
            "refund_after_cutoff",
            "late_fee",
            "change_cutoff_hours",
        },
    )


#: In a snapshot: the start by which a cancellation is judged, because it was moved when it was late already.
_JUDGED_FROM = "judged_from"


def judged_from(snapshot: Mapping[str, Any], starts: datetime) -> dict[str, Any]:
    """Return a snapshot that remembers a start within the cut-off; the earliest one counts."""
    return {**snapshot, _JUDGED_FROM: min(starts, _judged(snapshot) or starts).isoformat()}


def is_late(snapshot: Mapping[str, Any], *, starts: datetime, now: datetime) -> bool:
    """Whether a cancellation would be late now."""
    starts = min(starts, _judged(snapshot) or starts)
    return starts - now < timedelta(hours=_policy(snapshot).cancel_cutoff_hours)


def _judged(snapshot: Mapping[str, Any]) -> datetime | None:
    text = snapshot.get(_JUDGED_FROM)
    return datetime.fromisoformat(text) if text else None


def _policy(snapshot: Mapping[str, Any]) -> Policy:
    return Policy.model_validate({name: value for name, value in snapshot.items() if name != _JUDGED_FROM})


def cancellation_terms(
    snapshot: Mapping[str, Any], *, starts: datetime, paid: int, now: datetime, by_business: bool = False
) -> Terms:
    """Return what comes back of what was paid; a business that cancels gives everything back."""
    policy = _policy(snapshot)
    passed = is_late(snapshot, starts=starts, now=now)
    percent = 100 if by_business else policy.refund_after_cutoff if passed else policy.refund_before_cutoff
    refund = paid * percent // 100
    if passed and not by_business:
        refund = max(0, refund - policy.late_fee)
    return Terms(refund=refund, fee=paid - refund, cutoff_passed=passed)


def may_still_move(snapshot: Mapping[str, Any], *, starts: datetime, now: datetime) -> bool:
    """Whether a customer may still move a booking: never once it has begun."""
    policy = _policy(snapshot)
    return starts > now and starts - now >= timedelta(hours=policy.change_cutoff_hours)


def due_for(payment: str, *, price: int, deposit: int) -> int:
    """Return what must be paid before a booking is confirmed; never more than its price."""
    rule = PaymentRule(payment)
    match rule:
        case PaymentRule.NONE:
            return 0
        case PaymentRule.DEPOSIT:
            return min(deposit, price)
        case PaymentRule.FULL:
            return price
        case _:
            assert_never(rule)
