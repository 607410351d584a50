"""The table of moves: complete, and as the database's own constraint has it."""

import itertools
import re

import psycopg
import pytest

from booking_core.kit.db import libpq_url
from payment_links.lifecycle import LIVE, MONEY_CAME, MOVES, OWED, Move, MoveRefused, after, allows
from payment_links.models import PaymentState

ALLOWED = {
    ("requested", "open", "open"),
    ("requested", "pay", "paid"),
    ("requested", "pay_late", "paid_late"),
    ("requested", "close", "closed"),
    ("requested", "fail", "failed"),
    ("open", "pay", "paid"),
    ("open", "pay_late", "paid_late"),
    ("open", "close", "closed"),
    ("closed", "pay", "paid"),
    ("closed", "pay_late", "paid_late"),
    ("failed", "pay", "paid"),
    ("failed", "pay_late", "paid_late"),
    ("paid", "ask_refund", "refund_pending"),
    ("paid", "refund", "refunded"),
    ("paid_late", "refund", "refunded"),
    ("refund_pending", "refund", "refunded"),
}


@pytest.mark.parametrize(("state", "move"), list(itertools.product(PaymentState, Move)))
def test_every_pair_is_decided(state: PaymentState, move: Move) -> None:
    targets = {target for source, name, target in ALLOWED if (source, name) == (state, move)}
    assert allows(state, move) is bool(targets)
    if targets:
        assert {after(state, move)} == targets
    else:
        with pytest.raises(MoveRefused):
            after(state, move)


def test_money_is_never_forgotten() -> None:
    reachable = {target for (state, _), target in MOVES.items() if state in MONEY_CAME}
    assert reachable <= MONEY_CAME
    assert OWED < MONEY_CAME
    assert not LIVE & MONEY_CAME


def test_the_database_knows_the_same_states(database_url: str) -> None:
    with psycopg.connect(libpq_url(database_url)) as connection:
        row = connection.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_payment_state'"
        ).fetchone()
    assert row is not None
    assert set(re.findall(r"'(\w+)'", row[0])) == set(PaymentState)
