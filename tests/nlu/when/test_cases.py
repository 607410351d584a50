"""What people write, language by language: data/when/<language>.yml says what each text means."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from nlu.when import When, Window, understand_when

DATA = Path(__file__).parents[3] / "data" / "when"


def _cases() -> list[Any]:
    found = []
    for path in sorted(DATA.glob("*.yml")):
        file = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        found += [pytest.param(file, case, id=f"{path.stem}: {case['say']}") for case in file["cases"]]
    return found


def written(window: Window) -> str:
    """Write a window as the case files do: 2027-03-11 15:00 .. 16:00, a day alone, open sides empty."""
    start, end = window.start, window.end
    if start and end and end - start == timedelta(days=1) and not start.hour and not start.minute:
        return f"{start:%Y-%m-%d}"
    left = _moment(start)
    right = f"{end:%H:%M}" if start and end and start.date() == end.date() else _moment(end)
    return f"{left} .. {right}".strip()


def _moment(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return f"{moment:%Y-%m-%d}" if not moment.hour and not moment.minute else f"{moment:%Y-%m-%d %H:%M}"


def asked(file: dict[str, Any], case: dict[str, Any]) -> When:
    """Ask as the file says: its locale, zone and hours, from its now."""
    hours = {int(day): [(int(a), int(b)) for a, b in ranges] for day, ranges in file.get("hours", {}).items()}
    booking = case.get("booking")
    reference = (datetime.fromisoformat(booking[0]), datetime.fromisoformat(booking[1])) if booking else None
    return understand_when(
        case["say"],
        locale=case.get("locale", file["locale"]),
        now=datetime.fromisoformat(file["now"]),
        tz=file["tz"],
        hours=hours,
        reference=reference,
        latent="latent" in case,
    )


@pytest.mark.parametrize(("file", "case"), _cases())
def test_the_text_means_what_the_case_says(file: dict[str, Any], case: dict[str, Any]) -> None:
    when = asked(file, case)
    assert [written(window) for window in when.choices] == case["means"]
    assert [written(window) for window in when.exclusions] == case.get("not", [])
    assert (when.ambiguity or "") == case.get("asks", "")
    assert when.asap == ("asap" in case)
    assert all(window.past for window in when.choices) == ("past" in case) or not when.choices


@pytest.mark.parametrize("path", sorted(DATA.glob("*.yml")), ids=lambda path: path.stem)
def test_no_text_is_asked_twice(path: Path) -> None:
    cases = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)["cases"]
    texts = [(case["say"], case.get("locale"), "latent" in case, "booking" in case) for case in cases]
    assert len(texts) == len(set(texts))
