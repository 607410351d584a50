"""Reading what a business offers: business, locations, services, staff, resources."""

from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Response

from booking_core.catalog import Catalog
from booking_core.refusals import BookingRefused, Reason
from bot.api.call import Call, reads
from bot.api.fields import Page
from bot.api.shapes_catalog import (
    BusinessOut,
    LocationOut,
    ResourceOut,
    ServiceOut,
    StaffOut,
    show_business,
    show_location,
    show_resource,
    show_service,
    show_staff,
)
from bot.api.tokens import Scope

_Reader = Annotated[Call, reads(Scope.CATALOG_READ)]
Row = TypeVar("Row")


def add_routes(router: APIRouter) -> None:
    """Add the catalog: short lists, whole, with one ETag until anything of it changes."""

    @router.get("/business", tags=["catalog"])
    async def read_business(call: _Reader, response: Response) -> BusinessOut:
        """The business that the token speaks for, with its rules."""
        return show_business(await _tagged(call, response))

    @router.get("/locations", tags=["catalog"])
    async def list_locations(call: _Reader, response: Response) -> Page[LocationOut]:
        """All places, in the house's order."""
        catalog = await _tagged(call, response)
        return Page(items=[show_location(catalog, one) for one in catalog.locations])

    @router.get("/services", tags=["catalog"])
    async def list_services(call: _Reader, response: Response) -> Page[ServiceOut]:
        """All services on offer, in the house's order."""
        catalog = await _tagged(call, response)
        return Page(items=[show_service(catalog, one) for one in catalog.services])

    @router.get("/services/{service_id}", tags=["catalog"])
    async def read_service(call: _Reader, response: Response, service_id: UUID) -> ServiceOut:
        """One service, also one that is not offered any more."""
        catalog = await _tagged(call, response)
        return show_service(catalog, known(catalog.service, service_id, "service"))

    @router.get("/staff", tags=["catalog"])
    async def list_staff(call: _Reader, response: Response, service_id: UUID | None = None) -> Page[StaffOut]:
        """Everybody who works here, or who does one service."""
        catalog = await _tagged(call, response)
        able: Iterable[UUID] | None = None if service_id is None else catalog.staff_for(service_id)
        return Page(items=[show_staff(catalog, one) for one in catalog.staff if able is None or one.id in able])

    @router.get("/staff/{staff_id}", tags=["catalog"])
    async def read_staff(call: _Reader, response: Response, staff_id: UUID) -> StaffOut:
        """One person, also one who has left."""
        catalog = await _tagged(call, response)
        return show_staff(catalog, known(catalog.staff_member, staff_id, "staff"))

    @router.get("/resources", tags=["catalog"])
    async def list_resources(call: _Reader, response: Response) -> Page[ResourceOut]:
        """Rooms, chairs and machines."""
        catalog = await _tagged(call, response)
        return Page(items=[show_resource(catalog, one) for one in catalog.resources])


def known(find: Callable[[UUID], Row], row_id: UUID, what: str) -> Row:
    """Return a row of the catalog; refuses one that is not this business's."""
    try:
        return find(row_id)
    except KeyError:
        raise BookingRefused(Reason.UNKNOWN, **{what: str(row_id)}) from None


async def _tagged(call: Call, response: Response) -> Catalog:
    catalog = await call.catalog()
    response.headers["ETag"] = f'"{catalog.version}"'
    response.headers["Cache-Control"] = "private, no-cache"
    return catalog
