"""When to try a failed delivery again."""

from datetime import timedelta

#: Doubling from 2 s to 5 min: the last attempt comes about half an hour after the first.
MAX_ATTEMPTS = 12
FIRST, LONGEST = timedelta(seconds=2), timedelta(minutes=5)


def delay_for(attempts: int, *, asked: timedelta | None = None, chance: float) -> timedelta:
    """Return how long to wait after `attempts` attempts; `chance` in [0, 1) spreads those that failed together.

    Never sooner than the provider asked for.
    """
    doublings = min(max(attempts, 1) - 1, 20)
    planned = min(FIRST * (1 << doublings), LONGEST)
    spread = planned / 2 + planned / 2 * chance
    return max(spread, asked) if asked is not None else spread
