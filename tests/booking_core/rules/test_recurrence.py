"""Rules of recurring visits: those that make sense, and those that would keep a server busy for nothing."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core.rules.recurrence import LONGEST, MOST, RuleError, occurrences

TZ = "Europe/Madrid"
#: A Monday, ten o'clock in Madrid.
FIRST = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("FREQ=DAILY;COUNT=3", 3),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;COUNT=7", 7),
        ("RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=6", 6),
        ("FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20261231", 12),
        ("FREQ=MONTHLY;BYMONTHDAY=23;COUNT=4", 4),
        ("FREQ=MONTHLY;BYDAY=4MO;COUNT=12", 12),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=4;COUNT=12", 12),
        ("FREQ=DAILY;COUNT=104", 104),
    ],
)
def test_rules_that_make_sense(rule: str, count: int) -> None:
    found = occurrences(rule, FIRST, TZ)
    assert len(found) == count
    assert found[0] == FIRST
    assert found == sorted(set(found))


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MONTHLY;BYMONTHDAY=31;BYSETPOS=5;COUNT=5",
        "FREQ=DAILY;BYMONTHDAY=31;BYSETPOS=3;COUNT=5",
        "FREQ=DAILY;BYMONTHDAY=-99;COUNT=3",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU;COUNT=2",
        "FREQ=DAILY;INTERVAL=999999999;COUNT=3",
        "FREQ=WEEKLY;INTERVAL=0;COUNT=3",
        "FREQ=WEEKLY;INTERVAL=-1;COUNT=3",
        "FREQ=WEEKLY;INTERVAL=²;COUNT=3",
        "FREQ=WEEKLY;COUNT=²",
        "FREQ=MONTHLY;BYDAY=+9MO;COUNT=2",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31;BYDAY=1MO;COUNT=104",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=23;COUNT=104",
        "FREQ=WEEKLY;WKST=ZZ;COUNT=3",
        "FREQ=WEEKLY;UNTIL=99999999",
        "FREQ=WEEKLY",
        "FREQ=YEARLY;COUNT=2",
        "",
        "\x00",
    ],
)
def test_rules_that_are_refused_at_once(rule: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(RuleError):
        occurrences(rule, FIRST, TZ)
    assert time.perf_counter() - begun < 1


_PARTS = st.sampled_from(
    ["INTERVAL=1", "INTERVAL=12", "INTERVAL=104", "COUNT=2", "COUNT=104", "UNTIL=20280101", "BYDAY=MO", "BYDAY=SU,TU",
     "BYDAY=5MO", "BYDAY=-1MO", "BYMONTHDAY=23", "BYMONTHDAY=31", "BYMONTHDAY=-1", "BYSETPOS=1", "BYSETPOS=-1"]
)  # fmt: skip


@given(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]), st.lists(_PARTS, max_size=5))
def test_any_rule_is_answered_soon_and_within_its_bounds(frequency: str, parts: list[str]) -> None:
    begun = time.perf_counter()
    try:
        found = occurrences(";".join([f"FREQ={frequency}", *parts]), FIRST, TZ)
    except RuleError:
        found = [FIRST]
    assert time.perf_counter() - begun < 1.5
    assert 1 <= len(found) <= MOST
    assert found[-1] - FIRST <= LONGEST + timedelta(days=1)
