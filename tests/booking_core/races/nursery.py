"""Births, starts and kills the processes of `worker.py`."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from tests.booking_core.races.world import Command, Result, World


class Nursery:
    """The parent of all workers; it has no event loop of its own, so every test can use it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nursery-")
        path = str(Path(self._folder.name) / "door")
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(path)
        self._door.listen(64)
        self._door.setblocking(False)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.booking_core.races.worker", path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    async def birth(self) -> "Worker":
        """Fork a worker."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line, _ = await asyncio.get_running_loop().sock_accept(self._door)
        worker = Worker(*await asyncio.open_unix_connection(sock=line, limit=2**24))
        worker.pid = (await worker.hear())["pid"]
        return worker

    @contextlib.asynccontextmanager
    async def workers(self, count: int) -> AsyncIterator[list["Worker"]]:
        born = [await self.birth() for _ in range(count)]
        try:
            yield born
        finally:
            for worker in born:
                await worker.leave()

    def close(self) -> None:
        """End the parent; its children end when their tests hang up."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait()
        self._door.close()
        self._folder.cleanup()


class Worker:
    """One process that carries out commands."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self.pid = reader, writer, 0

    async def say(self, what: Any) -> None:
        self._writer.write(json.dumps(what).encode() + b"\n")
        await self._writer.drain()

    async def hear(self) -> Any:
        """Return what the worker says next; None if it is gone."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return None
        return json.loads(line) if line else None

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def leave(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


async def together(workers: Sequence[Worker], tasks: Sequence[Any]) -> list[Any]:
    """Give every worker its task, let all begin at the same instant and return their answers."""
    for worker, task in zip(workers, tasks, strict=True):
        await worker.say(task)
    for worker in workers:
        assert await worker.hear() == "ready"
    for worker in workers:
        await worker.say("go")
    answers = await asyncio.gather(*(worker.hear() for worker in workers))
    assert all(answer is not None for answer in answers), "a worker is gone"
    return list(answers)


async def race(
    workers: Sequence[Worker], url: str, world: World, commands: Sequence[Command], *, connections: int = 4
) -> list[Result]:
    """Carry out commands all at once, spread over processes and their connections; results in their order."""
    lanes: list[list[Command]] = [[] for _ in range(len(workers) * connections)]
    for n, command in enumerate(commands):
        lanes[n % len(lanes)].append(command)
    shares = [[lane for lane in lanes[n :: len(workers)] if lane] for n in range(len(workers))]
    busy = [(worker, share) for worker, share in zip(workers, shares, strict=True) if share]
    task = {"task": "lanes", "url": url, "world": world.sent(), "connections": connections}
    answers = await together([worker for worker, _ in busy], [task | {"lanes": share} for _, share in busy])
    results: dict[int, Result] = {}
    for n, answer in enumerate(answers):
        for m, lane in enumerate(answer):
            first = m * len(workers) + n
            results |= {first + at * len(lanes): result for at, result in enumerate(lane)}
    return [results[n] for n in range(len(commands))]
