"""What the API shows of a business: places, services, people, rooms."""

from typing import Any
from uuid import UUID

from pydantic import Field

from booking_core.catalog import Catalog
from booking_core.models import AddOn, Location, Resource, Service, Staff
from bot.api.fields import MoneyOut, Shown


class BusinessOut(Shown):
    """The business that the token speaks for."""

    id: UUID
    slug: str = Field(examples=["corte"])
    name: str
    timezone: str = Field(examples=["Europe/Madrid"])
    currency: str = Field(examples=["EUR"])
    locale: str = Field(examples=["es"])
    policy: dict[str, Any] = Field(description="Rules of booking: hold, lead time, window, cancellation.")


class LocationOut(Shown):
    """A place; its time zone is the one that its hours are told in."""

    id: UUID
    name: str
    address: str
    timezone: str
    phone: str | None
    currency: str
    languages: list[str]


class AddOnOut(Shown):
    """Something extra with a service."""

    id: UUID
    name: str
    names: dict[str, str] = Field(description="Language -> name.")
    minutes: int
    price: MoneyOut


class ServicePartOut(Shown):
    """One of the services that a visit is made of, in order."""

    service_id: UUID
    max_wait: int = Field(description="Minutes that may pass before it begins.")
    same_staff: bool


class NeedOut(Shown):
    """A kind of resource that a service needs."""

    kind: str = Field(examples=["room"])
    units: int


class ServiceOut(Shown):
    """What is sold."""

    id: UUID
    name: str
    names: dict[str, str] = Field(description="Language -> name.")
    category: str | None
    duration: int = Field(description="Minutes that the customer is there, for one unit.", examples=[45])
    unit: str = Field(description="visit, hour, day or night: what `units` counts.")
    units_min: int
    units_max: int
    capacity: int = Field(description="Seats of a class; 1: no class.")
    max_party: int
    price: MoneyOut = Field(description="For one unit and one person; a person or a place may have another.")
    deposit: MoneyOut
    payment: str = Field(description="none, deposit or full: what must be paid before it is confirmed.")
    approval: bool = Field(description="A person at the business must agree first.")
    staff_ids: list[UUID] = Field(description="Who does it.")
    location_ids: list[UUID] = Field(description="Where it is offered.")
    parts: list[ServicePartOut]
    add_ons: list[AddOnOut]
    needs: list[NeedOut]
    questions: list[dict[str, Any]] = Field(
        description="Intake questions, its own and those of its parts; answers go into `answers` by `key`."
    )


class StaffOut(Shown):
    """A person who performs services."""

    id: UUID
    name: str
    location_id: UUID
    service_ids: list[UUID]


class ResourceOut(Shown):
    """A room, a chair, a machine."""

    id: UUID
    kind: str
    name: str
    location_id: UUID
    units: int = Field(description="How many of the same there are.")


def show_business(catalog: Catalog) -> BusinessOut:
    """Return the business."""
    business = catalog.business
    return BusinessOut(
        id=business.id,
        slug=business.slug,
        name=business.name,
        timezone=business.timezone,
        currency=business.currency,
        locale=business.default_locale,
        policy=catalog.policy.model_dump(mode="json"),
    )


def show_location(catalog: Catalog, one: Location) -> LocationOut:
    """Return a place."""
    return LocationOut(
        id=one.id,
        name=one.name,
        address=one.address,
        timezone=one.timezone,
        phone=one.phone,
        currency=catalog.currency(one.id),
        languages=one.languages,
    )


def show_service(catalog: Catalog, one: Service) -> ServiceOut:
    """Return a service with everything that a booking of it may name."""
    return ServiceOut(
        id=one.id,
        name=one.name,
        names=one.names,
        category=one.category,
        duration=catalog.duration(one.id),
        unit=one.unit,
        units_min=one.units_min,
        units_max=one.units_max,
        capacity=one.capacity,
        max_party=one.max_party,
        price=MoneyOut(amount=one.price, currency=catalog.business.currency),
        deposit=MoneyOut(amount=one.deposit, currency=catalog.business.currency),
        payment=one.payment,
        approval=one.approval,
        staff_ids=list(catalog.staff_for(one.id)),
        location_ids=[place.id for place in catalog.locations if catalog.offered_at(one.id, place.id)],
        parts=[
            ServicePartOut(service_id=part.part_id, max_wait=part.max_wait, same_staff=part.same_staff)
            for part in catalog.segments(one.id)
        ],
        add_ons=[_show_add_on(catalog, extra) for extra in catalog.add_ons(one.id)],
        needs=[NeedOut(kind=need.kind, units=need.units) for need in catalog.needs(one.id)],
        questions=_questions(catalog, one),
    )


def show_staff(catalog: Catalog, one: Staff) -> StaffOut:
    """Return a person."""
    able = [service.id for service in catalog.services if one.id in catalog.staff_for(service.id)]
    return StaffOut(id=one.id, name=one.name, location_id=one.location_id, service_ids=able)


def show_resource(catalog: Catalog, one: Resource) -> ResourceOut:
    """Return a room, a chair or a machine."""
    return ResourceOut(id=one.id, kind=one.kind, name=one.name, location_id=one.location_id, units=one.units)


def _questions(catalog: Catalog, one: Service) -> list[dict[str, Any]]:
    """Return what is asked of whoever books it, each once, as `booking_core.intake` asks it."""
    asked_by = [one, *(catalog.service(part.part_id) for part in catalog.segments(one.id))]
    return list({question["key"]: question for service in asked_by for question in service.questions}.values())


def _show_add_on(catalog: Catalog, one: AddOn) -> AddOnOut:
    return AddOnOut(
        id=one.id,
        name=one.name,
        names=one.names,
        minutes=one.minutes,
        price=MoneyOut(amount=one.price, currency=catalog.business.currency),
    )
