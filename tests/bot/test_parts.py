"""Who was said next to which service: read from the order of what is named, in any language."""

import pytest

from bot.actions.contract import ANYONE
from bot.actions.parts import named
from nlu.contract import Entity

#: cut, colour and wash are services, capitals people; `*` is a word for anyone, `|` begins "or anyone".
CASES = {
    "cut Ana colour Bruno": {"cut": "Ana", "colour": "Bruno"},
    "Ana cut Bruno colour": {"cut": "Ana", "colour": "Bruno"},
    "Ana cut colour Bruno": {"cut": "Ana", "colour": "Bruno"},
    "cut Ana wash *": {"cut": "Ana", "wash": ANYONE},
    "cut Ana colour": {"cut": "Ana", "colour": None},
    "cut colour Ana": {"cut": "Ana", "colour": "Ana"},
    "cut Ana colour wash Bruno": {"cut": "Ana", "colour": "Bruno", "wash": "Bruno"},
    "Ana cut Bruno colour wash": {"cut": "Ana", "colour": "Bruno", "wash": "Bruno"},
    "Ana cut Bruno colour Carla": {"cut": "Bruno", "colour": "Carla"},
    "cut Ana colour Bruno |*": {"cut": "Ana", "colour": "Bruno"},
    "cut Ana Bruno": {"cut": "Ana"},
    "colour Ana": {"colour": "Ana"},
    "cut colour": {"cut": None, "colour": None},
    "Ana": {},
    "": {},
}


def _entities(said: str) -> list[Entity]:
    found = []
    for at, word in enumerate(said.split()):
        start = 10 * at
        if word.startswith("|"):
            found.append(Entity("mark", "or anyone", word, start, start + 9))
        if word.endswith("*"):
            found.append(Entity("mark", "anyone", word, start + 3 * word.startswith("|"), start + 9))
        else:
            found.append(Entity("staff" if word[0].isupper() else "service", word, word, start, start + len(word)))
    return found[::-1]


@pytest.mark.parametrize(("said", "meant"), CASES.items())
def test_the_person_beside_each_service(said: str, meant: dict[str, str | None]) -> None:
    assert {one.service: one.whom for one in named(_entities(said))} == meant


def test_a_package_is_passed_over_where_its_parts_are_named() -> None:
    found = named(_entities("makeover Ana cut Bruno colour"), but={"makeover"})
    assert {one.service: one.whom for one in found} == {"cut": "Ana", "colour": "Bruno"}


def test_a_customer_may_be_called_like_somebody_here() -> None:
    called = [*_entities("cut Ana colour Bruno Ana"), Entity("name", "Ana Gil", "Ana Gil", 40, 47)]
    assert {one.service: one.whom for one in named(called)} == {"cut": "Ana", "colour": "Bruno"}
