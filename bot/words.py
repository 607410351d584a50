"""Words: every sentence lives in the catalogs under `data/locales`, looked up by key.

A catalog is `data/locales/<language>/LC_MESSAGES/<domain>.po` in gettext's format, read by Babel at
start; the msgid is the key. A language is only such a folder. `{name}` marks a value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from babel import Locale
from babel.messages.pofile import read_po

LOCALES = Path(__file__).resolve().parent.parent / "data" / "locales"
#: Who else speaks: the language that is complete by definition.
SOURCE_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Entry:
    """One message: its forms (one, or one for each plural class of the language)."""

    forms: tuple[str, ...]
    plural: Callable[[int], int]


class Words:
    """All catalogs, read once. Looking up never fails: an unknown language is answered in English."""

    def __init__(self, folder: Path = LOCALES) -> None:
        self._catalogs = {
            path.name: _read(
                tuple((file, file.stat().st_mtime_ns) for file in sorted(path.glob("LC_MESSAGES/*.po"))), path.name
            )
            for path in sorted(folder.iterdir())
            if path.is_dir()
        }

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Every language there are words in, English first."""
        return tuple(sorted(self._catalogs, key=lambda language: (language != SOURCE_LANGUAGE, language)))

    def keys(self, language: str) -> dict[str, Entry]:
        """Return a language's whole catalog, for checks."""
        return self._catalogs[language]

    def text(self, locale: str, key: str, count: int | None = None, **values: object) -> str:
        """Return the sentence for a key in the locale's language; raises KeyError for an unknown key."""
        language = language_of(locale)
        entry = self._catalogs.get(language, {}).get(key) or self._catalogs[SOURCE_LANGUAGE][key]
        form = entry.forms[0 if count is None else entry.plural(count)]
        if count is not None:
            values["count"] = count
        return form.format(**values)

    def has(self, key: str) -> bool:
        """Whether the key exists."""
        return key in self._catalogs[SOURCE_LANGUAGE]


def language_of(locale: str) -> str:
    """Return the language of a BCP 47 tag: `es` for `es-MX`."""
    return locale.replace("_", "-").split("-", 1)[0].lower()


@cache
def _read(files: tuple[tuple[Path, int], ...], language: str) -> dict[str, Entry]:
    """Read files of a language, each with the time of its last change: the same ones are read once."""
    found: dict[str, Entry] = {}
    for file, _ in files:
        with file.open("rb") as stream:
            catalog = read_po(stream, locale=Locale(language))
        rule = Locale(language).plural_form
        order = tuple(sorted(rule.tags | {"other"}, key=("zero", "one", "two", "few", "many", "other").index))
        for message in catalog:
            key = message.id if isinstance(message.id, str) else message.id[0]
            forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
            if key and all(forms):
                found[key] = Entry(tuple(map(str, forms)), _chooser(rule, order, len(forms)))
    return found


def _chooser(rule: Callable[[int], str], order: tuple[str, ...], forms: int) -> Callable[[int], int]:
    def choose(count: int) -> int:
        return min(order.index(rule(count)), forms - 1)

    return choose
