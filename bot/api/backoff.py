"""When to try a webhook again: eight times over a day, spread so that a receiver that comes back is not flooded."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

#: What is waited after the first, second ... attempt: 22 hours and 46 minutes together.
WAITS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=14),
)
MAX_ATTEMPTS = len(WAITS) + 1
#: However long a receiver wants to be left alone.
LONGEST_ASKED = timedelta(days=1)


def wait_after(attempts: int, *, asked: timedelta | None, chance: float) -> timedelta | None:
    """Return how long to wait after so many attempts, or None when it was the last; `chance` is in [0, 1)."""
    if attempts >= MAX_ATTEMPTS:
        return None
    wait = WAITS[max(attempts, 1) - 1] * (0.8 + 0.4 * chance)
    return wait if asked is None else max(wait, min(asked, LONGEST_ASKED))


def read_retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """Return what a Retry-After header asks for, in seconds or as a date; None where it says nothing of use."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), 10**8))
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        return None
    return max(until - now, timedelta(0))
