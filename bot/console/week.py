"""A week of a place: a row for each person or room, a cell for each day, bars for what lasts for days."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from booking_core.agenda import Agenda
from booking_core.blocks import Whose
from booking_core.catalog import Catalog
from booking_core.models import TimeOff
from booking_core.rules.schedule import days_between
from booking_core.rules.spans import Span
from booking_core.rules.wallclock import local_day
from bot.console.cards import Card, ClassCard, card_for, class_card, service_name
from bot.console.day import By


@dataclass(frozen=True, slots=True)
class Entry:
    """A part of a visit, a class or an hour off on one day of one row."""

    key: str
    starts: datetime
    ends: datetime
    card: Card | ClassCard | None
    off: TimeOff | None = None
    part: str | None = None
    able: tuple[UUID, ...] = ()
    #: Which of the visit's parts it is.
    number: int = 0
    #: How many of what the row is about it takes.
    units: int = 1

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return isinstance(self.card, ClassCard)


@dataclass(frozen=True, slots=True)
class Bar:
    """An entry of several days: from which of the week's columns, over how many."""

    entry: Entry
    column: int
    columns: int
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One person's or one room's week."""

    whose: Whose | None
    id: UUID | None
    name: str
    #: Bars that do not meet share a line.
    bars: Sequence[Sequence[Bar]]
    cells: Sequence[Sequence[Entry]]
    #: Whether they work on each day.
    works: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Week:
    """What the week's page shows."""

    days: Sequence[date]
    by: By
    rows: Sequence[Row]


def week_for(agenda: Agenda, catalog: Catalog, by: By, *, language: str) -> Week:
    """Return the days of an agenda as a week."""
    days = days_between(agenda.first, agenda.last)
    zone = ZoneInfo(agenda.place.timezone)
    entries = _counted(_entries(agenda, catalog, language))
    owners: list[tuple[Whose | None, UUID | None, str]]
    if by is By.STAFF:
        owners = [(Whose.STAFF, one.id, one.name) for one in agenda.staff]
        if any(owner is None for owner, _ in entries):
            owners.append((None, None, ""))
    else:
        owners = [(Whose.RESOURCE, one.id, one.name) for one in agenda.resources]
    return Week(days, by, [_row(agenda, whose, one, name, entries, days, zone) for whose, one, name in owners])


def listed(agenda: Agenda, catalog: Catalog, *, language: str) -> Sequence[tuple[date, Sequence[Entry]]]:
    """Return each day of an agenda with everything that begins on it, once and in order."""
    zone = ZoneInfo(agenda.place.timezone)
    found = [
        *(
            Entry(str(v.booking.id), v.booking.starts, v.booking.ends, card_for(v, catalog, language))
            for v in agenda.visits
        ),
        *(
            Entry(str(m.session.id), m.session.starts, m.session.ends, class_card(m, catalog, language))
            for m in agenda.meetings
        ),
        *(Entry(str(off.id), off.starts, off.ends, None, off) for off in agenda.away),
    ]
    by_day: dict[date, list[Entry]] = {day: [] for day in days_between(agenda.first, agenda.last)}
    for entry in sorted(found, key=lambda one: (one.starts, one.key)):
        # What began before is told on the first day that is shown.
        by_day[max(entry.starts.astimezone(zone).date(), agenda.first)].append(entry)
    return list(by_day.items())


def _entries(agenda: Agenda, catalog: Catalog, language: str) -> Iterable[tuple[UUID | None, Entry]]:
    for visit in agenda.visits:
        card, booking = card_for(visit, catalog, language), visit.booking
        for block in visit.blocks:
            name = service_name(catalog.service(block.service_id), language)
            part = None if name == card.service else name
            able = tuple(catalog.staff_for(block.service_id)) if block.owner.whose is Whose.STAFF else ()
            key = f"{booking.id}-{block.part}-{block.owner.id}"
            yield block.owner.id, Entry(key, block.starts, block.ends, card, None, part, able, block.part)
        if not any(block.owner.whose is Whose.STAFF for block in visit.blocks):
            yield None, Entry(f"{booking.id}-none", booking.starts, booking.ends, card)
    for meeting in agenda.meetings:
        told = class_card(meeting, catalog, language)
        for stretch in meeting.blocks:
            key = f"{meeting.session.id}-{stretch.owner.id}"
            yield stretch.owner.id, Entry(key, stretch.starts, stretch.ends, told)
    for off in agenda.away:
        yield off.staff_id or off.resource_id, Entry(str(off.id), off.starts, off.ends, None, off)


def _counted(entries: Iterable[tuple[UUID | None, Entry]]) -> list[tuple[UUID | None, Entry]]:
    """Return each thing once, with how many it takes: eight wheels of one class are one class."""
    found: dict[tuple[UUID | None, str, datetime, datetime], Entry] = {}
    for owner, entry in entries:
        at = (owner, entry.key, entry.starts, entry.ends)
        known = found.get(at)
        found[at] = entry if known is None else replace(known, units=known.units + 1)
    return [(owner, entry) for (owner, *_), entry in found.items()]


def _row(
    agenda: Agenda,
    whose: Whose | None,
    owner_id: UUID | None,
    name: str,
    entries: Iterable[tuple[UUID | None, Entry]],
    days: Sequence[date],
    zone: ZoneInfo,
) -> Row:
    cells: Mapping[date, list[Entry]] = {day: [] for day in days}
    bars: list[Bar] = []
    for owner, entry in sorted(entries, key=lambda one: (one[1].starts, one[1].key)):
        if owner != owner_id:
            continue
        first = entry.starts.astimezone(zone).date()
        # A day ends where the next begins: what ends at midnight is not there on the next.
        last = (entry.ends - timedelta(minutes=1)).astimezone(zone).date()
        if first == last:
            cells[first].append(entry)
            continue
        column, end = (max(first, days[0]) - days[0]).days, (min(last, days[-1]) - days[0]).days
        bars.append(Bar(entry, column, end - column + 1, first < days[0], last > days[-1]))
    hours = agenda.hours.get(owner_id) if owner_id is not None else None
    return Row(
        whose=whose,
        id=owner_id,
        name=name,
        bars=_lines(bars),
        cells=[cells[day] for day in days],
        works=[hours is None or _works(hours, day, agenda.place.timezone) for day in days],
    )


def _lines(bars: Sequence[Bar]) -> list[list[Bar]]:
    lines: list[list[Bar]] = []
    for bar in bars:
        line = next((one for one in lines if one[-1].column + one[-1].columns <= bar.column), None)
        if line is None:
            lines.append([bar])
        else:
            line.append(bar)
    return lines


def _works(hours: Sequence[Span], day: date, tz: str) -> bool:
    return any(local_day(tz, first) == day for first, _ in hours)
