"""Every state and every move; and the table of the database says the same."""

import re
from itertools import product

import pytest

from booking_core.models import Booking, State
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules.lifecycle import CANCELLED, MOVES, TAKES_TIME, Move, after


@pytest.mark.parametrize(("state", "move"), list(product(State, Move)))
def test_every_pair_is_a_move_or_a_refusal(state: State, move: Move) -> None:
    if (state, move) in MOVES:
        assert after(state.value, move) is MOVES[state, move]
    else:
        with pytest.raises(BookingRefused) as caught:
            after(state, move)
        assert caught.value.reason == Reason.NOT_NOW
        assert caught.value.data == {"state": state.value, "move": move.value}


def test_states_are_those_of_the_database() -> None:
    (check,) = [one for one in Booking.__table__.constraints if str(one.name) == "ck_booking_state"]
    assert set(re.findall(r"'(\w+)'", str(check.sqltext))) == {state.value for state in State}


def test_every_state_is_reached_and_cancelled_is_the_end() -> None:
    assert {State.HELD, *MOVES.values()} == set(State)
    assert not {state for state, _ in MOVES} & CANCELLED
    assert set(State) == TAKES_TIME | CANCELLED | {State.EXPIRED}
    assert {move for _, move in MOVES} == set(Move)


def test_an_unknown_state_is_no_state() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        after("nonsense", Move.CONFIRM)
