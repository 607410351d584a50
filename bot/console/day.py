"""Days of a place as a board: a column for each person or each room, minutes going down."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from booking_core.agenda import Agenda
from booking_core.blocks import Owner, Visit, Whose
from booking_core.catalog import Catalog
from booking_core.models import TimeOff
from booking_core.rules.spans import Span, overlap
from booking_core.rules.wallclock import moment_of
from bot.console.cards import Card, ClassCard, card_for, class_card, service_name
from bot.console.daygrid import LANES, Spot, lanes_for, row_at, rows_for

#: The grid of a day on which nobody works.
USUAL = (9 * 60, 18 * 60)
_DAY = 24 * 60


class By(StrEnum):
    """What the columns are."""

    STAFF = "staff"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a visit, or a class, on the board."""

    key: str
    spot: Spot
    card: Card | ClassCard
    starts: datetime
    ends: datetime
    #: The part's own service, where it is not the whole's.
    part: str | None
    #: Which of the visit's parts it is.
    number: int
    #: Who could do it, of those who have a column.
    able: tuple[UUID, ...]
    #: It lies in the time in which another's customer waits.
    over: bool
    #: It began on a day before, or goes on on the next.
    before: bool
    after: bool
    #: When the customer waits and the owner is free: rows counted from the tile's own first.
    idle: tuple[Spot, ...]

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return isinstance(self.card, ClassCard)


@dataclass(frozen=True, slots=True)
class Away:
    """Time off on the board."""

    spot: Spot
    off: TimeOff
    whole: bool


@dataclass(frozen=True, slots=True)
class Column:
    """One person's or one room's day."""

    date: date
    whose: Whose | None
    id: UUID | None
    name: str
    units: int
    #: Minutes of the wall clock; None: it has no hours of its own and can always be used.
    hours: Sequence[Span] | None
    works: Sequence[Spot]
    tiles: Sequence[Tile]
    away: Sequence[Away]
    buffers: Sequence[Spot]
    offered: Sequence[Spot]


@dataclass(frozen=True, slots=True)
class Board:
    """What the day's page shows."""

    days: Sequence[date]
    by: By
    columns: Sequence[Column]
    opens: int
    closes: int
    hours: Sequence[tuple[int, int]]  # (hour, its row)
    today: date
    now_row: int | None

    @property
    def count(self) -> int:
        """How many bookings and classes have a tile."""
        cards = [tile.card for column in self.columns for tile in column.tiles]
        return len({one.session_id if isinstance(one, ClassCard) else one.booking_id for one in cards})


@dataclass(frozen=True, slots=True)
class _Day:
    """A local date, and minutes on its wall."""

    date: date
    zone: ZoneInfo

    def minute(self, moment: datetime) -> int:
        local = moment.astimezone(self.zone)
        if local.date() < self.date:
            return 0
        return _DAY if local.date() > self.date else local.hour * 60 + local.minute

    def span(self, starts: datetime, ends: datetime) -> Span:
        first, last = self.minute(starts), self.minute(ends)
        if last <= first and starts < ends and starts.astimezone(self.zone).date() == self.date:
            # In the hour that comes twice something may end before it began, as the wall has it.
            last = min(first + (ends - starts) // timedelta(minutes=1), _DAY)
        return first, last

    def spans(self, minutes: Iterable[Span]) -> list[Span]:
        found = (self.span(moment_of(first), moment_of(last)) for first, last in minutes)
        return [(first, last) for first, last in found if first < last]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Something to be put on the board: when it is really worked on, and all the rest of its tile."""

    owner: Owner | None
    span: Span
    worked: tuple[Span, ...]
    card: Card | ClassCard
    starts: datetime
    ends: datetime
    part: str | None
    service_id: UUID
    number: int


def board_for(
    agenda: Agenda,
    catalog: Catalog,
    days: Sequence[date],
    by: By,
    *,
    who: UUID | None = None,
    language: str,
    now: datetime,
) -> Board:
    """Return days of an agenda as a board: a column for each person (or room) and day, or only for `who`."""
    zone = ZoneInfo(agenda.place.timezone)
    walls = [_Day(day, zone) for day in days]
    drawn = {wall.date: _drawn(agenda, catalog, wall, language) for wall in walls}
    hours = {(wall.date, one): wall.spans(spans) for wall in walls for one, spans in agenda.hours.items()}
    visits = [piece.span for pieces in drawn.values() for piece in pieces if piece.span != (0, _DAY)]
    frame = _frame([*(span for each in hours.values() for span in each), *_edges(visits)])
    columns: list[Column] = []
    for wall in walls:
        owners = [one for one in _owners(agenda, by) if who in {None, one.id}]
        if by is By.STAFF and who is None and any(piece.owner is None for piece in drawn[wall.date]):
            owners.append(_Owner(None, None, "", 1))
        columns += [
            _column(
                agenda, catalog, wall, frame, one, hours.get((wall.date, one.id)) if one.id else None, drawn[wall.date]
            )
            for one in owners
        ]
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return Board(
        days=days,
        by=by,
        columns=columns,
        opens=frame[0],
        closes=frame[1],
        hours=[(hour, row_at(hour * 60, frame[0])) for hour in range(frame[0] // 60, frame[1] // 60)],
        today=local.date(),
        now_row=row_at(minute, frame[0]) if local.date() in days and frame[0] <= minute < frame[1] else None,
    )


@dataclass(frozen=True, slots=True)
class _Owner:
    whose: Whose | None
    id: UUID | None
    name: str
    units: int


def _owners(agenda: Agenda, by: By) -> list[_Owner]:
    if by is By.STAFF:
        return [_Owner(Whose.STAFF, one.id, one.name, 1) for one in agenda.staff]
    return [_Owner(Whose.RESOURCE, one.id, one.name, one.units) for one in agenda.resources]


def _drawn(agenda: Agenda, catalog: Catalog, wall: _Day, language: str) -> list[_Piece]:
    return [one for one in _pieces(agenda, catalog, wall, language) if one.span[0] < one.span[1]]


def _pieces(agenda: Agenda, catalog: Catalog, wall: _Day, language: str) -> Iterable[_Piece]:
    for visit in agenda.visits:
        card = card_for(visit, catalog, language)
        for block in visit.blocks:
            part = service_name(catalog.service(block.service_id), language)
            yield _Piece(
                block.owner,
                wall.span(block.starts, block.ends),
                tuple(_worked(wall, block.starts, block.ends, block.idle)),
                card,
                block.starts,
                block.ends,
                None if part == card.service else part,
                block.service_id,
                block.part,
            )
        if not any(block.owner.whose is Whose.STAFF for block in visit.blocks):
            yield _unmanned(visit, card, wall)
    for meeting in agenda.meetings:
        session = meeting.session
        for stretch in meeting.blocks:
            span = wall.span(stretch.starts, stretch.ends)
            yield _Piece(
                stretch.owner,
                span,
                (span,),
                class_card(meeting, catalog, language),
                session.starts,
                session.ends,
                None,
                session.service_id,
                0,
            )


def _unmanned(visit: Visit, card: Card, wall: _Day) -> _Piece:
    booking = visit.booking
    span = wall.span(booking.starts, booking.ends)
    return _Piece(None, span, (span,), card, booking.starts, booking.ends, None, booking.service_id, 0)


def _worked(wall: _Day, starts: datetime, ends: datetime, idle: Sequence[tuple[datetime, datetime]]) -> Iterable[Span]:
    at = starts
    for first, last in idle:
        if wall.minute(at) < wall.minute(first):
            yield wall.span(at, first)
        at = last
    if wall.minute(at) < wall.minute(ends):
        yield wall.span(at, ends)


def _column(
    agenda: Agenda,
    catalog: Catalog,
    wall: _Day,
    frame: Span,
    owner: _Owner,
    hours: Sequence[Span] | None,
    drawn: Sequence[_Piece],
) -> Column:
    pieces = [one for one in drawn if (one.owner.id if one.owner else None) == owner.id]

    def spot(span: Span, lane: tuple[int, int] = (0, 1)) -> Spot:
        first, last = max(span[0], frame[0]), min(span[1], frame[1])
        return Spot(row_at(first, frame[0]), rows_for(first, last, frame[0]), *lane)

    lanes = lanes_for([one.worked or (one.span,) for one in pieces])
    if 1 < owner.units <= LANES:  # each unit has its lane
        lanes = [(one.owner.unit if one.owner else 0, owner.units) for one in pieces]
    tiles = [
        Tile(
            key=f"{one.card.session_id if isinstance(one.card, ClassCard) else one.card.booking_id}"
            f"-{one.number}-{owner.id or 'none'}-{one.owner.unit if one.owner else 0}-{wall.date:%d}",
            spot=spot(one.span, lane),
            card=one.card,
            starts=one.starts,
            ends=one.ends,
            part=one.part,
            number=one.number,
            able=tuple(catalog.staff_for(one.service_id)) if owner.whose is Whose.STAFF else (),
            over=any(_within_idle(one, other) for other in pieces if other is not one),
            before=one.starts.astimezone(wall.zone).date() < wall.date,
            after=one.span[1] == _DAY and one.ends.astimezone(wall.zone).date() > wall.date,
            idle=tuple(_idle(one, frame)),
        )
        for one, lane in sorted(zip(pieces, lanes, strict=True), key=lambda pair: (pair[0].starts, pair[1]))
    ]
    shown = [one for one in _shown(agenda, wall, owner.id) if one[1][0] < frame[1] and one[1][1] > frame[0]]
    return Column(
        date=wall.date,
        whose=owner.whose,
        id=owner.id,
        name=owner.name,
        units=owner.units,
        hours=hours,
        works=[spot(one) for one in (hours if hours is not None else [frame])],
        tiles=tiles,
        away=[Away(spot(one[1]), one[2], one[1] == (0, _DAY)) for one in shown if one[2] is not None],
        buffers=[spot(one[1]) for one in shown if one[0] == "buffer"],
        offered=[spot(one[1]) for one in shown if one[0] == "offered"],
    )


def _shown(agenda: Agenda, wall: _Day, owner_id: UUID | None) -> list[tuple[str, Span, TimeOff | None]]:
    """Return what lies behind the tiles of a column: time off, buffers, places that are only offered."""
    found: list[tuple[str, Span, TimeOff | None]] = [
        ("away", wall.span(one.starts, one.ends), one)
        for one in agenda.away
        if owner_id is not None and owner_id in {one.staff_id, one.resource_id}
    ]
    for visit in agenda.visits:
        for kind, stretches in (("buffer", visit.buffers), ("offered", visit.offered)):
            found += [(kind, wall.span(s.starts, s.ends), None) for s in stretches if s.owner.id == owner_id]
    return [one for one in found if one[1][0] < one[1][1]]


def _idle(piece: _Piece, frame: Span) -> Iterable[Spot]:
    top, bottom = max(piece.span[0], frame[0]), min(piece.span[1], frame[1])
    for first, last in _gaps(piece):
        first, last = max(first, top), min(last, bottom)
        if first < last:
            yield Spot(row_at(first, top), rows_for(first, last, top))


def _gaps(piece: _Piece) -> Iterable[Span]:
    at = piece.span[0]
    for first, last in piece.worked:
        if at < first:
            yield at, first
        at = max(at, last)
    if at < piece.span[1]:
        yield at, piece.span[1]


def _within_idle(one: _Piece, other: _Piece) -> bool:
    if one.starts < other.starts or not overlap([one.span], *other.span):
        return False
    return not any(overlap(one.worked, *span) for span in other.worked)


def _edges(spans: Sequence[Span]) -> list[Span]:
    """Return those ends of visits that lie within the day, so that a rental of many days does not stretch the grid."""
    hour = 60
    return [(first or max(last - hour, 0), last if last < _DAY else min(first + hour, _DAY)) for first, last in spans]


def _frame(spans: Sequence[Span]) -> Span:
    """Return the whole hours that hold every span."""
    opens = min((span[0] for span in spans), default=USUAL[0])
    closes = max((span[1] for span in spans), default=USUAL[1])
    opens, closes = opens // 60 * 60, -(-closes // 60) * 60
    return (opens, closes) if opens < closes else (opens, min(opens + 60, _DAY)) if opens < _DAY else USUAL
