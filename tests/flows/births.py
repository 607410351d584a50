"""Web and worker as processes that are born and killed at a word (`tests/flows/nursery.py` bears them)."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.settings import Settings


@dataclass
class Nursery:
    process: subprocess.Popen[str]
    pids: dict[str, int] = field(default_factory=dict)

    def birth(self, what: str) -> None:
        """Start `web`, `worker`, or `web PORT`."""
        assert self.process.stdin is not None and self.process.stdout is not None  # noqa: PT018
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        self.pids[what] = int(self.process.stdout.readline())

    def kill(self, what: str) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pids[what], signal.SIGKILL)

    def lives(self, what: str) -> bool:
        try:
            os.kill(self.pids[what], 0)
        except ProcessLookupError:
            return False
        return True


@contextlib.asynccontextmanager
async def nursery(
    settings: Settings, model: Path, *, first: tuple[str, ...] = ("web", "worker"), log: Path | None = None, **more: str
) -> AsyncIterator[Nursery]:
    """Run a nursery with its first children, which write their `log` there; `more` goes into their environment."""
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PORT": str(settings.port),
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "BURST_SECONDS": "0.1",
        **more,
    }
    with contextlib.ExitStack() as files:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.nursery", str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if log is None else files.enter_context(log.open("wb")),
            text=True,
            env=environment,
        )
    assert process.stdout is not None
    while (line := await asyncio.to_thread(process.stdout.readline)) and line.strip() != "ready":
        pass
    born = Nursery(process)
    try:
        for what in first:
            born.birth(what)
        yield born
    finally:
        for what in born.pids:
            born.kill(what)
        process.kill()
        await asyncio.to_thread(process.wait)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()
