"""What a request costs with whom and where, from the catalog."""

from uuid import UUID

from booking_core.catalog import Catalog
from booking_core.models import PaymentRule, Unit
from booking_core.requests import VisitRequest
from booking_core.rules.plan import Placement
from booking_core.rules.pricing import Item, Price, price_of


def quote(
    catalog: Catalog,
    wanted: VisitRequest,
    *,
    staff_id: UUID | None = None,
    location_id: UUID | None = None,
    placement: Placement | None = None,
) -> Price:
    """Return price and what is due; with a placement, of those who really do each part.

    A visit of several parts has its own price, whoever does them; services asked for one by one add up.
    """
    by_service = (
        {part.service_id: part.staff[0] for part in placement.parts if part.staff} if placement is not None else {}
    )
    place = placement.location_id if placement is not None else location_id
    units = wanted.units if catalog.service(wanted.service_id).unit != Unit.VISIT else 1
    items: list[Item] = []
    for service_id in wanted.service_ids:
        service = catalog.service(service_id)
        whole = bool(catalog.segments(service_id))
        own_add_ons = [one for one in catalog.add_ons(service_id) if one.id in wanted.add_on_ids]
        parts = [one for segment in catalog.segments(service_id) for one in catalog.add_ons(segment.part_id)]
        own_add_ons += [one for one in parts if one.id in wanted.add_on_ids]
        items.append(
            Item(
                price=catalog.price(service_id, None if whole else by_service.get(service_id, staff_id), place),
                deposit=catalog.deposit(service_id, place),
                payment=PaymentRule(service.payment),
                extras=sum(one.price for one in own_add_ons),
            )
        )
    return price_of(items, party=wanted.party, units=units)
