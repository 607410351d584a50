"""Many want one thing at the same instant, from four processes with four connections each.

Every contest ends with the checker: whoever won, the tables contradict nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from booking_core.kit.db import Database
from tests.booking_core.checker import assert_sound
from tests.booking_core.house import MONDAY, NOW, at
from tests.booking_core.races.nursery import Worker, race
from tests.booking_core.races.world import CUSTOMERS, Command, Result, World
from tests.booking_core.tables import Tables

pytestmark = pytest.mark.slow

ROUNDS = [MONDAY + timedelta(days=n) for n in (1, 2, 3)]


@dataclass
class Arena:
    """The house, the processes, and short ways of setting them on each other."""

    workers: list[Worker]
    database: Database
    url: str
    world: World
    keys: int = 0

    def hold(self, clock: str, *services: str, day: date, **more: Any) -> Command:
        self.keys += 1
        return {
            "do": "hold", "key": f"k{self.keys}", "services": list(services), "starts": at(clock, day).isoformat(),
            "customer": self.keys % CUSTOMERS, **more,
        }  # fmt: skip

    def move(self, booking: str, clock: str, *, day: date, **more: Any) -> Command:
        self.keys += 1
        starts = at(clock, day).isoformat()
        return {"do": "reschedule", "key": f"k{self.keys}", "booking": booking, "starts": starts, **more}

    async def made(self, command: Command) -> str:
        """Carry out one command, alone; return its booking."""
        (result,) = await race(self.workers[:1], self.url, self.world, [command], connections=1)
        return str(result["ok"]["booking"])

    async def race(self, commands: Sequence[Command], **late: Any) -> list[Result]:
        return await race(self.workers, self.url, self.world, [late | command for command in commands])

    async def sound(self) -> Tables:
        return await assert_sound(self.database, self.world.business_id)


@pytest.fixture
def arena(workers: list[Worker], database: Database, database_url: str, world: World) -> Arena:
    return Arena(workers, database, database_url, world)


def won(results: Sequence[Result]) -> list[dict[str, Any]]:
    return [result["ok"] for result in results if "ok" in result]


def reasons(results: Sequence[Result]) -> Counter[str]:
    return Counter(next(iter(result.values())) for result in results if "ok" not in result)


async def test_one_slot(arena: Arena) -> None:
    for day in ROUNDS:
        results = await arena.race([arena.hold("10:00", "Cut", staff="Ana", day=day) for _ in range(32)])
        assert len(won(results)) == 1
        assert set(reasons(results)) == {"held"}
    await arena.sound()


async def test_overlapping_times_and_services_of_one_person(arena: Arena) -> None:
    for day in ROUNDS:
        wishes = [("10:00", "Trim"), ("10:10", "Cut"), ("09:30", "Colour"), ("09:50", "Trim"), ("10:20", "Colour")]
        results = await arena.race([arena.hold(*wishes[n % 5], staff="Ana", day=day) for n in range(30)])
        assert 1 <= len(won(results)) <= 3
        assert set(reasons(results)) <= {"held", "staff_busy"}
    await arena.sound()


async def test_one_room_for_two_people(arena: Arena) -> None:
    for day in ROUNDS:
        who = ["Bruno", "Carla", None]
        results = await arena.race([arena.hold("10:00", "Massage", staff=who[n % 3], day=day) for n in range(30)])
        assert len(won(results)) == 1
        assert set(reasons(results)) <= {"resource_busy", "staff_busy"}
    await arena.sound()


async def test_three_bicycles(arena: Arena) -> None:
    for day in ROUNDS:
        results = await arena.race([arena.hold("09:00", "Ride", day=day) for _ in range(24)])
        assert len(won(results)) == 3
        assert set(reasons(results)) == {"resource_busy"}
    await arena.sound()


async def test_parties_against_singles_for_bicycles(arena: Arena) -> None:
    for day in ROUNDS:
        parties = [1 + n % 3 for n in range(24)]
        results = await arena.race([arena.hold("09:00", "Ride", party=party, day=day) for party in parties])
        ridden = sum(party for party, result in zip(parties, results, strict=True) if "ok" in result)
        assert 1 <= ridden <= 3
    await arena.sound()


async def test_a_party_comes_whole_or_not_at_all(arena: Arena) -> None:
    for day in ROUNDS:
        mixed = [arena.hold("10:00", "Trim", party=3, day=day) for _ in range(8)]
        mixed += [
            arena.hold("10:00", "Trim", staff=who, day=day) for who in ("Ana", "Bruno", "Carla") for _ in range(6)
        ]
        results = await arena.race(mixed)
        whole, single = len(won(results[:8])), len(won(results[8:]))
        assert (whole, single) in {(1, 0), (0, 1), (0, 2), (0, 3)}
    await arena.sound()


async def test_the_last_seat(arena: Arena) -> None:
    for day in ROUNDS:
        await arena.made(arena.hold("10:00", "Workshop", party=2, day=day))
        results = await arena.race([arena.hold("10:00", "Workshop", day=day) for _ in range(24)])
        assert len(won(results)) == 1
        assert set(reasons(results)) <= {"held", "sold_out"}
    await arena.sound()


async def test_the_first_bookers_of_an_empty_class(arena: Arena) -> None:  # 58
    for day in ROUNDS:
        results = await arena.race([arena.hold("09:30", "Workshop", day=day) for _ in range(24)])
        assert len(won(results)) == 3
        assert len({one["session"] for one in won(results)}) == 1
    tables = await arena.sound()
    assert sum(row["starts"] == at("09:30", ROUNDS[0]) for row in tables["class_session"]) == 1


async def test_parties_and_singles_for_seats(arena: Arena) -> None:
    for day in ROUNDS:
        results = await arena.race([arena.hold("12:00", "Yoga", party=1 + n % 3, day=day) for n in range(24)])
        seated = sum(1 + n % 3 for n, result in enumerate(results) if "ok" in result)
        # Four seats; whoever comes alone finds the last one as long as there is one.
        assert seated == 4
    await arena.sound()


async def test_visits_that_want_each_others_people(arena: Arena) -> None:
    for day in ROUNDS:
        mixed = []
        for _ in range(8):
            mixed += [
                arena.hold("09:30", "Makeover", staff="Bruno", day=day),
                arena.hold("10:00", "Makeover", day=day),
                arena.hold("10:10", "Duet", day=day),
                arena.hold("10:00", "Cut", "Massage", day=day),
            ]
        results = await arena.race(mixed)
        assert won(results)
        assert not {one for one in reasons(results) if one[0].isupper()}, reasons(results)
    await arena.sound()


async def test_so_many_a_day(arena: Arena) -> None:
    for day in ROUNDS:
        clocks = [f"{9 + n // 2:02}:{n % 2 * 30:02}" for n in range(8)]
        results = await arena.race([arena.hold(clocks[n % 8], "Talk", day=day) for n in range(32)])
        assert len(won(results)) == 4
        assert set(reasons(results)) <= {"limit_reached", "held", "staff_busy"}
    await arena.sound()


async def test_so_many_a_day_of_one_person(arena: Arena) -> None:
    for day in ROUNDS:
        clocks = [f"{9 + n // 3:02}:{n % 3 * 20:02}" for n in range(12)]
        results = await arena.race([arena.hold(clocks[n % 12], "Trim", staff="Bruno", day=day) for n in range(36)])
        assert len(won(results)) == 5
    await arena.sound()


async def test_moving_against_booking(arena: Arena) -> None:
    for day in ROUNDS:
        movers = [await arena.made(arena.hold(clock, "Cut", staff="Ana", day=day)) for clock in ("09:00", "12:00")]
        mixed = [arena.hold("10:30", "Cut", staff="Ana", day=day) for _ in range(10)]
        mixed += [arena.move(one, "10:30", staff="Ana", day=day) for one in movers for _ in range(3)]
        results = await arena.race(mixed)
        # A move may succeed more than once: over its own place.
        there = {one["booking"] for one in won(results)}
        assert len(there) == 1
    await arena.sound()


async def test_two_that_want_each_others_place(arena: Arena) -> None:
    for day in ROUNDS:
        first = await arena.made(arena.hold("09:00", "Cut", staff="Ana", day=day))
        second = await arena.made(arena.hold("10:00", "Cut", staff="Ana", day=day))
        third = await arena.made(arena.hold("11:00", "Cut", staff="Ana", day=day))
        ring = [(first, "10:00"), (second, "11:00"), (third, "09:00"), (second, "09:00"), (first, "12:00")]
        results = await arena.race([arena.move(*ring[n % 5], staff="Ana", day=day, version=1) for n in range(15)])
        assert set(reasons(results)) <= {"held", "staff_busy", "changed"}
    tables = await arena.sound()
    assert Counter(row["state"] for row in tables["booking"]) == {"held": 9}


async def test_paying_against_running_out(arena: Arena) -> None:
    for day in ROUNDS:
        held = [await arena.made(arena.hold(f"{hour:02}:00", "Cut", staff="Ana", day=day)) for hour in (9, 10, 11, 12)]
        mixed: list[Command] = [{"do": "expire"}] * 8
        mixed += [{"do": "pay", "booking": one} for one in held for _ in range(3)]
        results = await arena.race(mixed, now=(NOW + timedelta(minutes=15)).isoformat())
        assert len(won(results)) == len(mixed)
    tables = await arena.sound()
    assert Counter(row["state"] for row in tables["booking"]) == {"confirmed": 12}


async def test_agreeing_twice_and_too_late(arena: Arena) -> None:
    for day in ROUNDS:
        asked = [
            await arena.made(arena.hold(clock, "Talk", staff="Ana", day=day)) for clock in ("09:00", "10:00", "11:00")
        ]
        mixed: list[Command] = [{"do": "expire"}] * 6
        for one in asked:
            mixed += [{"do": "approve", "booking": one}] * 3 + [{"do": "decline", "booking": one}]
        results = await arena.race(mixed[6:] + mixed[:6], now=(NOW + timedelta(days=5)).isoformat())
        assert set(reasons(results)) <= {"not_now", "past", "changed"}, reasons(results)
    await arena.sound()


async def test_agreeing_against_saying_no(arena: Arena) -> None:
    asked = [await arena.made(arena.hold("09:00", "Talk", staff="Ana", day=day)) for day in ROUNDS]
    for one in asked:
        mixed: list[Command] = [{"do": "approve", "booking": one}, {"do": "decline", "booking": one}] * 4
        mixed += [{"do": "cancel", "booking": one, "by": "customer"}] * 2
        results = await arena.race(mixed)
        assert won(results)
    await arena.sound()


async def test_cancelling_against_moving(arena: Arena) -> None:
    for day in ROUNDS:
        one = await arena.made(arena.hold("09:00", "Trim", staff="Ana", day=day))
        mixed = [arena.move(one, f"{10 + n // 3:02}:{n % 3 * 20:02}", day=day, version=1) for n in range(6)]
        mixed += [{"do": "cancel", "booking": one, "by": "customer", "version": 1} for _ in range(4)]
        results = await arena.race(mixed)
        moved, gone = won(results[:6]), won(results[6:])
        # Whoever saw version one and comes first has it their way, and nobody else.
        assert (len(moved), len(gone)) in {(1, 0), (0, 4)}
        assert set(reasons(results)) <= {"changed", "not_now"}
    await arena.sound()


async def test_one_key_many_times(arena: Arena) -> None:
    for day in ROUNDS:
        asked = arena.hold("10:00", "Makeover", day=day)
        results = await arena.race([asked] * 24)
        assert len({one["booking"] for one in won(results)}) == 1
        assert not [one for one in reasons(results) if one not in {"held", "staff_busy", "resource_busy"}]
        (again,) = await arena.race([asked])
        assert again["ok"]["booking"] == won(results)[0]["booking"]
        move = arena.move(again["ok"]["booking"], "09:00", day=day)
        assert {one["version"] for one in won(await arena.race([move] * 16))} == {2}
    await arena.sound()


async def test_a_class_is_cancelled_while_seats_are_taken(arena: Arena) -> None:
    for day in ROUNDS:
        seat = await arena.made(arena.hold("12:00", "Yoga", day=day))
        mixed = [arena.hold("12:00", "Yoga", day=day) for _ in range(8)]
        mixed[3:3] = [{"do": "cancel_class", "booking": seat}] * 2
        mixed += [arena.move(seat, "12:00", day=day)] * 2
        results = await arena.race(mixed)
        assert set(reasons(results)) <= {"sold_out", "outside_hours", "not_now", "DeadlockDetected"}, reasons(results)
        await arena.race([{"do": "cancel_class", "booking": seat}])
    tables = await arena.sound()
    assert {row["state"] for row in tables["booking"]} == {"cancelled_by_business"}


async def test_prices_change_while_others_book(arena: Arena) -> None:
    for day in ROUNDS:
        mixed: list[Command] = []
        for n in range(12):
            mixed += [
                arena.hold(f"{9 + n // 3:02}:{n % 3 * 20:02}", "Trim", staff="Ana", day=day),
                {"do": "price", "services": ["Trim"]},
            ]
        assert len(won(await arena.race(mixed))) == 24
    tables = await arena.sound()
    # Each was told one of the prices that there were, and none was told half of one.
    prices = {row["price"] for row in tables["booking"]}
    assert prices <= {1500 + 100 * n for n in range(37)}
