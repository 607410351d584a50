"""Opening hours of a place: its week, and dates on which the whole house has others."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import Field, StringConstraints, model_validator

from booking_core import opening
from booking_core.catalog import Catalog, load_catalog
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules.schedule import WallSpan
from bot.api.call import Call, changes, reads
from bot.api.catalog_routes import known
from bot.api.fields import MANY, Shape, Shown, for_example
from bot.api.tokens import Scope

#: A day in the description's years; others have no calendar to speak of.
_FIRST, _LAST = date(2000, 1, 1), date(2199, 12, 31)
_Day = Annotated[date, Path(ge=_FIRST, le=_LAST, description="A local date of the place.", examples=["2026-12-24"])]
#: Minutes have no seconds, and a day may end at 24:00.
_Clock = Annotated[
    str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"), Field(examples=["09:00"])
]
_Changer = Annotated[Call, changes(Scope.SCHEDULE_WRITE)]
_EXAMPLE = {"opens": "09:00", "closes": "18:00"}


class HoursIn(Shape):
    """From when to when, by the place's own clock."""

    opens: _Clock
    closes: _Clock = Field(description="24:00 is the end of the day.")

    @property
    def span(self) -> WallSpan:
        """As minutes of the day."""
        return _minute(self.opens), _minute(self.closes)


class DayHoursIn(Shape):
    """The hours of one day, in order and apart from each other; none: closed."""

    model_config = for_example(hours=[_EXAMPLE])

    hours: Annotated[list[HoursIn], Field(max_length=MANY)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check(self.hours)
        return self


class WeekdayIn(DayHoursIn):
    """The hours of one weekday."""

    model_config = for_example(weekday=1, hours=[_EXAMPLE])

    weekday: int = Field(ge=1, le=7, description="ISO 8601: 1 is Monday, 7 is Sunday.")


class WeekIn(Shape):
    """The hours of a week; a weekday that is not named is closed."""

    model_config = for_example(week=[{"weekday": 1, "hours": [_EXAMPLE]}])

    week: Annotated[list[WeekdayIn], Field(max_length=7)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({one.weekday for one in self.week}) < len(self.week):
            raise ValueError("names a weekday twice")
        return self


class HoursOut(Shown):
    """From when to when, by the place's own clock."""

    opens: str = Field(examples=["09:00"])
    closes: str = Field(examples=["18:00"])


class WeekdayOut(Shown):
    """The hours of one weekday."""

    weekday: int = Field(description="ISO 8601: 1 is Monday.")
    hours: list[HoursOut]


class DateOut(Shown):
    """A date with other hours for everybody and everything in the house."""

    date: date
    hours: list[HoursOut] = Field(description="None: closed.")


class OpeningOut(Shown):
    """When a place is open."""

    location_id: UUID
    timezone: str
    own: bool = Field(description="Whether the place names hours itself; else it is open when anybody works there.")
    week: list[WeekdayOut]
    dates: list[DateOut] = Field(description="From yesterday on.")


def add_routes(router: APIRouter) -> None:
    """Add the hours of places. What is booked is not moved by them."""

    @router.get("/locations/{location_id}/hours", tags=["schedule"])
    async def read_hours(
        call: Annotated[Call, reads(Scope.CATALOG_READ)], response: Response, location_id: UUID
    ) -> OpeningOut:
        """When a place is open: a usual week, and the dates that differ from it."""
        catalog = await call.catalog()
        response.headers["ETag"] = f'"{catalog.version}"'
        response.headers["Cache-Control"] = "private, no-cache"
        return _show(catalog, location_id)

    @router.put("/locations/{location_id}/hours", tags=["schedule"])
    async def set_hours(call: _Changer, location_id: UUID, wanted: WeekIn) -> OpeningOut:
        """Give a place these weekly hours, in place of all that it had; people keep their own. An empty week: none."""
        catalog = await call.catalog()
        known(catalog.location, location_id, "location")
        week = {one.weekday - 1: [hours.span for hours in one.hours] for one in wanted.week}
        await opening.set_week(call.session, catalog, location_id, week)
        return await _shown(call, location_id)

    @router.put("/locations/{location_id}/hours/{day}", tags=["schedule"])
    async def set_hours_of_date(call: _Changer, location_id: UUID, day: _Day, wanted: DayHoursIn) -> OpeningOut:
        """Give the whole house other hours on one date, whatever its people's weeks say; none: it is closed."""
        catalog = await call.catalog()
        known(catalog.location, location_id, "location")
        await opening.set_date(call.session, catalog, location_id, day, [one.span for one in wanted.hours])
        return await _shown(call, location_id)

    @router.delete("/locations/{location_id}/hours/{day}", tags=["schedule"], status_code=204)
    async def forget_hours_of_date(call: _Changer, location_id: UUID, day: _Day) -> None:
        """Let a date be like any other of its week."""
        catalog = await call.catalog()
        known(catalog.location, location_id, "location")
        if not await opening.clear_date(call.session, catalog, location_id, day):
            raise BookingRefused(Reason.UNKNOWN, date=day.isoformat())


async def _shown(call: Call, location_id: UUID) -> OpeningOut:
    """Return the hours as they are now: the catalog before was read before they changed."""
    return _show(await load_catalog(call.session, call.business_id), location_id)


def _show(catalog: Catalog, location_id: UUID) -> OpeningOut:
    place = known(catalog.location, location_id, "location")
    return OpeningOut(
        location_id=place.id,
        timezone=place.timezone,
        own=bool(catalog.weekly.get(place.id)),
        week=[
            WeekdayOut(weekday=weekday + 1, hours=_hours(spans)) for weekday, spans in catalog.opening(place.id).items()
        ],
        dates=[DateOut(date=day, hours=_hours(spans)) for day, spans in sorted(catalog.dates(place.id).items())],
    )


def _hours(spans: Sequence[WallSpan]) -> list[HoursOut]:
    return [HoursOut(opens=_clock(opens), closes=_clock(closes)) for opens, closes in sorted(spans)]


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _check(hours: Sequence[HoursIn]) -> None:
    if any(opens >= closes for opens, closes in (one.span for one in hours)):
        raise ValueError("opens must lie before closes")
    if any(one.span[1] > other.span[0] for one, other in pairwise(hours)):
        raise ValueError("hours must be in order and must not overlap")
