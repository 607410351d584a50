"""A turn part by part, beside stock Rasa, under a full queue, and late in a long thread."""

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from sqlalchemy import text

from booking_core.kit.db import libpq_url
from bot.bench_core.report import Figure
from bot.bench_turn.ours import TALK, Ours, Parts, somebody
from bot.bench_turn.stock import Stock
from bot.wiring import System
from nlu.contract import Heard
from nlu.engine import Engine

#: The whole turn, beside the same model served by stock Rasa.
TIMES_FASTER = 4.0
#: The last hundred turns of a thread, beside its first.
GROWTH = 1.2
_EDGE = 100
#: Threads in the flood that measures throughput.
FLOOD = 100


async def measure_turns(ours: Ours, stock: Stock, engine: Engine, turns: int) -> list[Figure]:
    """Have the same talks with both; then the parts of ours and the machine's own limits."""
    warm = Parts()
    await _talk(ours, stock, 2 * len(TALK), warm)
    parts = Parts()
    before = _cpu_of(ours.pids), _cpu_of(stock.pids)
    theirs = await _talk(ours, stock, turns, parts)
    ours_cpu, stock_cpu = _cpu_of(ours.pids) - before[0], _cpu_of(stock.pids) - before[1]
    rate = await _flood(ours)
    commit = await _time(lambda: _commit(ours.system), 200)
    reading = await _time(lambda: _read(engine), 200)
    bare = await asyncio.to_thread(_bare_commits, ours.system.settings.database_url)
    whole = statistics.median(parts.whole)
    times = statistics.median(theirs) / whole
    return [
        *_both("ours, webhook to queued reply", parts.whole),
        *_both("  webhook: signature, write, 200", parts.webhook),
        *_both("  queue: committed to started", parts.queue),
        *_both("  turn: read, act, answer, commit", parts.turn),
        *_both("    of which Rasa and actions", parts.rasa),
        *_both("stock Rasa: `rasa run` with `rasa run actions`", theirs),
        Figure("turn", "so many times faster, p50", times, at_least=TIMES_FASTER),
        Figure("turn", "CPU of our two processes, a turn", 1000 * ours_cpu / turns, "ms"),
        Figure("turn", "CPU of stock Rasa's two processes, a turn", 1000 * stock_cpu / turns, "ms"),
        *_both("limit: one commit with psycopg", bare),
        *_both("limit: one commit by our session", commit),
        *_both("limit: the model's reading alone", reading),
        Figure("turn", "turns of one worker with its queue full", rate, "/s"),
    ]


async def measure_thread(ours: Ours, turns: int) -> list[Figure]:
    """Say so many things in one thread: what is remembered must not grow with it."""
    address, parts = somebody(), Parts()
    for number in range(turns):
        if number % len(TALK) == 0:
            await ours.forget_limits()
        await ours.say(address, TALK[number % len(TALK)], parts)
    edge = min(_EDGE, turns // 2) // len(TALK) * len(TALK)
    # The same sentences at both ends: the first round opens the thread and counts for neither.
    first = parts.whole[len(TALK) : len(TALK) + edge]
    end = turns - turns % len(TALK)
    last = parts.whole[end - edge : end]
    return [
        Figure("thread", f"first {edge} turns of a thread, p50", _at(first, 0.5), "ms"),
        Figure("thread", f"last {edge} of {turns:,}, p50", _at(last, 0.5), "ms"),
        Figure("thread", "growth", statistics.median(last) / statistics.median(first), at_most=GROWTH),
    ]


async def _talk(ours: Ours, stock: Stock, turns: int, parts: Parts) -> list[float]:
    """Have the same talks with both, one after the other: message by message each would find the other's traces."""
    theirs: list[float] = []
    for first in range(0, turns, len(TALK)):
        address, talk = somebody(), TALK[: turns - first]
        for words in talk:
            await ours.say(address, words, parts)
        for words in talk:
            began = time.perf_counter()
            replies = await stock.say(address, words)
            theirs.append(time.perf_counter() - began)
            if not replies:
                raise RuntimeError("stock Rasa did not answer: what it does is not the same work")
    return theirs


async def _flood(ours: Ours) -> float:
    """Return turns per second of one worker with its queue full."""
    for _ in range(FLOOD):
        await ours.customer.write(somebody(), TALK[1])
    first, last = float("inf"), 0.0
    for _ in range(FLOOD):
        turn = await asyncio.wait_for(ours.turns.get(), 240)
        first, last = min(first, turn.began), max(last, turn.ended)
    return FLOOD / (last - first)


async def _time(work: Callable[[], Awaitable[None]], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - began)
    return taken


async def _commit(system: System) -> None:
    async with system.db.transaction() as session:
        await session.execute(text("UPDATE business SET name = name"))


def _bare_commits(url: str) -> list[float]:
    taken = []
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        for _ in range(200):
            began = time.perf_counter()
            connection.execute("UPDATE business SET name = name")
            taken.append(time.perf_counter() - began)
    return taken


async def _read(engine: Engine) -> None:
    now = datetime(2027, 3, 2, 9, tzinfo=UTC)
    await engine.understand(Heard("a haircut with Ana on thursday at 3pm", now, "Europe/Madrid", "en-GB"))


def _cpu_of(pids: Sequence[int]) -> float:
    return sum(cpu_seconds(pid) for pid in pids)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used; 0 where the system has no /proc to tell it."""
    told = Path(f"/proc/{pid}/stat")
    if not told.exists():
        return 0.0
    user, system = told.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _both(name: str, values: Sequence[float]) -> list[Figure]:
    return [
        Figure("turn", f"{name}, p50", _at(values, 0.5), "ms"),
        Figure("turn", f"{name}, p95", _at(values, 0.95), "ms"),
    ]


def _at(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]
