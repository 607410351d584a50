"""One reader of when behind the JSON-lines contract, each run by the Python of its own environment.

`python read.py READER`: questions on stdin as `threadbook when` takes them; answers on stdout, then one line
with the peak of memory. Only the standard library and the reader itself are imported. An adapter is kind to its
library: of the readings it offers, one that lies ahead and is by day comes first, and a bare clock means its next
occurrence.
"""

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

Span = tuple[datetime | None, datetime | None]
Reader = Callable[[str, str, datetime, str], list[Span]]

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_CULTURES = {"en": "en-us", "es": "es-es", "fr": "fr-fr"}


def threadbook() -> Reader:
    """Return our own reader."""
    understand = importlib.import_module("nlu.when").understand_when

    def read(text: str, locale: str, now: datetime, tz: str) -> list[Span]:
        return [(window.start, window.end) for window in understand(text, locale=locale, now=now, tz=tz).windows]

    return read


def recognizers() -> Reader:
    """Return Microsoft's Recognizers-Text."""
    recognize = importlib.import_module("recognizers_date_time").recognize_datetime

    def read(text: str, locale: str, now: datetime, tz: str) -> list[Span]:
        culture = "en-gb" if locale == "en-GB" else _CULTURES[locale[:2]]
        spans: list[Span] = []
        for entity in recognize(text, culture, reference=now):
            found = [_recognized(value, now) for value in (entity.resolution or {}).get("values", ())]
            spans += _likely_first([span for span in found if span], now)
        return spans

    return read


def _recognized(value: dict[str, str], now: datetime) -> Span | None:
    kind = value.get("type", "")
    if kind not in ("date", "datetime", "time", "daterange", "datetimerange", "timerange"):
        return None
    if "range" not in kind:
        start = _moment(value.get("value"), now)
        return (start, start + (_DAY if kind == "date" else _MINUTE)) if start else None
    first, last = _moment(value.get("start"), now), _moment(value.get("end"), now)
    if first and last and last <= first and kind == "timerange":
        last += _DAY
    return (first, last) if first or last else None


def _moment(text: str | None, now: datetime) -> datetime | None:
    if not text:
        return None
    try:
        if len(text) > 8:
            return datetime.fromisoformat(text)
        clock = datetime.fromisoformat(f"{now:%Y-%m-%d} {text}")
    except ValueError:
        return None
    return clock if clock >= now else clock + _DAY


def _likely_first(spans: list[Span], now: datetime) -> list[Span]:
    def unlikely(span: Span) -> tuple[bool, bool]:
        start, end = span
        timed = start is not None and end is not None and end - start < _DAY
        return (end or start or now) < now, timed and start is not None and not 8 <= start.hour < 20

    return sorted(spans, key=unlikely)


def ctparse() -> Reader:
    """Return ctparse."""
    module = importlib.import_module("ctparse")

    def read(text: str, locale: str, now: datetime, tz: str) -> list[Span]:
        parsed = module.ctparse(text, ts=now, timeout=1.0)
        found: Any = parsed.resolution if parsed else None
        if type(found).__name__ == "Time":
            found = _dated(found, now)
            return [(found.start.dt, found.end.dt + _MINUTE)]
        if type(found).__name__ != "Interval":
            return []
        first = _dated(found.t_from, now).start.dt if found.t_from else None
        last = _dated(found.t_to, now) if found.t_to else None
        end = last.end.dt + (_DAY if last.isDate else _MINUTE if last.isPOD else timedelta()) if last else None
        return [(first, end)]

    return read


def _dated(moment: Any, now: datetime) -> Any:
    """Give a bare clock its next day."""
    if moment.year is not None or moment.month is not None or moment.day is not None:
        return moment
    later = moment.hour is not None and (moment.hour, moment.minute or 0) < (now.hour, now.minute)
    day = now + _DAY if later else now
    return type(moment)(
        year=day.year, month=day.month, day=day.day, hour=moment.hour, minute=moment.minute, POD=moment.POD
    )


def dateparser() -> Reader:
    """Return dateparser's search in running text."""
    search = importlib.import_module("dateparser.search").search_dates

    def read(text: str, locale: str, now: datetime, tz: str) -> list[Span]:
        settings = {"RELATIVE_BASE": now, "PREFER_DATES_FROM": "future", "RETURN_AS_TIMEZONE_AWARE": False}
        found = search(text, languages=[locale[:2]], settings=settings) or []
        return [_of_unknown_grain(moment, now) for _, moment in found]

    return read


def _of_unknown_grain(moment: datetime, now: datetime) -> Span:
    """Take midnight, and the time of asking, for a day without a time."""
    if (moment.hour, moment.minute) in ((0, 0), (now.hour, now.minute)):
        return _day(moment)
    return moment.replace(second=0), moment.replace(second=0) + _MINUTE


def _day(moment: date) -> Span:
    start = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - wall time has no zone
    return start, start + _DAY


def parsedatetime() -> Reader:
    """Return parsedatetime's reading of running text."""
    calendar = importlib.import_module("parsedatetime").Calendar()

    def read(text: str, locale: str, now: datetime, tz: str) -> list[Span]:
        found = calendar.nlp(text, sourceTime=now) or ()
        return [_day(moment) if flag == 1 else (moment, moment + _MINUTE) for moment, flag, *_ in found]

    return read


def timefhuman() -> Reader:
    """Return timefhuman."""
    module = importlib.import_module("timefhuman")

    def read(text: str, locale: str, now: datetime, tz: str) -> list[Span]:
        return list(_human(module.timefhuman(text, module.tfhConfig(now=now))))

    return read


def _human(found: Any) -> Iterator[Span]:
    if isinstance(found, list):
        for item in found:
            yield from _human(item)
    elif isinstance(found, tuple):
        sides = [next(_human(item), None) for item in found]
        if len(sides) == 2 and sides[0] and sides[1]:
            timed = isinstance(found[1], datetime)
            yield sides[0][0], found[1] if timed else sides[1][1]
    elif isinstance(found, datetime) and (found.hour or found.minute):
        yield found, found + _MINUTE
    elif isinstance(found, date):
        yield _day(found)


READERS: dict[str, Callable[[], Reader]] = {
    "threadbook": threadbook,
    "recognizers-text": recognizers,
    "ctparse": ctparse,
    "dateparser": dateparser,
    "parsedatetime": parsedatetime,
    "timefhuman": timefhuman,
}


def answers(name: str, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Answer every question; one text of each language warms the reader up unmeasured."""
    read = READERS[name]()
    warm: set[str] = set()
    for line in lines:
        asked = json.loads(line)
        question = (asked["text"], asked["locale"], datetime.fromisoformat(asked["now"]), asked["tz"])
        if asked["locale"] not in warm:
            warm.add(asked["locale"])
            _asked(read, question)
        began = time.perf_counter()
        spans = _asked(read, question)
        spent = 1000 * (time.perf_counter() - began)
        yield {"id": asked["id"], "ms": spent, "values": [[_iso(start), _iso(end)] for start, end in spans[:3]]}


def _asked(read: Reader, question: tuple[str, str, datetime, str]) -> list[Span]:
    try:
        return read(*question)
    except Exception:  # noqa: BLE001 - whatever a library raises on a text, it has found nothing there
        return []


def _iso(moment: datetime | None) -> str | None:
    return moment.replace(tzinfo=None).isoformat() if moment else None


def peak_memory() -> float:
    """Return the most memory that this process held, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent held before our start
        kilobytes = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(kilobytes[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> int:
    """Serve the reader that the command line names."""
    # Libraries that print must not break the contract.
    out, sys.stdout = sys.stdout, sys.stderr
    for answer in answers(sys.argv[1], sys.stdin):
        out.write(json.dumps(answer) + "\n")
        out.flush()
    out.write(json.dumps({"peak_mb": peak_memory()}) + "\n")
    out.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
