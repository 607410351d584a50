"""`threadbook bench turn`: a full turn, from the webhook to the queued reply, part by part.

Everything runs for real on embedded servers: signed webhooks over HTTP, the durable queue, the trained
model, one worker. Beside it stand two limits of the machine in the same run: a bare commit, and the
model's reading alone.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import procrastinate
import psycopg
from procrastinate import JobContext
from sqlalchemy import text
from twilio.request_validator import RequestValidator

from booking_core.kit.db import libpq_url
from bot.actions import all_actions
from bot.app import create_app
from bot.embedded import EmbeddedPostgres, EmbeddedRedis
from bot.jobs import Work, build_jobs
from bot.migrate import migrate
from bot.sample import SAMPLE, seed_business
from bot.settings import Settings
from bot.wiring import System, open_system
from nlu.contract import Heard
from nlu.engine import Engine

#: What a customer writes, one after the other, in one thread.
TALK = ("hello", "a haircut with Ana next week", "how much is it?", "thursday at 3pm", "Tom Reed", "where are you?")
#: Threads in the flood that measures throughput.
FLOOD = 100


def bench_turn(turns: int) -> int:
    """Print the figures; returns 1 when there is no trained model."""
    from nlu.train import current_model

    model = current_model(Path(".threadbook/models"))
    if model is None:
        sys.stderr.write("There is no trained model: run `threadbook train --out .threadbook/models` first.\n")
        return 1
    engine = Engine.load(model, all_actions())
    with tempfile.TemporaryDirectory(prefix="threadbook-bench-") as folder:
        postgres, redis = EmbeddedPostgres(Path(folder) / "postgres"), EmbeddedRedis(Path(folder) / "redis")
        try:
            settings = Settings(
                database_url=postgres.start(),
                redis_url=redis.start(),
                secret_key="bench" * 10,
                burst_seconds=0,
                _env_file=None,
            )
            migrate(settings.database_url)
            asyncio.run(_measure(settings, engine, turns))
        finally:
            redis.stop()
            postgres.stop()
    return 0


class Clocked:
    """When each turn's job began and ended, and how long Rasa's part took."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.rasa: list[float] = []
        self.jobs: asyncio.Queue[tuple[float, float]] = asyncio.Queue()

    async def turn(self, memory: dict[str, Any], heard: Heard, context: Any) -> Any:
        """Run the engine's turn and note its length."""
        began = time.perf_counter()
        try:
            return await self._engine.turn(memory, heard, context)
        finally:
            self.rasa.append(time.perf_counter() - began)


def _clocked_jobs(system: System, clocked: Clocked) -> procrastinate.App:
    app = build_jobs(system, clocked)  # type: ignore[arg-type]
    work = Work(system, clocked)  # type: ignore[arg-type]

    async def answer(context: JobContext, business_id: str, conversation_id: str) -> None:
        began = time.perf_counter()
        await work.answer_conversation(context, business_id, conversation_id)
        await clocked.jobs.put((began, time.perf_counter()))

    app.tasks["answer_conversation"].func = answer
    return app


class Customer:
    """A phone that sends signed webhooks."""

    def __init__(self, http: httpx.AsyncClient, system: System) -> None:
        assert system.vendors.twilio is not None  # noqa: S101 - the sandbox always has it
        self._http, self._access = http, system.vendors.twilio
        self._signer = RequestValidator(self._access.auth_token)

    async def write(self, address: str, words: str) -> None:
        """Post one message as Twilio does."""
        form = {
            "MessageSid": f"SM{uuid4().hex}",
            "AccountSid": self._access.account_sid,
            "From": address,
            "To": self._access.sms_number,
            "Body": words,
            "NumMedia": "0",
        }
        url = f"{self._access.webhook_base}/webhooks/sms"
        headers = {"X-Twilio-Signature": self._signer.compute_signature(url, form)}
        answer = await self._http.post("/webhooks/sms", data=form, headers=headers)
        answer.raise_for_status()


async def _measure(settings: Settings, engine: Engine, turns: int) -> None:
    app = create_app(settings)
    async with open_system(settings) as system:
        await seed_business(system.db, settings, SAMPLE)
        clocked = Clocked(engine)
        jobs = _clocked_jobs(system, clocked)
        transport = httpx.ASGITransport(app=app)
        async with jobs.open_async(), httpx.AsyncClient(transport=transport, base_url=settings.base_url) as http:
            worker = asyncio.create_task(
                jobs.run_worker_async(
                    queues=["answer_conversation"], concurrency=8, install_signal_handlers=False, wait=True
                )
            )
            customer = Customer(http, system)
            try:
                await _one_by_one(customer, clocked, min(turns, 2 * len(TALK)))  # warm
                clocked.rasa.clear()
                parts = await _one_by_one(customer, clocked, turns)
                rate = await _flood(customer, clocked)
            finally:
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)
        commit = await _time(lambda: _commit(system), 200)
        reading = await _time(lambda: _read(engine), 200)
        stock = await asyncio.to_thread(_bare_commits, settings.database_url)
        _print(parts, clocked.rasa[: len(parts["whole turn"])], commit, stock, reading, rate, settings)


async def _one_by_one(customer: Customer, clocked: Clocked, turns: int) -> dict[str, list[float]]:
    parts: dict[str, list[float]] = {"whole turn": [], "webhook": [], "queue": [], "turn": []}
    address = ""
    for number in range(turns):
        if number % len(TALK) == 0:
            address = f"+346{uuid4().int % 10**8:08d}"
        began = time.perf_counter()
        await customer.write(address, TALK[number % len(TALK)])
        written = time.perf_counter()
        started, ended = await asyncio.wait_for(clocked.jobs.get(), 30)
        parts["whole turn"].append(ended - began)
        parts["webhook"].append(written - began)
        parts["queue"].append(max(0.0, started - written))
        parts["turn"].append(ended - started)
    return parts


async def _flood(customer: Customer, clocked: Clocked) -> float:
    """Return turns per second of one worker with its queue full."""
    for _ in range(FLOOD):
        await customer.write(f"+346{uuid4().int % 10**8:08d}", TALK[1])
    first, last = float("inf"), 0.0
    for _ in range(FLOOD):
        started, ended = await asyncio.wait_for(clocked.jobs.get(), 120)
        first, last = min(first, started), max(last, ended)
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
    from datetime import UTC, datetime

    now = datetime(2027, 3, 2, 9, tzinfo=UTC)
    await engine.understand(Heard("a haircut with Ana on thursday at 3pm", now, "Europe/Madrid", "en-GB"))


def _print(
    parts: dict[str, list[float]],
    rasa: Sequence[float],
    commit: Sequence[float],
    bare: Sequence[float],
    reading: Sequence[float],
    rate: float,
    settings: Settings,
) -> None:
    out = sys.stdout.write
    out(f"{len(parts['whole turn'])} turns, one worker, embedded PostgreSQL; milliseconds\n\n")
    out(f"{'':34}{'p50':>8}{'p95':>8}\n")
    rows = {
        "whole turn, webhook to queued reply": parts["whole turn"],
        "  webhook: signature, write, 200": parts["webhook"],
        "  queue: committed to started": parts["queue"],
        "  turn: read, act, answer, commit": parts["turn"],
        "    of which Rasa and actions": rasa,
        "  limit: one commit with psycopg": bare,
        "  limit: one commit by our session": commit,
        "  limit: the model's reading alone": reading,
    }
    for name, values in rows.items():
        out(f"{name:34}{_at(values, 0.5):8.1f}{_at(values, 0.95):8.1f}\n")
    whole = statistics.median(parts["whole turn"])
    floor = 2 * statistics.median(bare) + statistics.median(reading)
    out(f"\n{rate:.0f} turns per second of one worker ({FLOOD} threads waiting)\n")
    out(f"A whole turn takes {whole / floor:.1f} times two bare commits and one reading.\n")


def _at(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]
