"""What is wrong with services as a file describes them: lengths, money, who and what they need."""

from collections.abc import Iterator, Sequence

from booking_core.models import PaymentRule, Unit
from booking_core.rules.questions import AnswerRefused, Kind, Question, read_answer
from booking_core.seed_check_timetable import limit_problems
from booking_core.seed_model import Seed
from booking_core.seed_parts import MAIN, SeedAt, SeedSegment, SeedService
from booking_core.seed_values import Deposit, finer_than_coins
from booking_core.seed_yaml import Problem

Where = tuple[str | int, ...]

#: What a visit of several parts leaves to its parts.
_OF_PARTS = (
    "duration", "processing_from", "processing", "buffer_before", "buffer_after", "unit", "units_min", "units_max",
    "day_from", "day_until", "capacity", "staff", "needs",
)  # fmt: skip


def service_problems(seed: Seed) -> Iterator[Problem]:
    """Yield what is wrong with each service."""
    for at, service in enumerate(seed.services):
        where: Where = ("services", at)
        if service.segments:
            yield from _segments(seed, service, where)
        else:
            yield from _length(service, where)
            yield from _units(service, where)
            yield from _class(service, where)
            yield from _needs(seed, service, where)
            yield from _roles(seed, service, where)
        yield from _money(seed, service, where)
        yield from _questions(service.questions, (*where, "questions"))
        yield from limit_problems(service.limits, (*where, "limits"))


def _segments(seed: Seed, service: SeedService, where: Where) -> Iterator[Problem]:
    for key in _OF_PARTS:
        if key in service.model_fields_set:
            yield Problem((*where, key), "a visit of several parts leaves this to its parts")
    at: Where = (*where, "segments")
    if len(service.segments) < 2:
        yield Problem(at, "a visit of several parts has two or more")
    for number, add_on in enumerate(service.add_ons):
        if add_on.minutes:
            yield Problem((*where, "add_ons", number, "minutes"), "more minutes are added at one of the parts")
    for number, segment in enumerate(service.segments):
        before = seed.by_name[service.segments[number - 1].service] if number else None
        yield from _segment(seed, service, segment, before, (*at, number))
    if not any(part.segments for part in seed.parts(service)) and not seed.done_at(service):
        yield Problem(at, "there is no place at which all of these can be had")


def _segment(
    seed: Seed, service: SeedService, segment: SeedSegment, before: SeedService | None, where: Where
) -> Iterator[Problem]:
    part = seed.by_name[segment.service]
    if part.segments:
        yield Problem(where, _nested(seed, service, part))
    elif part.is_class:
        yield Problem(where, f"{part.name} is a class: a part of a visit must be a visit")
    elif part.unit != Unit.VISIT:
        yield Problem(where, f"{part.name} is sold by the {part.unit.value}: a part of a visit must be a visit")
    if before is None:
        if segment.max_wait or segment.same_staff:
            yield Problem(where, "the first part comes after nothing: leave max_wait and same_staff away")
    elif segment.same_staff and not _doers(seed, part) & _doers(seed, before):
        yield Problem((*where, "same_staff"), f"nobody does both {before.name} and {part.name}")


def _nested(seed: Seed, service: SeedService, part: SeedService) -> str:
    way = [service.name]
    waiting = [(part, [service.name, part.name])]
    seen: set[str] = set()
    while waiting:
        one, way = waiting.pop()
        if one.name == service.name:
            return f"the parts go in a circle: {' - '.join(way)}"
        if one.name not in seen:
            seen.add(one.name)
            waiting.extend((inner, [*way, inner.name]) for inner in seed.parts(one))
    return f"{part.name} is itself made of parts: name those instead"


def _doers(seed: Seed, service: SeedService) -> set[str]:
    return {member.name for there in seed.able.get(service.name, {}).values() for member, _ in there}


def _length(service: SeedService, where: Where) -> Iterator[Problem]:
    if service.duration is None and service.unit == Unit.VISIT:
        yield Problem((*where, "duration"), "duration is missing: how many minutes it takes")
        return
    if service.processing and service.duration is not None:
        if not service.processing_from:
            yield Problem((*where, "processing"), "say in processing_from how many minutes after the start it begins")
        elif service.processing_from + service.processing > service.duration:
            yield Problem((*where, "processing"), f"processing ends after the {service.duration} minutes of the visit")
    elif service.processing_from:
        yield Problem((*where, "processing_from"), "say in processing how long it is")


def _units(service: SeedService, where: Where) -> Iterator[Problem]:
    if service.unit == Unit.VISIT:
        for key in ("units_min", "units_max"):
            if (getattr(service, key) or 1) != 1:
                yield Problem((*where, key), "only what is sold by the hour, day or night has units")
    elif service.units_max is None:
        yield Problem((*where, "unit"), f"say in units_max how many {service.unit.value}s it can be at most")
    elif service.units_min > service.units_max:
        yield Problem((*where, "units_min"), "units_min is more than units_max")
    if service.is_days:
        yield from _days(service, where)
        return
    for key in ("day_from", "day_until"):
        if getattr(service, key) is not None:
            yield Problem((*where, key), "only what is sold by the day or night is collected and brought back")


def _days(service: SeedService, where: Where) -> Iterator[Problem]:
    for key in ("day_from", "day_until"):
        if getattr(service, key) is None:
            yield Problem((*where, "unit"), f'{key} is missing: the time of day, such as "9:00"')
    if (
        service.unit == Unit.DAY
        and service.day_from is not None
        and service.day_until is not None
        and service.day_until <= service.day_from
    ):
        yield Problem((*where, "day_until"), "a day must end after it begins")
    if service.processing:
        yield Problem((*where, "processing"), "what is sold by the day or night has no processing time")


def _class(service: SeedService, where: Where) -> Iterator[Problem]:
    if not service.is_class:
        return
    if service.max_party > service.capacity:
        yield Problem((*where, "max_party"), f"a party of {service.max_party} has no room in {service.capacity} seats")
    if service.unit != Unit.VISIT:
        yield Problem((*where, "unit"), "a class is a visit")
    if service.processing:
        yield Problem((*where, "processing"), "a class has no processing time")


def _needs(seed: Seed, service: SeedService, where: Where) -> Iterator[Problem]:
    for place in sorted(seed.done_at(service)):
        there = seed.units_at.get(place, {})
        for kind, need in service.needs.items():
            if kind not in there:
                yield Problem((*where, "needs", kind), f"there is no resource of kind {kind!r} at {place}")
            elif need.units > there[kind]:
                yield Problem(
                    (*where, "needs", kind), f"it needs {need.units} of kind {kind!r}, {place} has {there[kind]}"
                )


def _roles(seed: Seed, service: SeedService, where: Where) -> Iterator[Problem]:
    if not service.roles or seed.on_timetable(service):
        return
    able = {place: there for place, there in seed.able.get(service.name, {}).items() if place in seed.done_at(service)}
    everywhere = {skill.role_kept for there in able.values() for _, skill in there}
    for role in dict.fromkeys(service.roles):
        if role not in everywhere:
            who = f"nobody has the role {role or MAIN!r}" if len(service.roles) > 1 or role else "nobody does it"
            yield Problem((*where, "staff"), f"{who}: name {service.name!r} in the services of somebody")
            return
    for place, there in sorted(able.items()):
        people = {role: [member.name for member, skill in there if skill.role_kept == role] for role in service.roles}
        lacking = _lacking(service.roles, people)
        if lacking is not None:
            yield Problem((*where, "staff"), f"at {place} there is nobody left for the role {lacking or MAIN!r}")


def _lacking(roles: Sequence[str], people: dict[str, list[str]]) -> str | None:
    """Return a role that is left without a person of its own when every person takes one role; None if none is."""
    taken: dict[str, int] = {}

    def find(at: int, tried: set[str]) -> bool:
        for name in people[roles[at]]:
            if name not in tried:
                tried.add(name)
                if name not in taken or find(taken[name], tried):
                    taken[name] = at
                    return True
        return False

    return next((role for at, role in enumerate(roles) if not find(at, set())), None)


def _money(seed: Seed, service: SeedService, where: Where) -> Iterator[Problem]:
    currency = seed.business.currency
    coarse = [
        Problem((*where, key), f"{amount} is finer than {currency} has coins")
        for key, amount in (("price", service.price), ("deposit", service.deposit.amount))
        if finer_than_coins(amount, currency)
    ]
    yield from coarse
    if coarse or any(finer_than_coins(part.price, currency) for part in seed.parts(service)):
        return
    if seed.deposit_minor(service) > seed.price_minor(service):
        yield Problem((*where, "deposit"), "the deposit is more than the price")
    elif service.payment == PaymentRule.DEPOSIT and not seed.deposit_minor(service):
        yield Problem((*where, "payment"), "payment is a deposit, but there is none")
    done_at = seed.done_at(service)
    for place, own in service.at.items():
        yield from _money_at(seed, service, place, own, (*where, "at", place))
    costs = bool(seed.price(service))
    for place in sorted(done_at):
        other = seed.currency(place)
        own = service.at.get(place, SeedAt())
        if costs and other != currency and own.price is None:
            yield Problem(
                (*where, "at" if service.at else "price"), f"{place} takes {other}: say in at what it costs there"
            )
    currencies = {seed.currency(place) for place in done_at} or {currency}
    for number, add_on in enumerate(service.add_ons):
        at: Where = (*where, "add_ons", number, "price")
        if add_on.price and len(currencies) > 1:
            yield Problem(at, f"it would cost the same number in {' and '.join(sorted(currencies))}: leave it free")
        elif any(finer_than_coins(add_on.price, one) for one in currencies):
            yield Problem(at, f"{add_on.price} is finer than {' and '.join(sorted(currencies))} has coins")


def _money_at(seed: Seed, service: SeedService, place: str, own: SeedAt, where: Where) -> Iterator[Problem]:
    currency = seed.currency(place)
    foreign = currency != seed.business.currency
    own_deposit = own.deposit or Deposit()
    for key, amount in (("price", own.price), ("deposit", own_deposit.amount)):
        if finer_than_coins(amount, currency):
            yield Problem((*where, key), f"{amount} is finer than {currency} has coins")
            return
    if not own.offered:
        if own.price is not None or own.deposit is not None:
            yield Problem(where, f"it is not offered at {place}, so it has no price there")
        return
    if own.deposit is not None and own.price is None and foreign:
        yield Problem((*where, "deposit"), f"say the price in {currency} too")
    elif own.deposit is None and own.price is not None and foreign and service.deposit.amount:
        yield Problem((*where, "price"), f"say the deposit in {currency} too")
    elif seed.deposit_minor(service, place) > seed.price_minor(service, place):
        yield Problem(where, f"the deposit is more than the price at {place}")


def _questions(questions: Sequence[Question], where: Where) -> Iterator[Problem]:
    before: dict[str, Question] = {}
    keys = {question.key for question in questions}
    for at, question in enumerate(questions):
        if question.key in before:
            yield Problem((*where, at, "key"), f"{question.key!r} is there twice")
        for other, wanted in question.when.items():
            here: Where = (*where, at, "when", other)
            if other not in before:
                what = "comes later" if other in keys and other != question.key else "does not exist"
                yield Problem(here, f"the question {other!r} {what}")
                continue
            if before[other].kind in (Kind.TEXT, Kind.DATE):
                yield Problem(
                    here, f"{other!r} is a {before[other].kind.value}: only choices, yes or no and numbers decide"
                )
                continue
            for value in wanted:
                try:
                    read_answer(before[other], value)
                except AnswerRefused:
                    yield Problem(here, f"{value!r} is no answer to {other!r}")
        before.setdefault(question.key, question)
