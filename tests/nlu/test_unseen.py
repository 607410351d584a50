"""Messages that no training has seen: how many are understood, by language (tests/nlu/unseen)."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from nlu.contract import Catalog, Heard, Name, Understood
from nlu.engine import Engine
from nlu.folders import DATA
from nlu.pipeline.texts import keys_of

FOLDER = Path(__file__).with_name("unseen")
LANGUAGES = ("en", "es", "fr", "de", "pt")
NOW = datetime(2027, 3, 2, 10, 0, tzinfo=ZoneInfo("Europe/Madrid"))  # a Tuesday
HOURS = dict.fromkeys(range(6), ((9 * 60, 19 * 60),))
CATALOG = Catalog(
    services=(
        Name("haircut", ("Haircut", "Corte de pelo", "Coupe", "Haarschnitt", "Corte de cabelo", "corte")),
        Name("beard", ("Beard trim", "Arreglo de barba", "barba", "Taille de barbe", "barbe", "Bartpflege")),
        Name("colour", ("Colour", "color", "Tinte", "Couleur", "Farbe", "Färben", "Coloração")),
        Name("massage", ("Massage", "Masaje", "Massagem")),
        Name("nails", ("Manicure", "Manicura", "Manucure", "Maniküre")),
    ),
    staff=(Name("ana", ("Ana",)), Name("bruno", ("Bruno",)), Name("carla", ("Carla",)), Name("will", ("Will",))),
)
#: The share of each language's messages whose intents are all understood, and of the facts in them that are.
INTENTS, FACTS = 0.9, 0.95


@dataclass(slots=True)
class Tally:
    """What was asked of one kind, and what was understood otherwise."""

    total: int = 0
    wrong: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        return 1 - len(self.wrong) / max(self.total, 1)

    def count(self, say: str, *, right: bool, found: object) -> None:
        self.total += 1
        if not right:
            self.wrong += (f"{say!r}: {found}",)


def messages(language: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = yaml.safe_load((FOLDER / f"{language}.yml").read_text(encoding="utf-8"))
    return read


async def tally(reader: Engine, language: str) -> dict[str, Tally]:
    """Ask for every message of a language."""
    found: dict[str, Tally] = defaultdict(Tally)
    for one in messages(language):
        heard = Heard(
            text=one["say"],
            now=NOW,
            tz="Europe/Madrid",
            locale=one.get("locale", language),
            asked=one.get("asked"),
            catalog=CATALOG,
            hours=HOURS,
        )
        understood = await reader.understand(heard)
        said = {understood.intent, *understood.also}
        found["intent"].count(
            one["say"], right=all(said & set(any_of.split("|")) for any_of in one["means"]), found=said
        )
        for kind, right, what in _facts(one, understood):
            found[kind].count(one["say"], right=right, found=what)
    return found


def _facts(one: dict[str, Any], understood: Understood) -> list[tuple[str, bool, object]]:
    facts: list[tuple[str, bool, object]] = []
    if "when" in one:
        starts = [str(window.start)[:16] for window in understood.when.choices] if understood.when else []
        right = len(starts) == 1 and any(starts[0].startswith(when) for when in one["when"].split("|"))
        facts.append(("fact", right, starts))
    for kind, key in (("service", "services"), ("staff", "staff")):
        if key in one:
            ids = {entity.value for entity in understood.entities if entity.entity == kind}
            facts.append(("fact", ids == set(one[key]), ids))
    if "name" in one:
        names = [entity.value for entity in understood.entities if entity.entity == "name"]
        facts.append(("fact", names == [one["name"]], names))
    return facts


@pytest.mark.model
@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_nobody_here_has_seen_is_understood(reader: Engine, language: str) -> None:
    found = await tally(reader, language)
    wrong = "\n".join(line for one in found.values() for line in one.wrong)
    assert found["intent"].total >= 60
    assert found["intent"].rate >= INTENTS, wrong
    assert found["fact"].rate >= FACTS, wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_none_of_them_is_trained(language: str) -> None:
    trained = {
        keys_of(line.strip().removeprefix("- "))
        for path in (DATA / "nlu" / language).glob("*.yml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith("- ")
    }
    said = [keys_of(one["say"]) for one in messages(language)]
    assert not [words for words in said if len(words) > 3 and words in trained]
