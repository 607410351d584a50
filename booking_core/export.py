"""A business from the tables into the file that describes it: loaded again, it makes the same tables."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.export_rows import Offer, read_offer
from booking_core.export_services import limits, service_facts
from booking_core.export_text import (
    InLine,
    InLineList,
    Quoted,
    amount,
    clock,
    days,
    filled,
    hours,
    moment,
    week,
    written,
)
from booking_core.models import Business, Location, Resource, Skill, Staff, TimeOff
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules.policy import Policy
from booking_core.rules.schedule import WallSpan
from booking_core.seed_model import Seed
from booking_core.seed_parts import MAIN


async def export_business(session: AsyncSession, slug: str, now: datetime) -> str:
    """Return a business as the text of its file: what is on offer, and the dates to come; refuses an unknown one."""
    business = await session.scalar(select(Business).where(Business.slug == slug))
    if business is None:
        raise BookingRefused(Reason.UNKNOWN, business=slug)
    offer = await read_offer(session, business, now)
    head = f"# {business.name}. Written by `threadbook export business {slug}`; `threadbook seed FILE` loads it.\n"
    return head + written(_sections(offer))


def _sections(offer: Offer) -> dict[str, Any]:
    sections = {
        "business": _business(offer.business),
        "locations": [_location(offer, one) for one in offer.locations.values()],
        "resources": [_resource(offer, one) for one in offer.resources.values()],
        "services": [service_facts(offer, one) for one in offer.services.values()],
        "staff": [_member(offer, one) for one in offer.staff.values()],
        "timetable": _timetable(offer),
    }
    _price_add_ons(offer, sections)
    return {name: value for name, value in sections.items() if value}


def _business(business: Business) -> dict[str, Any]:
    usual = Policy().model_dump(mode="json")
    policy = {
        key: int(value) if isinstance(value, float) and value == int(value) else value
        for key, value in Policy.model_validate(business.policy).model_dump(mode="json").items()
        if value != usual[key]
    }
    if "late_fee" in policy:
        policy["late_fee"] = amount(policy["late_fee"], business.currency)
    return filled(
        {
            "slug": business.slug,
            "name": business.name,
            "timezone": business.timezone,
            "currency": business.currency,
            "locale": business.default_locale,
            "policy": policy,
            "settings": business.settings,
        }
    )


def _location(offer: Offer, place: Location) -> dict[str, Any]:
    dates = _dates(offer, place.id, None)
    return filled(
        {
            "name": place.name,
            "address": place.address,
            "timezone": place.timezone if place.timezone != offer.business.timezone else None,
            "phone": place.phone,
            "currency": place.currency,
            "languages": InLineList(place.languages),
            "hours": week(offer.weekly(place.id)),
            "holidays": InLineList(day for day, spans in dates.items() if not spans),
            "dates": {day: hours(spans) for day, spans in dates.items() if spans},
        }
    )


def _resource(offer: Offer, resource: Resource) -> dict[str, Any]:
    return filled(
        {
            "kind": resource.kind,
            "name": resource.name,
            "names": InLine(resource.names),
            "units": resource.units if resource.units > 1 else None,
            "location": _elsewhere(offer, resource.location_id),
            "hours": week(offer.weekly(resource.id)),
            "time_off": _time_off(offer, resource.location_id, resource.id),
        }
    )


def _member(offer: Offer, member: Staff) -> dict[str, Any]:
    services: dict[str, list[Skill]] = {}
    for skill in offer.skills:
        if skill.staff_id == member.id:
            services.setdefault(offer.services[skill.service_id].name, []).append(skill)
    own = [one for one in offer.limits if one.staff_id == member.id and one.service_id is None]
    return filled(
        {
            "name": member.name,
            "aliases": InLineList(member.aliases),
            "location": _elsewhere(offer, member.location_id),
            "weight": member.weight if member.weight != 100 else None,
            "priority": member.priority,
            "services": {name: _skills(offer, member, skills) for name, skills in services.items()},
            "hours": week(offer.weekly(member.id)),
            "dates": {day: hours(spans) for day, spans in _dates(offer, member.location_id, member.id).items()},
            "time_off": _time_off(offer, member.location_id, member.id),
            "zones": [
                InLine(filled({"timezone": one.timezone, "first_day": one.first_day, "last_day": one.last_day}))
                for one in offer.zones
                if one.staff_id == member.id
            ],
            "limits": limits(own),
        }
    )


def _skills(offer: Offer, member: Staff, skills: list[Skill]) -> Any:
    currency = offer.currency(member.location_id)
    said = [
        InLine(
            filled(
                {
                    "role": None if skill.role in ("", MAIN) else skill.role,
                    "duration": skill.duration,
                    "price": amount(skill.price, currency) if skill.price is not None else None,
                }
            )
        )
        for skill in skills
    ]
    pair = [one for one in offer.limits if (one.staff_id, one.service_id) == (member.id, skills[0].service_id)]
    if pair:
        said[0]["limits"] = limits(pair)
    return said if len(said) > 1 else said[0] or None


def _elsewhere(offer: Offer, location_id: UUID) -> str | None:
    """Return the name of a place unless it is the first, which need not be named."""
    return None if location_id == next(iter(offer.locations)) else offer.locations[location_id].name


def _dates(offer: Offer, location_id: UUID, staff_id: UUID | None) -> dict[date, list[WallSpan]]:
    found: dict[date, list[WallSpan]] = {}
    for row in offer.dates:
        if row.staff_id == staff_id and (staff_id is not None or row.location_id == location_id):
            spans = found.setdefault(row.day, [])
            spans.extend((int(one["opens"]), int(one["closes"])) for one in row.spans)
    return found


def _time_off(offer: Offer, location_id: UUID, owner: UUID) -> list[InLine]:
    tz = offer.locations[location_id].timezone
    return [
        InLine(
            filled(
                {
                    "from": moment(one.starts, tz),
                    "until": moment(one.ends, tz, end=True),
                    "kind": one.kind if one.kind != "absence" else None,
                    "note": one.note,
                }
            )
        )
        for one in _once(offer.time_off)
        if owner in (one.staff_id, one.resource_id)
    ]


def _once(rows: Iterable[TimeOff]) -> list[TimeOff]:
    """Leave away time off that is entered twice."""
    found = {(one.staff_id, one.resource_id, one.starts, one.ends): one for one in rows}
    return list(found.values())


def _timetable(offer: Offer) -> list[InLine]:
    weekdays: dict[tuple[Any, ...], list[int]] = {}
    for one in offer.timetable:
        key = one.service_id, one.location_id, one.staff_id, one.minute, one.capacity, one.first_day, one.last_day
        weekdays.setdefault(key, []).append(one.weekday)
    return [
        InLine(
            filled(
                {
                    "service": offer.services[service].name,
                    "location": offer.locations[location].name if len(offer.locations) > 1 else None,
                    "staff": offer.staff[staff].name if staff in offer.staff else None,
                    "day": Quoted(days(found)) if len(found) > 1 else days(found),
                    "time": clock(minute),
                    "capacity": capacity,
                    "first_day": first,
                    "last_day": last,
                }
            )
        )
        for (service, location, staff, minute, capacity, first, last), found in weekdays.items()
    ]


def _price_add_ons(offer: Offer, sections: dict[str, Any]) -> None:
    """Write the prices of add-ons in the currency of where their service can be had."""
    priced = {one["name"]: one for one in sections["services"] if "add_ons" in one}
    amounts = [(name, add_on, add_on.pop("price", 0)) for name, one in priced.items() for add_on in one["add_ons"]]
    try:
        seed: Seed | None = Seed.model_validate(sections)
    except ValidationError:
        seed = None  # said when the file is loaded
    for name, add_on, price in amounts:
        if price:
            currency = seed.add_on_currency(seed.by_name[name]) if seed is not None else offer.business.currency
            add_on["price"] = amount(price, currency)
