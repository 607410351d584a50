"""The `threadbook when` contract: one JSON object a line in, one a line out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from nlu.when.model import When, Window
from nlu.when.understand import understand_when


def run(lines: Iterable[str]) -> Iterator[str]:
    """Answer every line; a line that cannot be read gets an answer that says why."""
    for line in lines:
        if line.strip():
            yield json.dumps(_answer(line), ensure_ascii=False)


def _answer(line: str) -> dict[str, Any]:
    asked: Any = None
    try:
        asked = json.loads(line)
        if missing := [name for name in ("text", "now") if not isinstance(asked, dict) or name not in asked]:
            raise ValueError(
                f"a line is an object with text and now (and id, locale, tz); missing: {', '.join(missing)}"
            )
        now = datetime.fromisoformat(asked["now"])
        text, locale, zone = str(asked["text"]), str(asked.get("locale") or "en"), str(asked.get("tz") or "UTC")
        begin = time.perf_counter()
        when = understand_when(text, locale=locale, now=now, tz=zone, latent=bool(asked.get("latent")))
        spent = (time.perf_counter() - begin) * 1000
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        return {
            "id": asked.get("id") if isinstance(asked, dict) else None,
            "error": str(problem) or type(problem).__name__,
        }
    return {"id": asked.get("id"), "ms": round(spent, 3), "values": values_of(when)}


def values_of(when: When) -> list[dict[str, Any]]:
    """Return the ranked readings in the contract's form."""
    return [_value(window) for window in when.windows]


def _value(window: Window) -> dict[str, Any]:
    return {
        "start": window.start.isoformat() if window.start else None,
        "end": window.end.isoformat() if window.end else None,
        "grain": window.grain,
        "text": window.text,
    }
