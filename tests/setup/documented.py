"""The tables of docs/operations.md that follow from the code; `python -m tests.setup.documented` writes them anew."""

import re
from pathlib import Path

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from bot.cli import parser
from bot.settings import Settings

ROOT = Path(__file__).parent.parent.parent


def settings_rows() -> list[str]:
    """A row of the table for each setting."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.default
        if default is PydanticUndefined:
            shown = "required"
        elif isinstance(default, SecretStr):
            shown = f"`{default.get_secret_value()}`" if default.get_secret_value() else "empty"
        else:
            shown = f"`{default}`" if str(default) else "empty"
        rows.append(f"| `{name.upper()}` | {shown} | {field.description} |")
    return rows


def command_rows() -> list[str]:
    """A row of the table for each command of `threadbook`."""
    for action in parser()._actions:
        if isinstance(action.choices, dict):
            helps = {choice.dest: choice.help for choice in action._get_subactions()}
            return [f"| `threadbook {name}` | {helps[name]} |" for name in action.choices]
    raise AssertionError("the parser has no commands")


def make_rows() -> list[str]:
    """A row of the table for each target that `make help` shows."""
    found = re.findall(r"^([a-z-]+):.*?## (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return [f"| `make {name}` | {words} |" for name, words in found]


PAGE = ROOT / "docs" / "operations.md"
TABLES = {
    "make": ("| Target | What it does |", make_rows),
    "commands": ("| Command | What it does |", command_rows),
    "settings": ("| Setting | Default | Meaning |", settings_rows),
}


def fresh(page: str) -> str:
    """The page with its tables as the code has them now."""
    for name, (head, rows) in TABLES.items():
        table = "\n".join([head, re.sub(r"[^|]+", "---", head), *rows()])
        page, times = re.subn(
            rf"(<!-- {name}: .*? -->\n).*?(\n<!-- /{name} -->)",
            lambda found, table=table: found.group(1) + table + found.group(2),
            page,
            flags=re.DOTALL,
        )
        assert times == 1, f"docs/operations.md has no place for the table of {name}"
    return page


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text()))
