"""What a visit costs and what of it is due before it is firm: small pure steps, in minor units."""

from collections.abc import Iterable
from dataclasses import dataclass

from booking_core.models import PaymentRule
from booking_core.rules.policy import due_for


@dataclass(frozen=True, slots=True)
class Item:
    """One service of a visit: its price and deposit for one person and one unit, and how it is paid."""

    price: int
    deposit: int
    payment: PaymentRule
    #: Add-ons, for one person.
    extras: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """The whole, and what is due of it beforehand."""

    total: int
    due: int


def price_of(items: Iterable[Item], *, party: int, units: int) -> Price:
    """Return what everybody pays together; `units` multiplies the service, not its add-ons."""
    total = due = 0
    for item in items:
        price = (item.price * units + item.extras) * party
        total += price
        due += due_for(item.payment, price=price, deposit=item.deposit * units * party)
    return Price(total, due)
