"""What a business allows and charges: read once, frozen into each booking."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

from pydantic import BaseModel, ConfigDict, Field

from booking_core.models import PaymentRule
from booking_core.rules.grid import Grid


class Policy(BaseModel):
    """A business's rules of booking; every one has a value that harms nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Minutes that an unpaid time is kept.
    hold_minutes: int = Field(15, ge=5, le=120)
    #: Minutes before a start in which it can no longer be booked; exactly that long before is early enough.
    lead_time: int = Field(60, ge=0, le=60 * 24 * 90)
    #: Bookable are today and so many local days after it.
    booking_window: int = Field(60, ge=0, le=730)
    #: Hours before the start up to which a cancellation is early; exactly that long before is early enough.
    cancel_cutoff_hours: int = Field(24, ge=0, le=24 * 90)
    #: Percent of what was paid that comes back.
    refund_before_cutoff: int = Field(100, ge=0, le=100)
    refund_after_cutoff: int = Field(0, ge=0, le=100)
    #: Hours before the start in which the customer can no longer move a booking.
    change_cutoff_hours: int = Field(0, ge=0, le=24 * 90)
    grid: Grid = Grid.HOUR


@dataclass(frozen=True, slots=True)
class Terms:
    """What a cancellation means for the money, in minor units."""

    refund: int
    fee: int
    cutoff_passed: bool


def snapshot(policy: Policy) -> dict[str, Any]:
    """Return what a booking keeps of the policy under which it was made."""
    return policy.model_dump(
        mode="json",
        include={"cancel_cutoff_hours", "refund_before_cutoff", "refund_after_cutoff", "change_cutoff_hours"},
    )


def cancellation_terms(
    snapshot: Mapping[str, Any], *, starts: datetime, paid: int, now: datetime, by_business: bool = False
) -> Terms:
    """Return what comes back of what was paid; a business that cancels gives everything back."""
    policy = Policy.model_validate(dict(snapshot))
    passed = starts - now < timedelta(hours=policy.cancel_cutoff_hours)
    percent = 100 if by_business else policy.refund_after_cutoff if passed else policy.refund_before_cutoff
    refund = paid * percent // 100
    return Terms(refund=refund, fee=paid - refund, cutoff_passed=passed)


def may_still_move(snapshot: Mapping[str, Any], *, starts: datetime, now: datetime) -> bool:
    """Whether a customer may still move a booking: never once it has begun."""
    policy = Policy.model_validate(dict(snapshot))
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
