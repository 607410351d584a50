"""Our side of the measurement: signed webhooks over HTTP, the durable queue, the trained model, one worker."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from twilio.request_validator import RequestValidator

from bot.bench_turn.stock import end
from bot.bench_turn.wire import Wire
from bot.sample import SAMPLE, seed_business
from bot.settings import Settings
from bot.wiring import System, open_system

#: What a customer writes, one after the other, in one thread.
TALK = ("hello", "a haircut with Ana next week", "how much is it?", "thursday at 3pm", "Tom Reed", "where are you?")


class Customer:
    """A phone that sends signed webhooks."""

    def __init__(self, wire: Wire, system: System) -> None:
        assert system.vendors.twilio is not None  # noqa: S101 - the sandbox always has it
        self._wire, self._access = wire, system.vendors.twilio
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
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": self._signer.compute_signature(url, form),
        }
        await self._wire.post("/webhooks/sms", headers, urlencode(form).encode())


@dataclass
class Parts:
    """Seconds of each turn: the whole, and what it is made of."""

    whole: list[float] = field(default_factory=list)
    webhook: list[float] = field(default_factory=list)
    queue: list[float] = field(default_factory=list)
    turn: list[float] = field(default_factory=list)
    rasa: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Turn:
    """One turn as the worker tells of it: moments of the monotonic clock, and seconds."""

    began: float
    ended: float
    rasa: float


@dataclass
class Ours:
    """A running system, its web server and its worker a process each, and a customer who writes to it."""

    system: System
    customer: Customer
    web: "subprocess.Popen[bytes]"
    worker: asyncio.subprocess.Process
    turns: "asyncio.Queue[Turn]" = field(default_factory=asyncio.Queue)

    @property
    def pids(self) -> tuple[int, int]:
        """The processes that answer."""
        return self.web.pid, self.worker.pid

    async def listen(self) -> None:
        """Hear of each turn that the worker has taken, for as long as it works."""
        assert self.worker.stdout is not None  # noqa: S101 - it was asked for
        async for line in self.worker.stdout:
            self.turns.put_nowait(Turn(**json.loads(line)))

    async def sleep(self) -> None:
        """Stop the worker; the web server goes on taking messages."""
        await _end(self.worker)

    async def say(self, address: str, words: str, parts: Parts) -> None:
        """Write one message and wait until its answer is queued."""
        began = time.monotonic()
        await self.customer.write(address, words)
        written = time.monotonic()
        turn = await asyncio.wait_for(self.turns.get(), 60)
        parts.whole.append(turn.ended - began)
        parts.webhook.append(written - began)
        parts.queue.append(max(0.0, turn.began - written))
        parts.turn.append(turn.ended - turn.began)
        parts.rasa.append(turn.rasa)

    async def forget_limits(self) -> None:
        """Let one number write as much as it likes: the limits per sender are not what is measured."""
        await self.system.redis.flushdb()


@asynccontextmanager
async def our_system(settings: Settings, model: Path) -> AsyncIterator[Ours]:
    """Run a web server and a worker, each a process of its own as in production, and as stock Rasa's are."""
    environment = environment_of(settings, model)
    async with open_system(settings) as system:
        await seed_business(system.db, settings, SAMPLE)
        web = _start_web(environment)
        try:
            worker = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot.bench_turn.clocked", str(model),
                env=environment, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            try:
                wire = await _until_up(settings.port, web)
                ours = Ours(system, Customer(wire, system), web, worker)
                try:
                    assert worker.stdout is not None  # noqa: S101 - it was asked for
                    if json.loads(await worker.stdout.readline() or "null") != "ready":
                        raise RuntimeError("our worker did not start")
                    listening = asyncio.create_task(ours.listen())
                    yield ours
                    listening.cancel()
                finally:
                    await wire.close()
            finally:
                await _end(worker)
        finally:
            end(web)


def environment_of(settings: Settings, model: Path) -> dict[str, str]:
    """Return what tells a process of this system where everything is."""
    return os.environ | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "MODEL_DIR": str(model.parent.resolve()),
        "BURST_SECONDS": "0",
        "LOG_LEVEL": "WARNING",
    }


def _start_web(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "bot.cli", "web"], env=environment)


async def _until_up(port: int, web: "subprocess.Popen[bytes]") -> Wire:
    while web.poll() is None:
        with contextlib.suppress(OSError):
            return await Wire.open(port)
        await asyncio.sleep(0.05)
    raise RuntimeError("our web server did not start")


async def _end(worker: asyncio.subprocess.Process) -> None:
    if worker.returncode is None:
        worker.terminate()
    await worker.wait()


def somebody() -> str:
    """Return a number that nobody has written from."""
    return f"+346{uuid4().int % 10**8:08d}"
