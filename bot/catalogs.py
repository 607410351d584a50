"""Check the catalogs: every key that the code says exists in every language, with the same values.

python -m bot.catalogs --check     # exit 1 and a line for each fault
python -m bot.catalogs             # write data/locales/messages.pot
"""

import ast
import string
import sys
from collections.abc import Iterator

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from bot.words import LOCALES, SOURCE_LANGUAGE, Words

ROOT = LOCALES.parent.parent
TEMPLATE = LOCALES / "messages.pot"
#: Functions whose first argument (or second, after the locale) is a key.
_SAYING = {"say", "option", "text"}


def used_keys() -> Iterator[tuple[str, str]]:
    """Yield every literal key in `bot/` with its place, for the domain of the bot's own sentences."""
    for path in sorted((ROOT / "bot").rglob("*.py")):
        if {"console", "sandbox"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr not in _SAYING:
                continue
            place = 1 if node.func.attr == "text" else 0
            if len(node.args) > place:
                for key in _literals(node.args[place]):
                    yield key, f"{path.relative_to(ROOT)}:{node.lineno}"


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def fields(text: str) -> set[str]:
    """Return the names of the values in a sentence."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def faults() -> list[str]:
    """Return everything that is wrong, a line each."""
    words = Words()
    source = words.keys(SOURCE_LANGUAGE)
    found = [f"{place}: no words for {key!r}" for key, place in used_keys() if key not in source]
    for language in words.languages:
        catalog = words.keys(language)
        found += [f"{language}: {key!r} is missing" for key in source if key not in catalog]
        found += [f"{language}: {key!r} is not in English" for key in catalog if key not in source]
        found += [
            f"{language}: {key!r} has other values than in English"
            for key, entry in catalog.items()
            if key in source
            and any(fields(form) - {"count"} != fields(source[key].forms[-1]) - {"count"} for form in entry.forms)
        ]
    if TEMPLATE.exists():
        with TEMPLATE.open("rb") as stream:
            listed = {message.id for message in read_po(stream) if message.id}
        if listed != set(source):
            found.append("data/locales/messages.pot is stale: run python -m bot.catalogs")
    else:
        found.append("data/locales/messages.pot is missing: run python -m bot.catalogs")
    return found


def write_template() -> None:
    """Write the list of all keys, with English beside them, for a translator to start from."""
    template = Catalog(project="Threadbook", fuzzy=False, header_comment="# Keys of every sentence; see docs.")
    for key, entry in sorted(Words().keys(SOURCE_LANGUAGE).items()):
        template.add(key, auto_comments=[entry.forms[-1].replace("\n", " / ")])
    with TEMPLATE.open("wb") as stream:
        write_po(stream, template, omit_header=True, width=0)


def main(arguments: list[str]) -> int:
    """Check or write."""
    if "--check" not in arguments:
        write_template()
        return 0
    wrong = faults()
    for line in wrong:
        sys.stdout.write(line + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
