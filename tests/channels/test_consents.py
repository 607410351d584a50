"""Who agreed to what: the rules, from notes that are only ever added to."""

from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.consents import (
    CORRECTED,
    MOST_ASKED,
    PROVES,
    SPOKEN,
    Needed,
    Purpose,
    Standing,
    decide_standing,
    is_spoken,
    stronger,
)

REMINDERS = Purpose.REMINDERS


@dataclass(frozen=True)
class Said:
    wish: str
    how: str = "answered"
    purpose: str = "reminders"


WROTE = Said("in", "wrote", "any")
LEFT = Said("out", "platform", "any")
BACK = Said("in", "platform", "any")
ASKED = Said("asked", "question")
YES, NO = Said("in"), Said("out")
TOLD, TOLD_ANY = Said("out", SPOKEN), Said("out", SPOKEN, "any")
notes = st.lists(
    st.builds(
        Said,
        st.sampled_from(["in", "out", "asked"]),
        st.sampled_from([*PROVES, "question", "refused", "blocked"]),
        st.sampled_from(list(Purpose)),
    )
)


@pytest.mark.parametrize(
    ("said", "needed", "standing"),
    [
        ([WROTE], Needed.WROTE, Standing.GIVEN),
        ([WROTE], Needed.EXPRESS, Standing.ASK),
        ([WROTE], Needed.DOUBLE, Standing.ASK),
        ([WROTE, ASKED], Needed.EXPRESS, Standing.ASK),
        ([WROTE, ASKED, ASKED], Needed.EXPRESS, Standing.ASKED),
        ([WROTE, ASKED, YES], Needed.DOUBLE, Standing.GIVEN),
        ([WROTE, ASKED, NO], Needed.WROTE, Standing.REFUSED),
        ([WROTE, ASKED, NO, YES], Needed.EXPRESS, Standing.GIVEN),
        ([WROTE, ASKED, YES, LEFT], Needed.WROTE, Standing.REFUSED),
        ([WROTE, ASKED, YES, LEFT, BACK], Needed.DOUBLE, Standing.GIVEN),
        ([WROTE, LEFT, BACK], Needed.EXPRESS, Standing.ASK),
        ([WROTE, Said("in", "words")], Needed.EXPRESS, Standing.GIVEN),
        ([WROTE, Said("in", "words")], Needed.DOUBLE, Standing.ASK),
        ([WROTE, Said("in", "answered", "marketing")], Needed.EXPRESS, Standing.ASK),
        ([WROTE, Said("out", "answered", "marketing")], Needed.WROTE, Standing.GIVEN),
        ([WROTE, ASKED, YES, TOLD_ANY], Needed.WROTE, Standing.REFUSED),
        ([WROTE, ASKED, YES, TOLD_ANY, Said("in", CORRECTED, "any")], Needed.DOUBLE, Standing.GIVEN),
        ([WROTE, TOLD], Needed.WROTE, Standing.REFUSED),
        ([WROTE, TOLD, Said("in", CORRECTED)], Needed.WROTE, Standing.GIVEN),
        ([WROTE, TOLD, Said("in", CORRECTED)], Needed.EXPRESS, Standing.ASK),
    ],
)
def test_the_last_word_for_a_purpose_counts(said: list[Said], needed: Needed, standing: Standing) -> None:
    assert decide_standing(said, REMINDERS, needed) is standing


@given(notes, st.sampled_from([Purpose.REMINDERS, Purpose.MARKETING]), st.sampled_from(list(Needed)))
def test_whoever_has_left_is_written_to_for_no_purpose(said: list[Said], purpose: Purpose, needed: Needed) -> None:
    assert decide_standing([*said, LEFT], purpose, needed) is Standing.REFUSED


@given(notes, st.sampled_from([Purpose.REMINDERS, Purpose.MARKETING]))
def test_what_satisfies_more_satisfies_less(said: list[Said], purpose: Purpose) -> None:
    given_ = [decide_standing(said, purpose, needed) is Standing.GIVEN for needed in Needed]
    assert given_ == sorted(given_, reverse=True)


@given(notes, st.sampled_from(list(Needed)))
def test_nobody_is_asked_who_has_answered_or_was_asked_often_enough(said: list[Said], needed: Needed) -> None:
    for last in (YES, NO):
        assert decide_standing([*said, last], REMINDERS, needed) is not Standing.ASKED
        if last is NO:
            assert decide_standing([*said, last], REMINDERS, needed) is Standing.REFUSED
    assert decide_standing([*said, *[ASKED] * MOST_ASKED], REMINDERS, needed) is not Standing.ASK


def test_the_stronger_of_two() -> None:
    order = list(Needed)
    for one, other in product(order, order):
        assert stronger(one, other) is order[max(order.index(one), order.index(other))]


@pytest.mark.parametrize(
    ("said", "spoken"),
    [
        ([], False),
        ([WROTE], False),
        ([WROTE, TOLD_ANY], True),
        ([WROTE, TOLD], False),
        ([WROTE, TOLD_ANY, LEFT], False),
        ([WROTE, LEFT, TOLD_ANY], True),
        ([WROTE, TOLD_ANY, NO, ASKED], True),
        ([WROTE, TOLD_ANY, Said("in", CORRECTED, "any")], False),
    ],
)
def test_only_what_was_told_of_can_have_been_a_mistake(said: list[Said], spoken: bool) -> None:
    assert is_spoken(said, Purpose.ANY) is spoken
