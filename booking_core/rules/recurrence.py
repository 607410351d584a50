"""Which moments a recurring visit means: a rule of RFC 5545 on the wall clock of its place."""

import re
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from booking_core.rules.wallclock import instant, moment_of

#: No series is longer.
MOST = 104
#: Nor lasts longer.
LONGEST = timedelta(days=10 * 365)
_FIELDS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYSETPOS", "WKST"}
_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY"}


_DAY = "(MO|TU|WE|TH|FR|SA|SU)"
_DAYS = re.compile(f"{_DAY}(,{_DAY}){{0,6}}")
_NTH_DAYS = re.compile(f"([+-]?[1-5])?{_DAY}(,([+-]?[1-5])?{_DAY}){{0,30}}")
_DIGITS = re.compile("[0-9]{1,8}")
_NUMBERS = re.compile("-?(0?[1-9]|[12][0-9]|3[01])(,-?(0?[1-9]|[12][0-9]|3[01])){0,30}")
_PLACES = re.compile("[+-]?[1-4](,[+-]?[1-4]){0,7}")


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
    count = int(fields.pop("COUNT", MOST + 1))
    fields["UNTIL"] = min(fields.get("UNTIL", "9"), (local + LONGEST).strftime("%Y%m%dT%H%M%S"))
    try:
        every = rrulestr(";".join(f"{name}={value}" for name, value in fields.items()), dtstart=local)
        found = list(islice(every, count))
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise RuleError(f"no rule of RFC 5545: {error}") from None
    if len(found) > MOST:
        raise RuleError(f"a series has at most {MOST} visits")
    if len(found) < count <= MOST:
        raise RuleError(f"a series is over within {LONGEST.days // 365} years")
    moments = [moment_of(instant(tz, one.date(), one.hour * 60 + one.minute)) for one in found]
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
    _check_days(fields)
    # An UNTIL in UTC would be compared with wall-clock times: only its date counts, to the end of that day.
    if "UNTIL" in fields:
        day = fields["UNTIL"][:8]
        if len(day) != len("20260101") or not _DIGITS.fullmatch(day):
            raise RuleError("UNTIL is a date, such as 20261231")
        fields["UNTIL"] = f"{day}T235959"
    if "COUNT" in fields and not (_DIGITS.fullmatch(fields["COUNT"]) and 1 <= int(fields["COUNT"]) <= MOST):
        raise RuleError(f"a series has 1 to {MOST} visits")
    return fields


def _check_days(fields: dict[str, str]) -> None:
    """Refuse rules that few or no days follow: those would be looked for until the year 9999."""
    interval = fields.get("INTERVAL", "1")
    if not _DIGITS.fullmatch(interval) or not 1 <= int(interval) <= MOST:
        raise RuleError(f"INTERVAL lies between 1 and {MOST}")
    monthly = fields["FREQ"] == "MONTHLY"
    days = fields.get("BYDAY", "")
    if days and not (_NTH_DAYS if monthly and "BYSETPOS" not in fields else _DAYS).fullmatch(days):
        raise RuleError("BYDAY names days such as MO,TH, in a month also 1MO or -1FR")
    if fields["FREQ"] == "DAILY" and days and interval != "1":
        raise RuleError("BYDAY with every so many days: say it with WEEKLY")
    if "BYMONTHDAY" in fields and not (monthly and not days and _NUMBERS.fullmatch(fields["BYMONTHDAY"])):
        raise RuleError("BYMONTHDAY is for MONTHLY without BYDAY: 1 to 31, or -1 to -31")
    if "BYSETPOS" in fields and not (monthly and days and _PLACES.fullmatch(fields["BYSETPOS"])):
        raise RuleError("BYSETPOS is for MONTHLY with BYDAY: 1 to 4, or -1 to -4")


def same_day(tz: str, moment: datetime) -> tuple[datetime, datetime]:
    """Return the local date of a moment, from its beginning to the next one's."""
    day = moment.astimezone(ZoneInfo(tz)).date()
    return moment_of(instant(tz, day, 0)), moment_of(instant(tz, day + timedelta(days=1), 0))
