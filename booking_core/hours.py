"""Who works and what is open when, remembered day by day for as long as a catalog is true."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from booking_core.rules.schedule import Schedule, planned_day, usual_day
from booking_core.rules.spans import Span, merge, subtract

#: Days that are remembered; then all are forgotten (about 30 MB).
_MOST = 200_000


class Hours:
    """The schedules of people, resources and places, by id."""

    def __init__(self, schedules: Mapping[UUID, Schedule]) -> None:
        self._schedules = schedules
        self._away = {whose: merge(schedule.away) for whose, schedule in schedules.items() if schedule.away}
        self._known: dict[tuple[UUID, int, bool], Sequence[Span]] = {}

    def __contains__(self, whose: UUID) -> bool:
        """Whether there are hours of this person or thing at all."""
        return whose in self._schedules

    def schedule(self, whose: UUID) -> Schedule:
        """Return the schedule behind the hours; KeyError if there is none."""
        return self._schedules[whose]

    def working(self, whose: UUID, first: date, last: date) -> list[Span]:
        """Return merged spans of real working time on local dates, both included; without a schedule none."""
        away = self._away.get(whose)
        planned = self._over(whose, first, last, usual=False)
        return subtract(planned, away) if away else planned

    def usual(self, whose: UUID, first: date, last: date) -> list[Span]:
        """Return merged spans of what the house expects, whatever the person's own plans are."""
        return self._over(whose, first, last, usual=True)

    def _over(self, whose: UUID, first: date, last: date, *, usual: bool) -> list[Span]:
        schedule = self._schedules.get(whose)
        if schedule is None:
            return []
        if len(self._known) > _MOST:
            self._known.clear()
        spans: list[Span] = []
        day_of = usual_day if usual else planned_day
        for number in range(first.toordinal(), last.toordinal() + 1):
            key = (whose, number, usual)
            day = self._known.get(key)
            if day is None:
                day = self._known[key] = day_of(schedule, date.fromordinal(number))
            for span in day:
                # Days follow each other: only with a moving zone may one reach into the next.
                if spans and span[0] <= spans[-1][1]:
                    return merge(
                        one
                        for later in range((last - first).days + 1)
                        for one in day_of(schedule, first + timedelta(days=later))
                    )
                spans.append(span)
        return spans
