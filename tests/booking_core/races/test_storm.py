"""A storm of mixed commands from several processes: nothing is taken twice, and the log tells all of it."""

import os
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from booking_core.kit.db import Database
from tests.booking_core.checker import assert_sound, findings
from tests.booking_core.house import NOW
from tests.booking_core.races.nursery import Worker, race, together
from tests.booking_core.races.world import World
from tests.booking_core.tables import load_tables

pytestmark = [pytest.mark.slow, pytest.mark.new_database, pytest.mark.timeout(3600)]

#: Attempts of all connections together; the release check makes 100,000 (THREADBOOK_ATTEMPTS=100000).
ATTEMPTS = int(os.environ.get("THREADBOOK_ATTEMPTS", "1500"))
SEED = int(os.environ.get("THREADBOOK_SEED", "20261123"))
CONNECTIONS = 4
#: So long the storm lasts on the house's clock: holds run out meanwhile.
MINUTES = 600
#: The database takes its time between the look at what is free and the writing of it: the others look meanwhile.
_PAUSE = """
CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END';
CREATE TRIGGER pause BEFORE INSERT ON allocation FOR EACH STATEMENT EXECUTE FUNCTION pause();
"""
#: So many storms may pass until one leaves something taken twice.
_STORMS = 4
_DEADLOCKS = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


async def storm(
    workers: list[Worker], url: str, world: World, attempts: int, *, seed: int = SEED
) -> tuple[Counter[str], float]:
    """Let it loose; return what came to what, and how many seconds it took."""
    each = attempts // (len(workers) * CONNECTIONS)
    task = {
        "task": "storm", "url": url, "world": world.sent(), "connections": CONNECTIONS, "attempts": each,
        "minutes": MINUTES,
    }  # fmt: skip
    started = time.monotonic()
    answers = await together(workers, [task | {"name": f"p{seed + n}", "seed": seed + n} for n in range(len(workers))])
    return sum(map(Counter, answers), Counter()), time.monotonic() - started


async def test_a_storm(workers: list[Worker], database: Database, database_url: str, world: World) -> None:
    counts, seconds = await storm(workers, database_url, world, ATTEMPTS)
    async with database.transaction() as session:
        deadlocks = await session.scalar(_DEADLOCKS)
    sys.stdout.write(report(counts, seconds, deadlocks or 0))
    await assert_sound(database, world.business_id)
    assert not [name for name in counts if name.split()[1][0].isupper() and "Deadlock" not in name], counts
    # Nothing was left half done that sweeps at the end could not tidy.
    late = NOW + timedelta(days=60)
    sweeps = [{"do": "expire", "now": late.isoformat()}] * (1 + ATTEMPTS // 500)
    assert all("ok" in one for one in await race(workers[:1], database_url, world, sweeps, connections=1))
    await assert_sound(database, world.business_id, now=late)


def report(counts: Counter[str], seconds: float, deadlocks: int) -> str:
    """Return in words what the storm came to."""
    done, refused, broken = Counter[str](), Counter[str](), Counter[str]()
    for name, count in counts.items():
        what, outcome = name.split(" ")
        if outcome == "ok":
            done[what] += count
        elif outcome[0].islower():
            refused[outcome] += count
        else:
            broken[name] += count
    return (
        f"\n{counts.total()} attempts in {seconds:.0f} s, {counts.total() / seconds:.0f} per second\n"
        f"done {done.total()}: {dict(done.most_common())}\n"
        f"refused {refused.total()}: {dict(refused.most_common())}\n"
        f"deadlocks that the database resolved: {deadlocks}; to be sent again: {dict(broken.most_common())}\n"
    )


async def test_without_the_constraint_the_storm_is_noticed(
    workers: list[Worker], database: Database, database_url: str, world: World
) -> None:
    """The negative control: what guards is the constraint, and the checker sees its absence."""
    async with database.transaction() as session:
        await session.execute(text("ALTER TABLE allocation DROP CONSTRAINT ex_allocation_calendar_during"))
        for statement in _PAUSE.strip().splitlines():
            await session.execute(text(statement))
    # Which commands meet is luck: one storm in thirty leaves nothing taken twice, so there may be more of them.
    overlaps: list[str] = []
    for number in range(_STORMS):
        await storm(workers, database_url, world, 1000, seed=SEED + number * len(workers))
        async with database.transaction() as session:
            wrong = findings(await load_tables(session, world.business_id))
        overlaps = [one for one in wrong if one.startswith("overlap")]
        if overlaps:
            break
    assert overlaps
