"""What a visit costs and what of it is due before it is firm: small pure steps, in minor units."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from booking_core.models import PaymentRule
from booking_core.rules.policy import due_for


@dataclass(frozen=True, slots=True)
class Item:
    """One service of a visit: what each person pays for one unit, the deposit for one, and how it is paid."""

    prices: Sequence[int]
    deposit: int
    payment: PaymentRule
    #: Add-ons, for one person.
    extras: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """The whole, and what is due of it beforehand."""

    total: int
    due: int


def price_of(items: Iterable[Item], *, units: int) -> Price:
    """Return what everybody pays together; `units` multiplies the service, not its add-ons."""
    total = due = 0
    for item in items:
        people = len(item.prices)
        price = sum(item.prices) * units + item.extras * people
        total += price
        due += due_for(item.payment, price=price, deposit=item.deposit * units * people)
    return Price(total, due)
