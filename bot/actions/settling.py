"""What the form need not ask: filled in where there is nothing to choose, asked where there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from booking_core.intake import questions_of
from booking_core.models import Location, Service, Unit
from booking_core.planning import most_people, places_for
from booking_core.refusals import BookingRefused
from booking_core.requests import VisitRequest
from booking_core.rules.questions import open_questions
from bot.actions import cards, parts, visits, wish
from bot.actions.contract import Draft, Turn

#: What must be known before free times can be looked up.
BEFORE_TIMES = ("service", "place", "people", "units")
DONE = "done"


@dataclass(slots=True)
class Settled:
    """Slots that were filled in, and what must be said about it."""

    remember: dict[str, Any] = field(default_factory=dict)
    say: list[Mapping[str, Any]] = field(default_factory=list)


def settle(turn: Turn, slots: Mapping[str, Any]) -> Settled:
    """Fill in place, people, units and details as far as the catalog leaves no choice; pure but for `turn.place`."""
    found = Settled()
    draft = Draft.of(slots, turn.catalog)
    if draft.service is None:
        return found
    if draft.task != "book":
        # A booking that is there has all of it; only its own place matters, and what an offer left open.
        turn.place = draft.place or turn.place
        if draft.task == "answer":
            asked = open_questions(questions_of(turn.catalog, _request(turn, slots)), draft.answers)
            found.remember["details"] = None if asked else DONE
        return found
    _settle_place(turn, draft, found)
    _settle_people(turn, slots, draft, found)
    _settle_units(turn, draft, found)
    merged = {**slots, **found.remember}
    if is_known(merged):
        asked = open_questions(questions_of(turn.catalog, _request(turn, merged)), draft.answers)
        found.remember["details"] = None if asked else DONE
    return found


def is_known(slots: Mapping[str, Any]) -> bool:
    """Whether free times can be looked up."""
    return all(slots.get(name) is not None for name in BEFORE_TIMES)


def _request(turn: Turn, slots: Mapping[str, Any]) -> VisitRequest:
    return visits.wanted(turn.catalog, Draft.of(slots, turn.catalog))


def places_of(turn: Turn, draft: Draft) -> list[Location]:
    """Return the places that offer everything in the visit; with the person asked for, where that person works."""
    request = VisitRequest(service_ids=tuple(one.id for one in draft.services))
    try:
        able = list(places_for(turn.catalog, request))
    except BookingRefused:
        return []
    if draft.staff is not None and any(one.id == draft.staff.location_id for one in able):
        return [one for one in able if one.id == draft.staff.location_id]
    there = parts.together_at(turn, replace(request, staff_by_service=draft.staff_by_service))
    return [one for one in able if one.id in there] or able


def _settle_place(turn: Turn, draft: Draft, found: Settled) -> None:
    places = places_of(turn, draft)
    place = draft.place
    if place is not None and places and place.id not in {one.id for one in places}:
        found.say.append(
            turn.say(
                "place.only",
                act="info",
                service=visits_name(turn, draft),
                place=places[0].name if len(places) == 1 else place.name,
            )
            if len(places) == 1
            else turn.say("place.not_there", act="info", service=visits_name(turn, draft), place=place.name)
        )
        place = None
    if place is None and len(places) == 1:
        place = places[0]
    if not places:
        place = place or turn.catalog.locations[0]
    found.remember["place"] = str(place.id) if place is not None else None
    turn.place = place


def visits_name(turn: Turn, draft: Draft) -> str:
    """Return what the draft's services are called together."""
    return cards.visit_name(turn, [one.id for one in draft.services])


def most_of(turn: Turn, draft: Draft) -> int:
    """Return how many may come with one booking."""
    return most_people(turn.catalog, VisitRequest(service_ids=tuple(one.id for one in draft.services)))


def _settle_people(turn: Turn, slots: Mapping[str, Any], draft: Draft, found: Settled) -> None:
    most = most_of(turn, draft)
    several = bool((slots.get("memo") or {}).get("several"))
    # Who takes a room may bring whom they like: that is no number of bookings.
    lent = draft.service is not None and draft.service.unit != Unit.VISIT
    people, key = people_for(draft.people, most=most, several=several, lent=lent)
    if people != draft.people:
        found.remember["people"] = people
    if key is not None:
        found.say.append(turn.say(key, act="info", service=visits_name(turn, draft), most=most))


def people_for(said: int | None, *, most: int, several: bool, lent: bool) -> tuple[int | None, str | None]:
    """Return for how many times are looked up, None if that must be asked, and what must be said about it."""
    if said is not None and said > most:
        return (None, "people.too_many") if most > 1 else (1, None if lent else "people.alone")
    if said is None and not (several and most > 1):
        return 1, "people.alone" if several and not lent else None
    return said, None


def _settle_units(turn: Turn, draft: Draft, found: Settled) -> None:
    service = draft.service
    assert service is not None  # noqa: S101 - the caller has looked
    if service.unit == Unit.VISIT or service.units_min == service.units_max:
        found.remember["units"] = service.units_min
        return
    units = draft.units or wish.units_said(draft.when, service.unit) or units_of(draft.memo.get("length"), service.unit)
    if units is not None and not service.units_min <= units <= service.units_max:
        found.say.append(_how_long(turn, service))
        units = None
    found.remember["units"] = units


def _how_long(turn: Turn, service: Service) -> Mapping[str, Any]:
    return turn.say(
        "units.from_to",
        act="info",
        service=turn.service_name(service),
        least=service.units_min,
        most=length(turn, service.unit, service.units_max),
    )


def units_of(said: Sequence[Any] | None, unit: str) -> int | None:
    """Return a length that was said ("two hours", "a week") in the units that a service is sold by."""
    if not said:
        return None
    count, of = int(said[0]), str(said[1])
    if of == "week" and unit in {Unit.DAY, Unit.NIGHT}:
        return 7 * count
    if of == "minute" and unit == Unit.HOUR:
        return -(-count // 60)
    return count if of == unit else None


def length(turn: Turn, unit: str, count: int) -> str:
    """Return `2 hours`, `3 days` or `1 night`."""
    return turn.words.text(turn.locale, f"units.{unit}", count)
