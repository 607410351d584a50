"""How soon a worker is ready, and what it weighs: `threadbook worker`, started as it is in production."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from booking_core.kit.db import libpq_url
from bot.bench_core.report import Figure
from bot.bench_turn.ours import TALK, Customer, environment_of, somebody
from bot.bench_turn.stock import end
from bot.settings import Settings

#: Seconds from the start of the process to its first beat with a loaded model; megabytes after some turns.
READY, WEIGHT = 15.0, 900.0
_LONGEST = 600.0
_TURNS = 24


async def measure_worker(settings: Settings, model: Path, customer: Customer) -> list[Figure]:
    """Start a worker on a system whose own worker is asleep, and let it answer some messages."""
    url = libpq_url(settings.database_url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM worker_beat")
        began = time.perf_counter()
        process = _start(settings, model)
        try:
            await _until(connection, "SELECT count(*) > 0 FROM worker_beat", process)
            ready = time.perf_counter() - began
            for number in range(_TURNS):
                await customer.write(somebody(), TALK[number % len(TALK)])
            await _until(connection, "SELECT count(*) = 0 FROM message WHERE status = 'received'", process)
            weight = _megabytes(process.pid)
        finally:
            end(process)
    return [
        Figure("worker", "from its start until it is ready", ready, "s", at_most=READY),
        Figure("worker", f"in memory after {_TURNS} turns", weight, "MB", at_most=WEIGHT),
    ]


def _start(settings: Settings, model: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "bot.cli", "worker"], env=environment_of(settings, model))


async def _until(connection: "psycopg.Connection[tuple[bool]]", sql: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.perf_counter() + _LONGEST
    while connection.execute(sql).fetchone() != (True,):
        if process.poll() is not None or time.perf_counter() > until:
            raise RuntimeError("the worker ended, or was too slow")
        await asyncio.sleep(0.05)


def _megabytes(pid: int) -> float:
    """Return a process's resident memory, as `ps` tells it on Linux and macOS alike."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)  # noqa: S603, S607
    return int(told.stdout) / 1024
