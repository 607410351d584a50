"""Values as the text of a business's file: amounts, hours and dates as a person writes them, in calm YAML."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from booking_core.kit.money import exponent
from booking_core.rules.schedule import WallSpan
from booking_core.rules.wallclock import DAY, instant, moment_of
from booking_core.seed_values import CLOSED, WEEKDAYS

_NOTHING: tuple[Any, ...] = ("", [], {})


class Quoted(str):
    """Text that is written in quotes."""

    __slots__ = ()


class InLine(dict[str, Any]):
    """Keys and values in one line."""


class InLineList(list[Any]):
    """A list in one line."""


class _Dumper(yaml.SafeDumper):
    """Writes lists indented and nothing by reference."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        if not flow_style:
            for _, value in node.value:
                if value.tag == "tag:yaml.org,2002:null":
                    value.value = ""  # `Haircut:` says as much as `Haircut: null`
        return node


_Dumper.add_representer(Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))
_Dumper.add_representer(
    InLine, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True)
)
_Dumper.add_representer(
    InLineList, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)
_Dumper.add_representer(
    float, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", _decimal(value))
)


def _decimal(value: float) -> str:
    text = f"{Decimal(repr(value)):f}"
    return text if "." in text else f"{text}.0"


def written(sections: Mapping[str, Any]) -> str:
    """Return sections as YAML, with an empty line between them and between the things of a list."""
    return "\n".join(_section(name, value) for name, value in sections.items())


def _section(name: str, value: Any) -> str:
    if isinstance(value, list) and not isinstance(value, InLineList) and len(value) > 1:
        apart = "\n" if not all(isinstance(one, InLine) for one in value) else ""
        first, *rest = (_dumped({name: [one]}) for one in value)
        return first + "".join(apart + one.partition("\n")[2] for one in rest)
    return _dumped({name: value})


def _dumped(value: Any) -> str:
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)
    # An empty value leaves a space behind its key.
    return "\n".join(line.rstrip() if line.endswith(": ") else line for line in str(text).split("\n"))


def filled(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Leave away what says nothing: no value, an empty text, list or mapping, and False."""
    return {
        key: value for key, value in facts.items() if value is not None and value is not False and value not in _NOTHING
    }


def amount(minor: int, currency: str) -> Quoted:
    """Return an amount with the decimals of its currency."""
    places = exponent(currency)
    return Quoted(f"{Decimal(minor).scaleb(-places):.{places}f}")


def clock(minute: int) -> Quoted:
    """Return a time of day."""
    return Quoted(f"{minute // 60}:{minute % 60:02d}")


def hours(spans: Sequence[WallSpan]) -> Any:
    """Return the hours of one day."""
    said = [Quoted(f"{clock(opens)}-{clock(closes)}") for opens, closes in sorted(spans)]
    return said[0] if len(said) == 1 else InLineList(said) if said else CLOSED


def week(rules: Iterable[tuple[int, int, int]]) -> dict[str, Any]:
    """Return weekly hours (weekday, opens, closes), days with the same hours together."""
    by_day: dict[int, list[WallSpan]] = {}
    for weekday, opens, closes in sorted(rules):
        by_day.setdefault(weekday, []).append((opens, closes))
    alike: dict[tuple[WallSpan, ...], list[int]] = {}
    for weekday, spans in by_day.items():
        alike.setdefault(tuple(spans), []).append(weekday)
    return {days(weekdays): hours(spans) for spans, weekdays in alike.items()}


def days(weekdays: Sequence[int]) -> str:
    """Return weekdays as `mon, wed-fri`."""
    runs: list[list[int]] = []
    for weekday in sorted(weekdays):
        if runs and runs[-1][-1] == weekday - 1:
            runs[-1].append(weekday)
        else:
            runs.append([weekday])
    return ", ".join(WEEKDAYS[run[0]] if len(run) == 1 else f"{WEEKDAYS[run[0]]}-{WEEKDAYS[run[-1]]}" for run in runs)


def moment(at: datetime, tz: str, *, end: bool = False) -> date | Quoted:
    """Return a moment on the wall of a zone; a day alone where a whole day begins or ends."""
    local = at.astimezone(ZoneInfo(tz))
    day, minute = local.date(), local.hour * 60 + local.minute
    if end and minute == 0 and moment_of(instant(tz, day - timedelta(days=1), DAY)) == at:
        return day - timedelta(days=1)
    if moment_of(instant(tz, day, 0)) == at and not end:
        return day
    if moment_of(instant(tz, day, minute)) == at:
        return Quoted(f"{day} {clock(minute)}")
    return Quoted(local.isoformat(sep=" "))
