"""Which moments a recurring visit means: a rule of RFC 5545 on the wall clock of its place."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from booking_core.rules.wallclock import instant, moment_of

#: No series is longer.
MOST = 104
_FIELDS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYSETPOS", "WKST"}
_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY"}


class RuleError(ValueError):
    """A rule that is none, has no end, or asks for what no visit needs; the message says which."""


def occurrences(rule: str, first: datetime, tz: str) -> list[datetime]:
    """Return the moments (UTC) of a rule such as `FREQ=WEEKLY;INTERVAL=2;COUNT=6`, the first one included.

    Each has the wall-clock time of the first, whatever the clocks do in between; a day that a month does not
    have is left out (RFC 5545, section 3.3.10). Raises RuleError.
    """
    fields = _read(rule)
    if "COUNT" not in fields and "UNTIL" not in fields:
        raise RuleError("a series needs COUNT or UNTIL")
    local = first.astimezone(ZoneInfo(tz)).replace(tzinfo=None)
    try:
        found = rrulestr(";".join(f"{name}={value}" for name, value in fields.items()), dtstart=local)
    except (ValueError, TypeError) as error:
        raise RuleError(f"no rule of RFC 5545: {error}") from None
    moments: list[datetime] = []
    for one in found:
        if len(moments) == MOST:
            raise RuleError(f"a series has at most {MOST} visits")
        moments.append(moment_of(instant(tz, one.date(), one.hour * 60 + one.minute)))
    if not moments or moments[0] != first:
        raise RuleError("the first visit does not follow the rule")
    return moments


def _read(rule: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in rule.strip().removeprefix("RRULE:").upper().split(";"):
        name, _, value = part.partition("=")
        if name not in _FIELDS or not value or name in fields:
            raise RuleError(f"{name or 'nothing'} has no place in the rule of a series")
        fields[name] = value
    if fields.get("FREQ") not in _FREQUENCIES:
        raise RuleError("a series is DAILY, WEEKLY or MONTHLY")
    # An UNTIL in UTC would be compared with wall-clock times: only its date counts, to the end of that day.
    if "UNTIL" in fields:
        day = fields["UNTIL"][:8]
        if len(day) != len("20260101") or not day.isdigit():
            raise RuleError("UNTIL is a date, such as 20261231")
        fields["UNTIL"] = f"{day}T235959"
    if "COUNT" in fields and not (fields["COUNT"].isdigit() and 1 <= int(fields["COUNT"]) <= MOST):
        raise RuleError(f"a series has 1 to {MOST} visits")
    return fields


def same_day(tz: str, moment: datetime) -> tuple[datetime, datetime]:
    """Return the local date of a moment, from its beginning to the next one's."""
    day = moment.astimezone(ZoneInfo(tz)).date()
    return moment_of(instant(tz, day, 0)), moment_of(instant(tz, day + timedelta(days=1), 0))
