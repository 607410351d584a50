"""The order of services as customers say it, in five languages: and when they say none."""

import pytest

from bot.actions.said_order import said_order
from nlu.contract import Entity

#: C is the colour and H the haircut.
CASES = {
    "first {C} then {H} please": "CH",
    "{C} and then {H} on Thursday": "CH",
    "{C}, followed by {H}": "CH",
    "{H} after {C}": "CH",
    "{C} before {H}": "CH",
    "after the {C}, a {H}": "CH",
    "before the {H} a {C}": "CH",
    "a {H} and a {C}, but {C} first": "CH",
    "a {H} and a {C}": "",
    "{C} and {H} on the first of March": "",
    "{C} and {H} first thing on Tuesday": "",
    "a {H} and a {C} after 3pm": "",
    "first the {C}": "C",
    "the {C} first": "C",
    "the {C}": "",
    "primero {C} y luego {H}": "CH",
    "{C} y después {H}": "CH",
    "{H} después del {C}": "CH",
    "antes del {H} un {C}": "CH",
    "{H} y {C}": "",
    "{H} y {C} después de las 3": "",
    "d'abord {C} puis {H}": "CH",
    "une {C}, et après une {H}": "CH",
    "une {H} après la {C}": "CH",
    "{C} avant la {H}": "CH",
    "{H} et {C}": "",
    "zuerst {C}, dann {H}": "CH",
    "{C} und danach {H}": "CH",
    "{H} nach dem {C}": "CH",
    "erst {C} und anschließend {H}": "CH",
    "{C} vor dem {H}": "CH",
    "{H} und {C} nach 15 Uhr": "",
    "primeiro {C} e depois {H}": "CH",
    "{H} depois da {C}": "CH",
    "{C} antes do {H}": "CH",
    "{C} e em seguida {H}": "CH",
    "{H} e {C} depois das 15h": "",
}
WORDS = {"C": "colour", "H": "haircut"}


@pytest.mark.parametrize(("said", "order"), CASES.items())
def test_order_is_what_was_said(said: str, order: str) -> None:
    text, entities = "", []
    for piece in said.replace("{", "\0{").replace("}", "}\0").split("\0"):
        if piece.startswith("{"):
            word = WORDS[piece[1]]
            entities.append(Entity("service", piece[1], word, len(text), len(text) + len(word)))
            text += word
        else:
            text += piece
    assert "".join(said_order(text, entities[::-1])) == order
