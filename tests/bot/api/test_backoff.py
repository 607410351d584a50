"""When a webhook is tried again, and how it is signed: pure rules."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.api.backoff import LONGEST_ASKED, MAX_ATTEMPTS, WAITS, read_retry_after, wait_after
from bot.api.signing import headers_for, signature

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
chances = st.floats(0, 1, exclude_max=True)


def test_eight_attempts_over_a_day() -> None:
    assert MAX_ATTEMPTS == 8
    assert timedelta(hours=18) < sum(WAITS, timedelta()) * 0.8
    assert sum(WAITS, timedelta()) * 1.2 < timedelta(hours=28)
    assert list(WAITS) == sorted(WAITS)


@given(st.integers(1, 20), chances)
def test_waits_are_spread_by_a_fifth(attempts: int, chance: float) -> None:
    wait = wait_after(attempts, asked=None, chance=chance)
    if attempts >= MAX_ATTEMPTS:
        assert wait is None
    else:
        assert wait is not None
        assert WAITS[attempts - 1] * 0.8 <= wait <= WAITS[attempts - 1] * 1.2


@given(st.integers(1, MAX_ATTEMPTS - 1), chances, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_receiver_may_ask_for_more_time_but_not_for_ever(attempts: int, chance: float, asked: timedelta) -> None:
    plain = wait_after(attempts, asked=None, chance=chance)
    wait = wait_after(attempts, asked=asked, chance=chance)
    assert plain is not None
    assert wait is not None
    assert wait == max(plain, min(asked, LONGEST_ASKED))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (None, None),
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("Mon, 23 Nov 2026 09:01:00 GMT", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 08:00:00 GMT", timedelta(0)),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after(said: str | None, meant: timedelta | None) -> None:
    assert read_retry_after(said, now=NOW) == meant


@given(
    st.text()
    | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ (GMT|[+-]\d{4})")
    | st.integers().map(str)
)
def test_whatever_it_says_is_read(said: str) -> None:
    found = read_retry_after(said, now=NOW)
    assert found is None or timedelta(0) <= found


def test_the_standards_own_example() -> None:
    """The test vector that the libraries of Standard Webhooks share."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    ours = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert ours == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_secret_signs() -> None:
    one, other = "whsec_" + "a" * 44, "whsec_" + "b" * 44
    said = headers_for("evt_1", b"{}", [one, other], sent_at=NOW)
    stamp = int(NOW.timestamp())
    assert said["webhook-timestamp"] == str(stamp)
    assert said["webhook-signature"].split(" ") == [signature(each, "evt_1", stamp, b"{}") for each in (one, other)]
