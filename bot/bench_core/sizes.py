"""How much is measured: for real, in a hurry, and just enough to see that it works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Seconds, rounds and rows of each part."""

    #: Holds: rounds of each kind, and how long one lasts.
    rounds: int
    seconds: float
    connections: int
    processes: int
    shops: int
    staff: int
    days: int
    #: Availability: how many people, and how often each way is timed.
    people: int
    askings: int
    #: Growth: how many bookings there are, and how often each database is asked.
    few: int
    many: int
    pairs: int
    #: Memory: so many catalogs are loaded, one after the other.
    catalogs: tuple[int, ...]


FULL = Size(
    rounds=4, seconds=2.5, connections=16, processes=4, shops=10, staff=20, days=120,
    people=88, askings=8, few=1_000, many=1_000_000, pairs=300, catalogs=(1, 10, 100, 1000),
)  # fmt: skip
QUICK = Size(
    rounds=2, seconds=0.8, connections=16, processes=4, shops=5, staff=20, days=60,
    people=88, askings=4, few=1_000, many=20_000, pairs=60, catalogs=(1, 10, 100),
)  # fmt: skip
