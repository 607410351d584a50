"""The `threadbook understand` contract: one JSON object a line in, one a line out."""

import json
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any

from nlu.contract import Catalog, Heard, Name
from nlu.engine import Engine
from nlu.when.command import values_of

#: When a line does not say.
_NOW = datetime(2027, 3, 2, 10, 0, tzinfo=UTC)


async def understand_lines(engine: Engine, lines: Iterable[str]) -> AsyncIterator[str]:
    """Answer every line; a line that cannot be read gets an answer that says why."""
    for line in lines:
        if line.strip():
            yield json.dumps(await _answer(engine, line), ensure_ascii=False)


async def _answer(engine: Engine, line: str) -> dict[str, Any]:
    asked: Any = None
    try:
        asked = json.loads(line)
        heard = _heard(asked)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        number = asked.get("id") if isinstance(asked, dict) else None
        return {"id": number, "error": f"{type(problem).__name__}: {problem}"}
    understood = await engine.understand(heard)
    return {
        "id": asked.get("id"),
        "language": understood.language,
        "intent": understood.intent,
        "confidence": understood.confidence,
        "also": list(understood.also),
        "entities": [
            {"entity": one.entity, "value": one.value, "start": one.start, "end": one.end}
            for one in understood.entities
        ],
        "when": values_of(understood.when) if understood.when is not None else [],
    }


def _heard(asked: dict[str, Any]) -> Heard:
    now = datetime.fromisoformat(asked["now"]) if asked.get("now") else _NOW
    catalog = asked.get("catalog") or {}
    return Heard(
        text=str(asked["text"]),
        now=now if now.tzinfo else now.replace(tzinfo=UTC),
        tz=str(asked.get("tz") or "UTC"),
        locale=str(asked.get("locale") or "en"),
        asked=asked.get("asked") or None,
        catalog=Catalog(services=_names(catalog.get("services")), staff=_names(catalog.get("staff"))),
    )


def _names(given: dict[str, list[str]] | None) -> tuple[Name, ...]:
    return tuple(Name(str(key), tuple(map(str, names))) for key, names in (given or {}).items())
