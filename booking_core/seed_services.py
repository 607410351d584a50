"""Services of a business's file into the tables, with their parts, places, needs and add-ons."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.models import AddOn, Business, Location, Segment, Service, ServiceAt, ServiceResource
from booking_core.rules.questions import read_answer
from booking_core.seed_model import Seed
from booking_core.seed_parts import SeedService
from booking_core.seed_rows import Facts, keep, named, rows_of, write
from booking_core.seed_values import minor


async def load_services(
    session: AsyncSession, business: Business, seed: Seed, locations: Mapping[str, Location]
) -> dict[str, Service]:
    """Load the services; return those of the file by name."""
    known = await named(session, Service, business.id, seed.by_name)
    services: dict[str, Service] = {}
    for position, wanted in enumerate(seed.services):
        service = known.get(wanted.name)
        facts = _facts(seed, wanted) | {"position": position, "active": True}
        if service is None:
            service = Service(business_id=business.id, id=new_id(), name=wanted.name, **facts)
            session.add(service)
        else:
            write(service, facts)
        services[wanted.name] = service
    await session.flush()
    await _load_details(session, business, seed, locations, services)
    await _load_add_ons(session, business, seed, services)
    return services


def _facts(seed: Seed, wanted: SeedService) -> dict[str, object]:
    return {
        "names": dict(wanted.names),
        "synonyms": {language: list(names) for language, names in wanted.synonyms.items()},
        "category": wanted.category,
        "duration": seed.duration(wanted),
        "processing_from": wanted.processing_from,
        "processing": wanted.processing,
        "buffer_before": wanted.buffer_before,
        "buffer_after": wanted.buffer_after,
        "slot_interval": wanted.slot_interval,
        "slot_offset": wanted.slot_offset,
        "unit": wanted.unit.value,
        "units_min": wanted.units_min,
        "units_max": wanted.units_max or 1,
        "day_from": wanted.day_from,
        "day_until": wanted.day_until,
        "capacity": wanted.capacity,
        "max_party": wanted.max_party,
        "staff_roles": wanted.roles,
        "everyone": wanted.everyone,
        "approval": wanted.approval,
        "lead_time": wanted.lead_time,
        "booking_window": wanted.booking_window,
        "price": seed.price_minor(wanted),
        "deposit": seed.deposit_minor(wanted),
        "payment": wanted.payment.value,
        "preparation": dict(wanted.preparation),
        "questions": _questions(wanted),
    }


def _questions(wanted: SeedService) -> list[dict[str, Any]]:
    """Return the questions as they are kept: conditions say true where the file says yes."""
    known = {question.key: question for question in wanted.questions}
    return [
        question.model_dump(mode="json")
        | {"when": {key: [read_answer(known[key], one) for one in values] for key, values in question.when.items()}}
        for question in wanted.questions
    ]


async def _load_details(
    session: AsyncSession,
    business: Business,
    seed: Seed,
    locations: Mapping[str, Location],
    services: Mapping[str, Service],
) -> None:
    """Load what hangs on services; of services that are offered no more it stays as it was."""
    ours = {service.id for service in services.values()}
    segments = [one for one in await rows_of(session, Segment, business.id) if one.service_id in ours]
    places = [one for one in await rows_of(session, ServiceAt, business.id) if one.service_id in ours]
    needs = [one for one in await rows_of(session, ServiceResource, business.id) if one.service_id in ours]
    parts: list[Facts] = []
    at: list[Facts] = []
    needed: list[Facts] = []
    for wanted in seed.services:
        whose = {"business_id": business.id, "service_id": services[wanted.name].id}
        parts += [
            {
                **whose,
                "position": position,
                "part_id": services[one.service].id,
                "max_wait": one.max_wait,
                "same_staff": one.same_staff,
            }
            for position, one in enumerate(wanted.segments)
        ]
        at += [{**whose, **facts} for facts in _places(seed, wanted, locations)]
        needed += [
            {**whose, "kind": kind, "units": need.units, "covers": need.covers.value}
            for kind, need in wanted.needs.items()
        ]
    await keep(session, Segment, segments, ("service_id", "position"), parts)
    await keep(session, ServiceAt, places, ("service_id", "location_id"), at)
    await keep(session, ServiceResource, needs, ("service_id", "kind"), needed)


def _places(seed: Seed, wanted: SeedService, locations: Mapping[str, Location]) -> Iterator[Facts]:
    """Yield what differs at each place; a deposit in percent is one of the price there."""
    for place, own in wanted.at.items():
        price = minor(own.price, seed.currency(place)) if own.price is not None else None
        own_share = own.price is not None and wanted.deposit.percent is not None
        deposit = seed.deposit_minor(wanted, place) if own.deposit is not None or own_share else None
        if not own.offered or price is not None or deposit is not None:
            yield {
                "location_id": locations[place].id,
                "offered": own.offered,
                "price": price,
                "deposit": deposit,
            }


async def _load_add_ons(session: AsyncSession, business: Business, seed: Seed, services: Mapping[str, Service]) -> None:
    """Load add-ons; bookings name them, so one that the file no longer names is only offered no more."""
    known = {(one.service_id, one.name): one for one in await rows_of(session, AddOn, business.id)}
    for wanted in seed.services:
        service = services[wanted.name]
        currency = seed.add_on_currency(wanted)
        for position, one in enumerate(wanted.add_ons):
            add_on = known.pop((service.id, one.name), None)
            facts = {
                "names": dict(one.names),
                "synonyms": {language: list(names) for language, names in one.synonyms.items()},
                "minutes": one.minutes,
                "price": minor(one.price, currency),
                "position": position,
                "active": True,
            }
            if add_on is None:
                session.add(AddOn(business_id=business.id, id=new_id(), service_id=service.id, name=one.name, **facts))
            else:
                write(add_on, facts)
    for add_on in known.values():
        write(add_on, {"active": False})
    await session.flush()
