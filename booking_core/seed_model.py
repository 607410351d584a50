"""A whole business as its file describes it, and what follows from one part for another."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property

from pydantic import Field

from booking_core.models import Unit
from booking_core.rules.wallclock import DAY
from booking_core.seed_parts import (
    SeedBusiness,
    SeedClass,
    SeedLocation,
    SeedPart,
    SeedResource,
    SeedService,
    SeedSkill,
    SeedStaff,
)
from booking_core.seed_values import minor

#: How long one unit lasts where the file says nothing.
LENGTHS = {Unit.HOUR: 60, Unit.DAY: DAY, Unit.NIGHT: DAY}


class Seed(SeedPart):
    """A whole business."""

    business: SeedBusiness
    locations: list[SeedLocation] = Field(min_length=1, max_length=500)
    resources: list[SeedResource] = Field(default_factory=list, max_length=5000)
    services: list[SeedService] = Field(min_length=1, max_length=2000)
    staff: list[SeedStaff] = Field(default_factory=list, max_length=2000)
    timetable: list[SeedClass] = Field(default_factory=list, max_length=500)

    @cached_property
    def places(self) -> Mapping[str, SeedLocation]:
        """Places by name."""
        return {one.name: one for one in self.locations}

    @cached_property
    def by_name(self) -> Mapping[str, SeedService]:
        """Services by name."""
        return {one.name: one for one in self.services}

    @cached_property
    def people(self) -> Mapping[str, SeedStaff]:
        """Staff by name."""
        return {one.name: one for one in self.staff}

    @cached_property
    def able(self) -> Mapping[str, Mapping[str, list[tuple[SeedStaff, SeedSkill]]]]:
        """Service -> place -> who does it there, in which role."""
        able: dict[str, dict[str, list[tuple[SeedStaff, SeedSkill]]]] = {}
        for member in self.staff:
            for name, skills in member.services.items():
                there = able.setdefault(name, {}).setdefault(self.place(member.location), [])
                there.extend((member, skill) for skill in skills)
        return able

    @cached_property
    def units_at(self) -> Mapping[str, Mapping[str, int]]:
        """Place -> kind of resource -> how many units there are."""
        found: dict[str, dict[str, int]] = {}
        for one in self.resources:
            kinds = found.setdefault(self.place(one.location), {})
            kinds[one.kind] = kinds.get(one.kind, 0) + one.units
        return found

    @cached_property
    def _class_places(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for entry in self.timetable:
            found.setdefault(entry.service, set()).add(self.class_place(entry))
        return found

    def place(self, name: str | None) -> str:
        """Return the name of a place; the first one where none is named."""
        return name if name is not None else self.locations[0].name

    def class_place(self, entry: SeedClass) -> str:
        """Return where a class takes place: where its teacher works, unless it says so itself."""
        teacher = self.people.get(entry.staff) if entry.staff is not None else None
        return self.place(entry.location or (teacher.location if teacher is not None else None))

    def zone(self, place: str) -> str:
        """Return a place's time zone."""
        return self.places[place].timezone or self.business.timezone

    def currency(self, place: str) -> str:
        """Return a place's currency."""
        return self.places[place].currency or self.business.currency

    def parts(self, service: SeedService) -> list[SeedService]:
        """Return the services that a visit is made of, as far as they exist."""
        return [self.by_name[one.service] for one in service.segments if one.service in self.by_name]

    def duration(self, service: SeedService) -> int:
        """Return how many minutes a service takes: of several parts, all of them."""
        if service.segments:
            return sum(self.duration(part) for part in self.parts(service) if not part.segments) or 1
        return service.duration or LENGTHS.get(service.unit, 1)

    def price(self, service: SeedService) -> Decimal:
        """Return what a service costs: of several parts, all of them unless it says so itself."""
        if service.price is None:
            return sum((part.price or Decimal(0) for part in self.parts(service)), Decimal(0))
        return service.price

    def price_minor(self, service: SeedService, place: str | None = None) -> int:
        """Return a service's price in minor units, at a place that may have its own."""
        own = service.at.get(place) if place is not None else None
        if own is not None and own.price is not None and place is not None:
            return minor(own.price, self.currency(place))
        return minor(self.price(service), self.business.currency)

    def deposit_minor(self, service: SeedService, place: str | None = None) -> int:
        """Return a service's deposit in minor units, at a place that may have its own price or deposit."""
        own = service.at.get(place) if place is not None else None
        price = self.price_minor(service, place)
        if own is not None and own.deposit is not None and place is not None:
            return own.deposit.of(price, self.currency(place))
        return service.deposit.of(price, self.business.currency)

    def on_timetable(self, service: SeedService) -> bool:
        """Whether a class takes place at certain times only; else it begins whenever its first guest wants."""
        return service.is_class and service.name in self._class_places

    def done_at(self, service: SeedService) -> set[str]:
        """Return the places at which a service can be had."""
        away = {place for place, own in service.at.items() if not own.offered}
        if service.segments:
            parts = [self.done_at(part) for part in self.parts(service) if not part.segments]
            return set.intersection(*parts) - away if parts else set()
        if self.on_timetable(service):
            return self._class_places[service.name] - away
        if service.roles:
            return set(self.able.get(service.name, {})) - away
        # A rental is had where the things are, or where the file says that it is.
        named = {place for place, own in service.at.items() if own.offered}
        stocked = {one for one in self.places if all(kind in self.units_at.get(one, {}) for kind in service.needs)}
        return ((stocked | named) or set(self.places)) - away

    def add_on_currency(self, service: SeedService) -> str:
        """Return the currency that a service's add-ons cost in: that of the places where it can be had."""
        found = {self.currency(place) for place in self.done_at(service)}
        return min(found) if found else self.business.currency
