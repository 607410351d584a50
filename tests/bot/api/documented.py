"""The tables of docs/api.md that follow from the code; `python -m tests.bot.api.documented` writes them anew."""

import re
from collections.abc import Callable

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi

from bot.api import routes
from bot.api.errors import PREFIX
from bot.api.events import OF_MOVE, EventType
from bot.api.problems import ANOTHER_TIME, KINDS, REFUSALS
from tests.setup.documented import ROOT

PAGE = ROOT / "docs" / "api.md"


def route_rows() -> list[str]:
    """A row for each route, in the order of the description."""
    router = APIRouter(prefix=PREFIX)
    for part in routes.PARTS:
        part.add_routes(router)
    spec = get_openapi(title="", version="1", routes=list(router.routes))
    rows = []
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            ((scope,),) = operation["security"][0].values()
            said = operation["description"].split("\n")[0]
            rows.append(f"| `{method.upper()} {path.removeprefix(PREFIX)}` | `{scope}` | {said} |")
    return rows


def error_rows() -> list[str]:
    """A row for each reason, by status."""
    known = {reason.value: kind for reason, kind in REFUSALS.items()} | dict(KINDS)
    times = {reason.value for reason in ANOTHER_TIME}
    return [
        f"| `{reason}` | {kind.status} | {kind.title}{' Comes with `alternatives`.' if reason in times else ''} |"
        for reason, kind in sorted(known.items(), key=lambda one: (one[1].status, one[0]))
    ]


def event_rows() -> list[str]:
    """A row for each event, with the changes that cause it."""
    rows = []
    for kind in EventType:
        moves = [move for move, told in OF_MOVE.items() if told is kind]
        rows.append(f"| `{kind.value}` | {', '.join(f'`{move}`' for move in moves) or 'asked for by you'} |")
    return rows


TABLES: dict[str, tuple[str, Callable[[], list[str]]]] = {
    "routes": ("| Route | Scope | What it does |", route_rows),
    "errors": ("| `reason` | Status | Meaning |", error_rows),
    "events": ("| Event | Told after |", event_rows),
}


def fresh(page: str) -> str:
    """The page with its tables as the code has them now."""
    for name, (head, rows) in TABLES.items():
        table = "\n".join([head, re.sub(r"[^|]+", "---", head), *rows()])
        page, times = re.subn(
            rf"(<!-- {name}: .*? -->\n).*?(<!-- /{name} -->)",
            lambda found, table=table: f"{found.group(1)}{table}\n{found.group(2)}",
            page,
            flags=re.DOTALL,
        )
        assert times == 1, f"docs/api.md has no place for the table of {name}"
    return page


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text()))
