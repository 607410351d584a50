"""Which calendar is asked for: read from an address, and written into links."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from bot.console.day import By


class View(StrEnum):
    """How much is shown, and how."""

    DAY = "day"
    WEEK = "week"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Asked:
    """One view of one place around one date; `who`: only this person or room."""

    view: View
    by: By
    day: date
    place: UUID | None
    who: UUID | None
    #: Monday is 0: with which weekday a week begins where the reader lives.
    week_starts: int = 0

    @property
    def first(self) -> date:
        """The first date shown."""
        if self.view is View.DAY:
            return self.day
        return self.day - timedelta(days=(self.day.weekday() - self.week_starts) % 7)

    @property
    def last(self) -> date:
        """The last date shown."""
        return self.day if self.view is View.DAY else self.first + timedelta(days=6)

    @property
    def before(self) -> str:
        """Where what comes before is shown."""
        return self.url(day=self.day - self._step)

    @property
    def after(self) -> str:
        """Where what comes after is shown."""
        return self.url(day=self.day + self._step)

    def url(self, **changes: Any) -> str:
        """Return the address of this view, or of one that differs in some respects (as pages name them)."""
        for name, kind in (("view", View), ("by", By)):
            if name in changes:
                changes[name] = kind(changes[name])
        asked = replace(self, **changes)
        query = {"day": asked.day.isoformat()}
        if asked.view is not View.DAY:
            query["view"] = asked.view.value
        if asked.by is not By.STAFF:
            query["by"] = asked.by.value
        if asked.place is not None:
            query["place"] = str(asked.place)
        if asked.who is not None and asked.view is View.WEEK:
            query["who"] = str(asked.who)
        return f"/console/calendar?{urlencode(query)}"

    @property
    def _step(self) -> timedelta:
        return timedelta(days=1 if self.view is View.DAY else 7)


def read_asked(query: Mapping[str, str], *, today: date, week_starts: int) -> Asked:
    """Read an address; what makes no sense there is as if it were not said."""
    return Asked(
        view=View(query["view"]) if query.get("view") in set(View) else View.DAY,
        by=By(query["by"]) if query.get("by") in set(By) else By.STAFF,
        day=read_date(query.get("day", "")) or today,
        place=read_id(query.get("place", "")),
        who=read_id(query.get("who", "")),
        week_starts=week_starts,
    )


def read_date(text: str) -> date | None:
    """Return an ISO date of our times; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2200 else None


def read_id(text: str) -> UUID | None:
    """Return an id; None for anything else."""
    try:
        return UUID(text)
    except ValueError:
        return None
