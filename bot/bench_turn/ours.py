"""Our side of the measurement: signed webhooks over HTTP, the durable queue, the trained model, one worker."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import procrastinate
import uvicorn
from procrastinate import JobContext
from twilio.request_validator import RequestValidator

from bot.app import create_app
from bot.jobs import Work, build_jobs
from bot.sample import SAMPLE, seed_business
from bot.settings import Settings
from bot.wiring import System, open_system
from nlu.contract import Heard
from nlu.engine import Engine

#: What a customer writes, one after the other, in one thread.
TALK = ("hello", "a haircut with Ana next week", "how much is it?", "thursday at 3pm", "Tom Reed", "where are you?")


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


@dataclass
class Parts:
    """Seconds of each turn: the whole, and what it is made of."""

    whole: list[float] = field(default_factory=list)
    webhook: list[float] = field(default_factory=list)
    queue: list[float] = field(default_factory=list)
    turn: list[float] = field(default_factory=list)


@dataclass
class Ours:
    """A running system with one worker, and a customer who writes to it."""

    system: System
    customer: Customer
    clocked: Clocked
    worker: asyncio.Task[None]

    async def sleep(self) -> None:
        """Stop the worker; the web server goes on taking messages."""
        self.worker.cancel()
        await asyncio.gather(self.worker, return_exceptions=True)

    async def say(self, address: str, words: str, parts: Parts) -> None:
        """Write one message and wait until its answer is queued."""
        began = time.perf_counter()
        await self.customer.write(address, words)
        written = time.perf_counter()
        started, ended = await asyncio.wait_for(self.clocked.jobs.get(), 60)
        parts.whole.append(ended - began)
        parts.webhook.append(written - began)
        parts.queue.append(max(0.0, started - written))
        parts.turn.append(ended - started)

    async def forget_limits(self) -> None:
        """Let one number write as much as it likes: the limits per sender are not what is measured."""
        await self.system.redis.flushdb()


@asynccontextmanager
async def our_system(settings: Settings, engine: Engine) -> AsyncIterator[Ours]:
    """Run a web server on its port and a worker, both in this process."""
    async with open_system(settings) as system, _web(settings):
        await seed_business(system.db, settings, SAMPLE)
        clocked = Clocked(engine)
        jobs = _clocked_jobs(system, clocked)
        async with jobs.open_async(), httpx.AsyncClient(base_url=settings.base_url, timeout=30) as http:
            worker = asyncio.create_task(
                jobs.run_worker_async(
                    queues=["answer_conversation"], concurrency=8, install_signal_handlers=False, wait=True
                )
            )
            ours = Ours(system, Customer(http, system), clocked, worker)
            try:
                yield ours
            finally:
                await ours.sleep()


@asynccontextmanager
async def _web(settings: Settings) -> AsyncIterator[None]:
    config = uvicorn.Config(
        create_app(settings), host=settings.host, port=settings.port, ws="wsproto", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has a flag, no event
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


def _clocked_jobs(system: System, clocked: Clocked) -> procrastinate.App:
    app = build_jobs(system, clocked)  # type: ignore[arg-type]
    work = Work(system, clocked)  # type: ignore[arg-type]

    async def answer(context: JobContext, business_id: str, conversation_id: str) -> None:
        began = time.perf_counter()
        await work.answer_conversation(context, business_id, conversation_id)
        await clocked.jobs.put((began, time.perf_counter()))

    app.tasks["answer_conversation"].func = answer
    return app


def somebody() -> str:
    """Return a number that nobody has written from."""
    return f"+346{uuid4().int % 10**8:08d}"
