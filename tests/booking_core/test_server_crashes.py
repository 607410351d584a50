"""SIGKILL to PostgreSQL: what was answered is there, what was not is there whole or not at all."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from booking_core.kit.db import Database
from bot.embedded_postgres import EmbeddedPostgres
from bot.migrate import migrate
from tests.booking_core.checker import BEGINNINGS, assert_sound
from tests.booking_core.races.nursery import Nursery, Worker, race
from tests.booking_core.races.world import Command, Result, World, open_busy_house
from tests.booking_core.tables import Tables

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

#: How many kills; the release check makes 50 (THREADBOOK_KILLS=50).
KILLS = int(os.environ.get("THREADBOOK_KILLS", "8"))
SEED = int(os.environ.get("THREADBOOK_SEED", "20261123"))
HANDS = 4
#: What is written down of a command that was answered.
WRITTEN = {
    "hold": set(BEGINNINGS),
    "reschedule": {"reschedule"},
    "confirm": {"confirm", "approve", "retake", "book"},
    "pay": {"confirm", "approve", "retake", "book"},
    "cancel": {"cancel_by_customer", "cancel_by_business", "decline"},
    "release": {"cancel_by_customer", "cancel_by_business", "decline", "expire"},
    "approve": {"approve", "approve_and_hold", "hold", "book", "confirm"},
    "decline": {"decline"},
    "attend": {"confirm_attendance"},
    "no_show": {"mark_no_show"},
    "accept": {"confirm", "hold", "book", "request", "accept_offer"},
}


@dataclass
class Server:
    """A server of this test's own that keeps what it has committed."""

    postgres: EmbeddedPostgres
    url: str

    def kill(self) -> None:
        """End the postmaster and every process of it at once: nobody writes anything more."""
        assert self.postgres.child is not None
        assert self.postgres.child.process is not None
        postmaster = self.postgres.child.process.pid
        listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
        for pid in (postmaster, *(pid for pid, parent in pairs if parent == postmaster)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_one(self, dice: random.Random) -> None:
        """End one that serves a client: the postmaster ends the others and tidies up."""
        with psycopg.connect(self.url) as connection:
            pids = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchall()
        os.kill(dice.choice(pids)[0], signal.SIGKILL)

    def answers(self) -> None:
        """Come back with a server that answers: one that was killed is started anew."""
        assert self.postgres.child is not None
        deadline = time.monotonic() + 60
        while True:
            # A process that was killed is there a little longer.
            if self.postgres.child.ended is not None:
                self.url = self.postgres.start()
            try:
                with psycopg.connect(self.url, connect_timeout=5) as connection:
                    connection.execute("SELECT 1")
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the server does not come back"
                time.sleep(0.05)
            else:
                return

    @contextlib.asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        database = Database(self.url)
        try:
            yield database
        finally:
            await database.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    postgres = EmbeddedPostgres(tmp_path / "postgres", durable=True)
    url = postgres.start()
    migrate(url)
    yield Server(postgres, url)
    postgres.stop()


async def test_the_server_is_killed(nursery: Nursery, server: Server, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    async with server.database() as database, database.transaction() as session:
        world = await open_busy_house(session, tmp_path)
    answered: list[tuple[Command, Result]] = []
    for kill in range(KILLS):
        async with nursery.workers(HANDS) as hands:
            told = await at_work(hands, server.url, world, seed=SEED + kill, minute=kill * 10)
            await asyncio.sleep(dice.uniform(0.1, 1.2))
            server.kill() if kill % 2 == 0 else server.kill_one(dice)
            done = [one for each in await asyncio.gather(*told) for one in each]
        server.answers()
        answered += [(command, result["ok"]) for command, result in done if "ok" in result]
        async with server.database() as database, nursery.workers(1) as (steady,):
            tables = await assert_sound(database, world.business_id)
            all_there(tables, answered)
            recent = [command for command, _ in answered[-40:] if command["do"] in {"hold", "reschedule"}]
            again = [*(command for command, result in done if "error" in result), *recent]
            for _ in range(2):
                results = await race([steady], server.url, world, again, connections=1)
                answered += [(command, one["ok"]) for command, one in zip(again, results, strict=True) if "ok" in one]
            all_there(await assert_sound(database, world.business_id), answered)
    assert len(answered) > 10 * KILLS


def all_there(tables: Tables, answered: Sequence[tuple[Command, Result]]) -> None:
    """Whatever was answered is written down, and a command that was answered twice made one booking."""
    bookings = tables.by_id("booking")
    written: dict[UUID, set[str]] = defaultdict(set)
    for row in tables["booking_audit"]:
        written[row["booking_id"]].add(row["move"])
    moved = {row["key"] for row in tables["done_command"]}
    for command, told in answered:
        if "booking" not in told:
            continue
        booking = bookings[UUID(told["booking"])]
        assert booking["version"] >= told["version"], (command, told)
        if command["do"] == "undo_check_in" and "check_in" not in written[booking["id"]]:
            continue  # nobody had come: it is as it was asked for
        assert WRITTEN.get(command["do"], {command["do"]}) & written[booking["id"]], (command, told)
        assert command["do"] != "hold" or booking["idempotency_key"] == command["key"]
        assert command["do"] != "reschedule" or command["key"] in moved


async def at_work(hands: list[Worker], url: str, world: World, **task: Any) -> list[asyncio.Task[list[Any]]]:
    """Set everybody to work; return what will be told until the server is gone."""
    seed = task.pop("seed")
    for n, hand in enumerate(hands):
        task |= {"task": "stream", "url": url, "world": world.sent(), "name": f"{seed}.{n}", "seed": seed * 10 + n}
        await hand.say(task)
    for hand in hands:
        assert await hand.hear() == "ready"
    for hand in hands:
        await hand.say("go")
    return [asyncio.create_task(until_broken_off(hand)) for hand in hands]


async def until_broken_off(hand: Worker) -> list[Any]:
    told = []
    while (one := await hand.hear()) is not None:
        told.append(one)
        if one[1].get("error") not in {None, "DeadlockDetected"}:
            break
    return told
