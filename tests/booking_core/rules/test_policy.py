"""Money and deadlines of a policy."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from booking_core.rules.policy import (
    Policy,
    WindowDays,
    cancellation_terms,
    due_for,
    last_day,
    may_still_move,
    snapshot,
)
from booking_core.rules.reminder_plan import plan_reminders, still_useful

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
PERCENT = st.integers(0, 100)


@pytest.mark.parametrize(
    ("hours", "ahead", "passed"),
    [
        (2, timedelta(hours=1.5), True),
        (2, timedelta(hours=3), False),
        (2, timedelta(hours=2), False),  # exactly is early enough
        (2, timedelta(hours=2, microseconds=-1), True),
        (24, timedelta(hours=23), True),
        (0, timedelta(0), False),
        (0, timedelta(seconds=-1), True),
    ],
)
def test_the_cut_off(hours: int, ahead: timedelta, passed: bool) -> None:  # 59
    frozen = snapshot(Policy(cancel_cutoff_hours=hours, refund_before_cutoff=100, refund_after_cutoff=0))
    terms = cancellation_terms(frozen, starts=NOW + ahead, paid=1000, now=NOW)
    assert terms.cutoff_passed is passed
    assert (terms.refund, terms.fee) == ((0, 1000) if passed else (1000, 0))


@given(PERCENT, PERCENT, st.integers(0, 10**9), st.integers(-100, 100), st.booleans())
def test_refund_and_fee_are_what_was_paid(before: int, later: int, paid: int, ahead: int, by_business: bool) -> None:
    frozen = snapshot(Policy(refund_before_cutoff=before, refund_after_cutoff=later))
    terms = cancellation_terms(frozen, starts=NOW + timedelta(hours=ahead), paid=paid, now=NOW, by_business=by_business)
    assert terms.refund + terms.fee == paid
    assert 0 <= terms.refund <= paid
    assert not by_business or terms.fee == 0


def test_a_snapshot_without_a_word_is_the_default() -> None:
    assert cancellation_terms({}, starts=NOW + timedelta(days=2), paid=100, now=NOW).refund == 100


@pytest.mark.parametrize(
    "wrong",
    [
        {"hold_minutes": 4},
        {"hold_minutes": 121},
        {"lead_time": -1},
        {"refund_before_cutoff": 101},
        {"cancel_cutof_hours": 1},
    ],
)
def test_a_wrong_policy_is_no_policy(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate(wrong)


@pytest.mark.parametrize(("payment", "due"), [("none", 0), ("deposit", 1000), ("full", 2800)])
def test_what_is_due(payment: str, due: int) -> None:
    assert due_for(payment, price=2800, deposit=1000) == due
    assert due_for(payment, price=500, deposit=1000) <= 500


def test_moving_in_time() -> None:
    frozen = snapshot(Policy(change_cutoff_hours=2))
    assert may_still_move(frozen, starts=NOW + timedelta(hours=2), now=NOW)
    assert not may_still_move(frozen, starts=NOW + timedelta(hours=1.9), now=NOW)
    assert not may_still_move(snapshot(Policy()), starts=NOW, now=NOW)


@pytest.mark.parametrize(
    ("ahead", "kinds"),
    [(48, ["24h", "2h"]), (24, ["2h"]), (23, ["2h"]), (2, []), (1, [])],
)
def test_reminders_that_lie_ahead(ahead: int, kinds: list[str]) -> None:
    starts = NOW + timedelta(hours=ahead)
    planned = plan_reminders(starts, now=NOW)
    assert [one.kind for one in planned] == kinds
    for one in planned:
        assert starts - one.due_at == timedelta(hours=int(one.kind[:-1]))
        assert one.due_at > NOW


@pytest.mark.parametrize(
    ("kind", "late", "useful"),
    [("24h", 0, True), ("24h", 12, True), ("24h", 12.1, False), ("2h", 1, True), ("2h", 1.1, False), ("2h", 2, False)],
)
def test_late_reminders(kind: str, late: float, useful: bool) -> None:
    starts = NOW + timedelta(hours=int(kind[:-1]))
    assert still_useful(kind, due_at=NOW, starts=starts, now=NOW + timedelta(hours=late)) is useful


@pytest.mark.parametrize(
    ("today", "window", "last"),
    [
        ("2024-05-31", 2, "2024-06-04"),  # 19: Friday; Saturday and Sunday can be booked and do not count
        ("2024-05-31", 0, "2024-05-31"),
        ("2024-06-01", 0, "2024-06-01"),
        ("2024-06-01", 1, "2024-06-03"),
        ("2024-06-02", 5, "2024-06-07"),
        ("2024-06-03", 5, "2024-06-10"),
    ],
)
def test_a_window_of_business_days(today: str, window: int, last: str) -> None:
    assert last_day(date.fromisoformat(today), window, WindowDays.BUSINESS) == date.fromisoformat(last)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 730))
def test_a_window_counts_its_days(today: date, window: int) -> None:
    last = last_day(today, window, WindowDays.BUSINESS)
    counted = [day for n in range((last - today).days) if (day := today + timedelta(days=n + 1)).weekday() < 5]
    assert len(counted) == window
    assert last == max(today, *counted, today)
    assert last_day(today, window, WindowDays.CALENDAR) == today + timedelta(days=window)
