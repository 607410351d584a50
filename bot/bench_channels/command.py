"""`threadbook bench channels`: fifty senders at one web process, by each door, beside FastAPI with one INSERT."""

import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

from booking_core.kit.db import libpq_url
from bot.bench_channels.bare import TABLE
from bot.bench_channels.senders import Sent, Writer, open_threads, send_for, sms_writer, telegram_writer, web_writer
from bot.bench_core.report import Figure, Report, median
from bot.bench_core.server import fresh_database, server, tidy
from bot.embedded import EmbeddedRedis, free_port
from bot.sample import seed_sample
from bot.settings import Settings
from bot.vendors import vendors_for

SENDERS = 50
ROUNDS, SECONDS = 5, 6.0
NAMES = {"sms": "Webhooks of SMS", "telegram": "Webhooks of Telegram", "web": "The door of web chat"}
#: Messages per second beside the bare endpoint's.
SHARE = 0.5
#: Threads of web chat, in each of which ten messages may be written in ten seconds.
WEB_THREADS = 4000
#: As many connections as our own web process keeps.
_POOL = 10


def bench_channels(
    *, quick: bool = False, out: Path | None = None, rounds: int | None = None, seconds: float | None = None
) -> int:
    """Measure and print; 1 if the target is missed, which a hurried run does not tell."""
    rounds, seconds = rounds or (1 if quick else ROUNDS), seconds or (1.5 if quick else SECONDS)
    report = Report(sys.stdout.write)
    report.about = {"python": platform.python_version(), "cpus": os.cpu_count(), "load": os.getloadavg()[0]}
    report.about |= {"senders": SENDERS, "rounds": rounds, "seconds": seconds, "quick": quick}
    report.write(", ".join(f"{name} {value}" for name, value in report.about.items()) + "\n")
    with (
        tempfile.TemporaryDirectory(prefix="threadbook-bench-") as folder,
        server() as server_url,
        fresh_database(server_url) as url,
    ):
        redis = EmbeddedRedis(Path(folder) / "redis")
        try:
            settings = Settings(
                database_url=url, redis_url=redis.start(), port=free_port(), secret_key="bench" * 10, _env_file=None
            )
            seed_sample(settings)
            _measure(settings, report, rounds, seconds)
        finally:
            redis.stop()
    if out is not None:
        report.save(out)
    return 0 if quick or all(one.met is not False for one in report.figures) else 1


def _measure(settings: Settings, report: Report, rounds: int, seconds: float) -> None:
    vendors = vendors_for(settings)
    assert vendors.twilio is not None and vendors.telegram is not None  # noqa: S101, PT018 - the sandbox has both
    tokens = asyncio.run(open_threads(settings.database_url, WEB_THREADS))
    writers = {
        "sms": sms_writer(vendors.twilio),
        "telegram": telegram_writer(vendors.telegram),
        "web": web_writer(tokens),
    }
    with psycopg.connect(libpq_url(settings.database_url), autocommit=True) as connection:
        connection.execute(TABLE)
    with our_web(settings), bare_web(settings) as port:
        for channel, write in writers.items():
            figures = asyncio.run(_side_by_side(settings, port, channel, write, rounds, seconds))
            report.part(f"{NAMES[channel]}, {SENDERS} senders at once, in turns", figures)


async def _side_by_side(
    settings: Settings, bare_port: int, channel: str, write: Writer, rounds: int, seconds: float
) -> list[Figure]:
    ours: list[Sent] = []
    bare: list[Sent] = []
    # Pools, caches and plans are warm before anything counts.
    for port in (settings.port, bare_port):
        await send_for(min(seconds, 2.0), port, write, senders=SENDERS)
    for number in range(rounds):
        turn = [(ours, settings.port), (bare, bare_port)]
        for into, port in turn if number % 2 == 0 else reversed(turn):
            await asyncio.to_thread(tidy, settings.database_url, "message", "conversation", "procrastinate_jobs")
            into.append(await send_for(seconds, port, write, senders=SENDERS))
    share = median([one.rate / other.rate for one, other in zip(ours, bare, strict=True)])
    return [
        Figure(channel, "ours: verified, stored, job queued, answered", median([one.rate for one in ours]), "/s"),
        Figure(channel, "bare FastAPI, one INSERT, answered", median([one.rate for one in bare]), "/s"),
        Figure(channel, "ours beside bare", share, at_least=SHARE),
        *_waits(channel, "ours, acknowledged", ours),
        *_waits(channel, "bare, acknowledged", bare),
    ]


def _waits(channel: str, name: str, rounds: Sequence[Sent]) -> list[Figure]:
    waits = sorted(wait for one in rounds for wait in one.waits)
    return [
        Figure(channel, f"{name}, {told}", 1000 * waits[min(len(waits) - 1, int(share * len(waits)))], "ms")
        for told, share in (("p50", 0.5), ("p99", 0.99))
    ]


@contextmanager
def our_web(settings: Settings) -> Iterator[None]:
    """Run `threadbook web` in a process of its own."""
    environment = os.environ | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "PORT": str(settings.port),
        "LOG_LEVEL": "WARNING",
    }
    with _process([sys.executable, "-m", "bot.cli", "web"], settings.port, environment):
        yield


@contextmanager
def bare_web(settings: Settings) -> Iterator[int]:
    """Run the bare endpoint in a process of its own and give its port."""
    port = free_port()
    command = [sys.executable, "-m", "bot.bench_channels.bare", settings.database_url, str(port), str(_POOL)]
    with _process(command, port, dict(os.environ)):
        yield port


@contextmanager
def _process(command: list[str], port: int, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment)  # noqa: S603 - our own modules
    try:
        until = time.monotonic() + 120
        while not _serves(port):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("a web process did not start")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _serves(port: int) -> bool:
    try:
        # Without a worker ours is not well, but it answers.
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code in (200, 503)
    except httpx.TransportError:
        return False
