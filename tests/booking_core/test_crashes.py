"""SIGKILL to whoever carries out commands, and to PostgreSQL itself: nothing is half done, nothing is done twice."""

import asyncio
import os
import random
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from booking_core.kit.db import Database
from tests.booking_core.checker import assert_sound
from tests.booking_core.house import MONDAY, NOW, at
from tests.booking_core.races.likeness import likeness
from tests.booking_core.races.nursery import Nursery, Worker
from tests.booking_core.races.script import script
from tests.booking_core.races.world import Command, Result, World, open_busy_house

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

#: How many kills of each kind; the release check makes 50 (THREADBOOK_KILLS=50).
KILLS = int(os.environ.get("THREADBOOK_KILLS", "10"))
SEED = int(os.environ.get("THREADBOOK_SEED", "20261123"))
TUESDAY = MONDAY + timedelta(days=1)
_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend' AND state IS NOT NULL AND application_name = 'doomed'"
)


def held(key: str, clock: str, *services: str, **more: Any) -> Command:
    return {"do": "hold", "key": key, "services": list(services), "starts": at(clock, TUESDAY).isoformat(), **more}


LATE = (NOW + timedelta(minutes=16)).isoformat()
#: What is done before, and the command that is broken off.
BROKEN_OFF: dict[str, tuple[list[Command], Command]] = {
    "hold": ([], held("a", "10:00", "Cut")),
    "hold where another ran out": ([held("b", "10:00", "Cut", staff="Ana")],
                                   held("a", "10:00", "Trim", staff="Ana", customer=1, now=LATE)),
    "hold instead of one's own": ([held("b", "10:00", "Cut", staff="Ana")], held("a", "10:10", "Colour", staff="Ana")),
    "hold of several parts": ([], held("a", "10:00", "Makeover")),
    "party": ([], held("a", "10:00", "Trim", party=3)),
    "first seat of a class": ([], held("a", "10:00", "Workshop")),
    "next seat of a class": ([held("b", "10:00", "Workshop", customer=1)], held("a", "10:00", "Workshop")),
    "booked at once": ([], held("a", "10:00", "Trim")),
    "reschedule": ([held("b", "10:00", "Trim")],
                   {"do": "reschedule", "of": "b", "key": "a", "starts": at("10:10", TUESDAY).isoformat()}),
    "cancel": ([held("b", "10:00", "Makeover")], {"do": "cancel", "of": "b"}),
    "confirm": ([held("b", "10:00", "Makeover")], {"do": "confirm", "of": "b"}),
    "approve": ([held("b", "10:00", "Talk")], {"do": "approve", "of": "b"}),
    "decline": ([held("b", "10:00", "Talk")], {"do": "decline", "of": "b"}),
    "expire": ([held("b", "10:00", "Cut"), held("c", "10:00", "Makeover", customer=1)], {"do": "expire", "now": LATE}),
    "retake": ([held("b", "10:00", "Cut"), {"do": "expire", "now": LATE}], {"do": "pay", "of": "b", "now": LATE}),
    "series": ([], held("a", "10:00", "Trim") | {"do": "series", "rule": "FREQ=DAILY;COUNT=3"}),
}  # fmt: skip


async def carried_out(
    database: Database, worker: Worker, world: World, commands: list[Command], **task: Any
) -> list[Result]:
    """Have a worker carry out commands; return its answers, and what it says at its end unless it was killed."""
    url = database.engine.url.update_query_dict({"application_name": "doomed"})
    task |= {"url": url.render_as_string(hide_password=False), "world": world.sent(), "commands": commands}
    await worker.say({"task": "script", **task})
    if await worker.hear() != "ready":
        return []
    await worker.say("go")
    answers: list[Result] = []
    while (answer := await worker.hear()) is not None:
        answers.append(answer)
        if "end" in answer:
            break
    return answers


async def nobody_else(database: Database) -> None:
    """Wait until the server has noticed that the killed one is gone, and has rolled back."""
    for _ in range(2000):
        async with database.transaction() as session:
            if not await session.scalar(_OTHERS):
                return
        await asyncio.sleep(0.01)
    raise AssertionError("a transaction of a killed process stays open")


async def alike(database: Database, *worlds: World) -> None:
    async with database.transaction() as session:
        first, second = [await likeness(session, world.business_id) for world in worlds]
    assert first == second


@pytest.mark.parametrize("what", BROKEN_OFF)
async def test_killed_between_two_statements(nursery: Nursery, database: Database, tmp_path: Path, what: str) -> None:
    """Wherever it is killed: it is done whole or not at all, and sent again it is done once."""
    before, command = BROKEN_OFF[what]
    dice = random.Random(f"{SEED} {what}")
    async with nursery.workers(1) as (steady,):
        twin = await a_house(database, tmp_path)
        await carried_out(database, steady, twin, before)
        # An undisturbed twin tells how many moments there are, and what must come of it.
        result, end = await carried_out(database, steady, twin, [command])
        assert "ok" in result
        for moment in dice.sample(range(1, end["moments"] + 1), min(end["moments"], max(1, KILLS // 8))):
            world = await a_house(database, tmp_path)
            await carried_out(database, steady, world, before)
            async with nursery.workers(1) as (doomed,):
                assert await carried_out(database, doomed, world, [command], dies_at=moment) == [], "it was not killed"
            await nobody_else(database)
            await assert_sound(database, world.business_id)
            for _ in range(2):
                result, _ = await carried_out(database, steady, world, [command])
                assert "ok" in result, (moment, result)
            await assert_sound(database, world.business_id)
            await alike(database, world, twin)


async def a_house(database: Database, folder: Path) -> World:
    async with database.transaction() as session:
        return await open_busy_house(session, folder)


async def test_killed_at_random_moments(nursery: Nursery, database: Database, tmp_path: Path) -> None:
    """A long day, broken off again and again and taken up where the last answer had come: it ends like any other."""
    dice = random.Random(SEED)
    kills = days = 0
    while kills < KILLS:
        commands = script(SEED + days, 60)
        world, twin = [await a_house(database, tmp_path) for _ in range(2)]
        async with nursery.workers(1) as (steady,):
            started = time.monotonic()
            await carried_out(database, steady, twin, commands)
            lasts = time.monotonic() - started
        done = 0
        while done < len(commands):
            async with nursery.workers(1) as (doomed,):
                working = asyncio.create_task(carried_out(database, doomed, world, commands[done:]))
                if kills < KILLS:
                    await asyncio.wait([working], timeout=dice.uniform(0, lasts / 2))
                    kills += not working.done()
                    doomed.kill()
                done += sum("end" not in answer for answer in await working)
            await nobody_else(database)
            await assert_sound(database, world.business_id)
        await alike(database, world, twin)
        days += 1
