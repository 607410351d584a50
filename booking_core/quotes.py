"""What a request costs with whom and where, from the catalog."""

from uuid import UUID

from booking_core.catalog import Catalog, remembered
from booking_core.models import PaymentRule, Unit
from booking_core.refusals import BookingRefused, Reason
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
    """Return price and what is due; with a placement, of those who really do each part, else of those wished for.

    A visit of several parts has its own price, whoever does them; services asked for one by one add up.
    """
    place = placement.location_id if placement is not None else location_id
    parts = placement.parts if placement is not None else ()
    doing = tuple((part.service_id, part.person, part.staff[0]) for part in parts if part.staff)
    return _quote(catalog, wanted, staff_id, place, doing)


#: Who does which service for whom of those who come.
_Doing = tuple[tuple[UUID, int, UUID], ...]


@remembered
def _quote(catalog: Catalog, wanted: VisitRequest, staff_id: UUID | None, place: UUID | None, doing: _Doing) -> Price:
    units = wanted.units if catalog.service(wanted.service_id).unit != Unit.VISIT else 1
    named = dict(wanted.staff_by_service)
    items: list[Item] = []
    for service_id in wanted.service_ids:
        sold = (service_id, *(part.part_id for part in catalog.segments(service_id)))
        extras = [one.price for whose in sold for one in catalog.add_ons(whose) if one.id in wanted.add_on_ids]
        items.append(
            Item(
                prices=_prices(catalog, wanted, service_id, named.get(service_id, staff_id), place, doing),
                deposit=catalog.deposit(service_id, place),
                payment=PaymentRule(catalog.service(service_id).payment),
                extras=sum(extras),
            )
        )
    return price_of(items, units=units)


def check_add_ons(catalog: Catalog, wanted: VisitRequest) -> None:
    """Refuse extras that none of the visit's services has."""
    if not wanted.add_on_ids:
        return
    sold = {
        one.id
        for service_id in wanted.service_ids
        for whose in (service_id, *(part.part_id for part in catalog.segments(service_id)))
        for one in catalog.add_ons(whose)
    }
    for add_on_id in wanted.add_on_ids:
        if add_on_id not in sold:
            raise BookingRefused(Reason.UNKNOWN, add_on=str(add_on_id))


def _prices(
    catalog: Catalog,
    wanted: VisitRequest,
    service_id: UUID,
    staff_id: UUID | None,
    place: UUID | None,
    doing: _Doing,
) -> list[int]:
    """Return what each of those who come pays: by who does it for them, where that is known."""
    if catalog.segments(service_id):
        return [catalog.price(service_id, None, place)] * wanted.party
    leads = {person: who for service, person, who in doing if service == service_id}
    if len(leads) <= 1:  # alone, or a class: one for all
        staff_id = next(iter(leads.values()), staff_id)
        return [catalog.price(service_id, staff_id, place)] * wanted.party
    return [catalog.price(service_id, leads.get(person, staff_id), place) for person in range(wanted.party)]
