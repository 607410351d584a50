"""The tables of bookings as plain rows, read with plain SQL, and what a booking's parts imply that it takes.

Nothing of the code under test is used but its names of states and moves: everything is counted anew here.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

Row = Mapping[str, Any]
Span = tuple[int, int]
#: Calendar number -> sorted spans apart from each other.
Calendars = dict[int, list[Span]]

WIDTH, OTHER_SIDE = 10_000, 5_000
_NAMES = (
    "location", "service", "segment", "service_resource", "staff", "resource", "class_session", "booking_limit",
    "booking", "allocation", "booking_audit", "reminder", "done_command", "move_proposal", "waitlist_entry",
)  # fmt: skip
_COLUMNS = {"allocation": "*, lower(during) AS starts, upper(during) AS ends"}
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def minute(moment: datetime | str) -> int:
    """Return a whole minute since 1970; anything between two minutes is an error of its own."""
    known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    minutes, rest = divmod((known - _EPOCH).total_seconds(), 60)
    assert rest == 0, f"{known} is no whole minute"
    return int(minutes)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return spans as sorted ones that neither overlap nor touch."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif start < end:
            found.append((start, end))
    return found


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """Return what is left of spans without others."""
    left = joined(spans)
    for first, last in taken:
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, first)), (max(start, last), end))
            if piece[0] < piece[1]
        ]
    return left


@dataclass(frozen=True)
class Tables:
    """Everything that one business has agreed to."""

    business: Row
    rows: Mapping[str, Sequence[Row]]
    #: booking id -> how many jobs tell its customer that the hold ran out.
    told: Mapping[UUID, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Sequence[Row]:
        return self.rows[name]

    def by_id(self, name: str) -> dict[UUID, Row]:
        return {row["id"]: row for row in self.rows[name]}

    def allocations_of(self, column: str) -> dict[UUID, list[Row]]:
        """Return allocations by whose they are (`booking_id`, `session_id`)."""
        found: dict[UUID, list[Row]] = defaultdict(list)
        for row in self.rows["allocation"]:
            if row[column] is not None:
                found[row[column]].append(row)
        return found


async def load_tables(session: AsyncSession, business_id: UUID) -> Tables:
    """Read a business, while nobody writes to it."""
    business = (
        (await session.execute(text("SELECT * FROM business WHERE id = :id"), {"id": business_id})).mappings().one()
    )
    rows = {}
    for name in _NAMES:
        query = text(f"SELECT {_COLUMNS.get(name, '*')} FROM {name} WHERE business_id = :id")
        rows[name] = [dict(row) for row in (await session.execute(query, {"id": business_id})).mappings()]
    told = await session.execute(
        text(
            "SELECT args->>'booking_id', count(*) FROM procrastinate_jobs"
            " WHERE task_name = 'tell_hold_expired' AND args->>'business_id' = :id GROUP BY 1"
        ),
        {"id": str(business_id)},
    )
    return Tables(dict(business), rows, {UUID(one): count for one, count in told})


@dataclass
class Implied:
    """What bookings and classes must take, by the catalog as it is now."""

    tables: Tables

    def __post_init__(self) -> None:
        self.services = self.tables.by_id("service")
        self.staff = self.tables.by_id("staff")
        self.resources = self.tables.by_id("resource")
        self.zones = {row["id"]: ZoneInfo(row["timezone"]) for row in self.tables["location"]}
        self.sessions = self.tables.by_id("class_session")
        self.longer_only = self.tables.business["policy"].get("buffers", "sum") == "max"
        self.covers = {(row["service_id"], row["kind"]): row["covers"] for row in self.tables["service_resource"]}
        self.segments: dict[UUID, list[UUID]] = defaultdict(list)
        for row in sorted(self.tables["segment"], key=lambda row: row["position"]):
            self.segments[row["service_id"]].append(row["part_id"])

    def by_parts(self, parts: Iterable[Row]) -> Calendars:
        """Return the time of people and things that parts take, buffers included."""
        found: dict[int, list[Span]] = defaultdict(list)
        for part in parts:
            service = self.services[UUID(part["service"])]
            visit = (minute(part["starts"]), minute(part["ends"]))
            work = list(self._work(service, visit))
            for one in part["staff"]:
                self._take(found, self.staff[UUID(one)]["calendar_no"], service, work)
            for thing in part["resources"]:
                resource = self.resources[UUID(thing["resource"])]
                covers = self.covers.get((service["id"], resource["kind"]), "visit")
                # A rental has its buffers on both sides of one calendar, whatever the house does elsewhere.
                self._take(
                    found,
                    resource["calendar_no"] + thing["unit"],
                    service,
                    work if covers == "work" else [visit],
                    one_side=service["unit"] in {"day", "night"},
                )
        return {number: joined(spans) for number, spans in found.items()}

    def _work(self, service: Row, visit: Span) -> Iterator[Span]:
        if not service["processing"]:
            yield visit
            return
        tail = service["duration"] - service["processing_from"] - service["processing"]
        yield visit[0], visit[1] - tail - service["processing"]
        if tail:
            yield visit[1] - tail, visit[1]

    def _take(
        self, found: dict[int, list[Span]], number: int, service: Row, work: Sequence[Span], *, one_side: bool = False
    ) -> None:
        before, after = service["buffer_before"], service["buffer_after"]
        first, last = work[0][0], work[-1][1]
        found[number] += [*work, (last, last + after)]
        if before:
            found[number + (OTHER_SIDE if self.longer_only and not one_side else 0)].append((first - before, first))
        if self.longer_only and not one_side:
            found[number + OTHER_SIDE] += work

    def limits_of(self, booking: Row, parts: Sequence[Row], starts: datetime) -> dict[UUID, Span]:
        """Return which limits a visit counts under, and the period of each."""
        named = self._named(booking, parts)
        found = {}
        for limit in self.tables["booking_limit"]:
            if self._counts(limit, named, parts) and (span := self.period(limit, booking["location_id"], starts)):
                found[limit["id"]] = span
        return found

    def _named(self, booking: Row, parts: Sequence[Row]) -> set[UUID]:
        """Return the services that were asked for by name: a package, and whatever was asked for besides."""
        package = self.segments[booking["service_id"]] or [booking["service_id"]]
        own = [UUID(part["service"]) for part in parts if part["person"] == 0]
        return {booking["service_id"], *own[len(package) :]}

    @staticmethod
    def _counts(limit: Row, named: set[UUID], parts: Sequence[Row]) -> bool:
        services = {*named, *(UUID(part["service"]) for part in parts)}
        if limit["staff_id"] is None:
            return limit["service_id"] in services
        return any(
            str(limit["staff_id"]) in part["staff"] and limit["service_id"] in {None, UUID(part["service"]), *named}
            for part in parts
        )

    def period(self, limit: Row, location_id: UUID, starts: datetime) -> Span | None:
        """Return the period of a limit that a start counts in; None if it does not count."""
        zone = self.zones[location_id]
        local = starts.astimezone(zone)
        of_day = local.hour * 60 + local.minute
        if limit["opens"] is not None and not limit["opens"] <= of_day < limit["closes"]:
            return None
        day = local.date()
        match limit["period"]:
            case "day":
                first, following = day, day + timedelta(days=1)
            case "week":
                first = day - timedelta(days=day.weekday())
                following = first + timedelta(days=7)
            case "month":
                first = day.replace(day=1)
                following = (first + timedelta(days=32)).replace(day=1)
            case _:
                first, following = date(day.year, 1, 1), date(day.year + 1, 1, 1)
        return self._midnight(zone, first), self._midnight(zone, following)

    @staticmethod
    def _midnight(zone: ZoneInfo, day: date) -> int:
        return minute(datetime(day.year, day.month, day.day, tzinfo=zone))


def calendars_of(rows: Iterable[Row]) -> Calendars:
    """Return allocations as calendars."""
    ordered = sorted(rows, key=lambda row: row["calendar_no"])
    return {
        number: joined((minute(row["starts"]), minute(row["ends"])) for row in each)
        for number, each in groupby(ordered, key=lambda row: row["calendar_no"])
    }


def freed_calendars(entries: Iterable[Row]) -> Calendars:
    """Return what an audit says became free as calendars."""
    return calendars_of({"calendar_no": one["calendar"], **one} for one in entries)
