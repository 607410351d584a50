"""Services as their file describes them."""

from typing import Any

from booking_core.export_rows import Offer
from booking_core.export_text import InLine, InLineList, amount, clock, filled, hours
from booking_core.models import BookingLimit, Covers, Service, ServiceAt, Unit
from booking_core.rules.questions import Question, read_questions
from booking_core.seed_model import LENGTHS
from booking_core.seed_parts import EVERYONE, MAIN, NOBODY, NOT_OFFERED


def service_facts(offer: Offer, service: Service) -> dict[str, Any]:
    """Return one service's keys, as far as they say something; prices of add-ons in minor units still."""
    currency = offer.business.currency
    segments = [one for one in offer.segments if one.service_id == service.id]
    unit = Unit(service.unit)
    sold_by = None if unit == Unit.VISIT else unit.value
    usual = bool(segments) or service.duration == LENGTHS.get(unit)
    facts = {
        "name": service.name,
        "names": InLine(service.names),
        "synonyms": words(service.synonyms),
        "category": service.category,
        "duration": None if usual else service.duration,
        "processing_from": service.processing_from or None,
        "processing": service.processing or None,
        "buffer_before": service.buffer_before or None,
        "buffer_after": service.buffer_after or None,
        "slot_interval": service.slot_interval if service.slot_interval != 15 else None,
        "slot_offset": service.slot_offset or None,
        "unit": sold_by,
        "units_min": service.units_min if service.units_min > 1 else None,
        "units_max": service.units_max if sold_by else None,
        "day_from": clock(service.day_from) if service.day_from is not None else None,
        "day_until": clock(service.day_until) if service.day_until is not None else None,
        "capacity": service.capacity if service.capacity > 1 else None,
        "max_party": service.max_party if service.max_party > 1 else None,
        "staff": None if segments else _staff(service),
        "needs": InLine(
            (need.kind, need.units)
            if need.covers == Covers.VISIT
            else (need.kind, filled({"units": need.units if need.units > 1 else None, "covers": need.covers}))
            for need in offer.needs
            if need.service_id == service.id
        ),
        "segments": [
            InLine(
                filled(
                    {
                        "service": offer.services[one.part_id].name,
                        "max_wait": one.max_wait or None,
                        "same_staff": one.same_staff,
                    }
                )
            )
            for one in segments
        ],
        "approval": service.approval,
        "lead_time": service.lead_time,
        "booking_window": service.booking_window,
        "price": amount(service.price, currency) if service.price or segments else None,
        "deposit": amount(service.deposit, currency) if service.deposit else None,
        "payment": service.payment if service.payment != "none" else None,
        "preparation": dict(service.preparation),
        "questions": [_question(one) for one in read_questions(service.questions)],
        "add_ons": [
            filled(
                {
                    "name": one.name,
                    "names": InLine(one.names),
                    "synonyms": words(one.synonyms),
                    "minutes": one.minutes or None,
                    "price": one.price or None,
                }
            )
            for one in offer.add_ons
            if one.service_id == service.id
        ],
        "at": {
            offer.locations[one.location_id].name: _at(offer, one)
            for one in offer.places
            if one.service_id == service.id
        },
        "limits": limits([one for one in offer.limits if one.service_id == service.id and one.staff_id is None]),
    }
    return filled(facts)


def _staff(service: Service) -> Any:
    if service.everyone:
        return EVERYONE
    if not service.staff_roles:
        return NOBODY
    return None if service.staff_roles == [""] else InLineList(role or MAIN for role in service.staff_roles)


def _at(offer: Offer, one: ServiceAt) -> Any:
    if not one.offered:
        return NOT_OFFERED
    currency = offer.currency(one.location_id)
    return InLine(
        filled(
            {
                "price": amount(one.price, currency) if one.price is not None else None,
                "deposit": amount(one.deposit, currency) if one.deposit is not None else None,
            }
        )
    )


def _question(question: Question) -> dict[str, Any]:
    return filled(
        {
            "key": question.key,
            "text": dict(question.text),
            "kind": question.kind.value if question.kind.value != "text" else None,
            "choices": {choice.key: InLine(choice.text) for choice in question.choices},
            "when": InLine(
                (key, values[0] if len(values) == 1 else InLineList(values)) for key, values in question.when.items()
            ),
        }
    ) | ({} if question.required else {"required": False})


def words(by_language: dict[str, Any]) -> dict[str, Any]:
    """Return lists of words by language."""
    return {language: InLineList(names) for language, names in by_language.items()}


def limits(rows: list[BookingLimit]) -> InLine:
    """Return limits by period."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        between = hours([(row.opens, row.closes)]) if row.opens is not None and row.closes is not None else None
        said = InLine(count=row.count, between=between) if between is not None else row.count
        found.setdefault(row.period, []).append(said)
    return InLine((period, said[0] if len(said) == 1 else InLineList(said)) for period, said in found.items())
