"""The same model served the stock way: `rasa run` and `rasa run actions`, each a process, HTTP between them."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.bench_turn.wire import Wire
from bot.embedded import free_port

#: Rasa takes its time to start; after this it never will.
LONGEST_START = 600.0


class NotStarted(RuntimeError):
    """Stock Rasa did not come up."""


@dataclass(frozen=True)
class Stock:
    """A running pair of servers."""

    wire: Wire
    ready_after: float
    pids: tuple[int, int]

    async def say(self, sender: str, words: str) -> int:
        """Say something over the REST channel; return how many replies came."""
        body = json.dumps({"sender": sender, "message": words}).encode()
        answer = await self.wire.post("/webhooks/rest/webhook", {"Content-Type": "application/json"}, body)
        return len(json.loads(answer))


@asynccontextmanager
async def stock_rasa(model: Path) -> AsyncIterator[Stock]:
    """Start both servers, and end them; raises NotStarted."""
    port, actions_port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="threadbook-stock-") as folder:
        endpoints, credentials = Path(folder) / "endpoints.yml", Path(folder) / "credentials.yml"
        endpoints.write_text(f"action_endpoint:\n  url: http://127.0.0.1:{actions_port}/webhook\n")
        credentials.write_text("rest:\n")
        actions = _start("run", "actions", "--actions", "nlu.stock_actions", "--port", str(actions_port))
        try:
            began = time.perf_counter()
            server = _start(
                "run", "--model", str(model), "--endpoints", str(endpoints), "--credentials", str(credentials),
                "--port", str(port), "--interface", "127.0.0.1",
            )  # fmt: skip
            try:
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
                    await _until_up(http, server, "/")
                    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{actions_port}") as other:
                        await _until_up(other, actions, "/health")
                ready = time.perf_counter() - began
                wire = await Wire.open(port)
                try:
                    yield Stock(wire, ready, (server.pid, actions.pid))
                finally:
                    await wire.close()
            finally:
                end(server)
        finally:
            end(actions)


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"RASA_TELEMETRY_ENABLED": "false", "CUDA_VISIBLE_DEVICES": "-1"}
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(  # noqa: S603 - the arguments are ours
        [sys.executable, "-m", "rasa", *arguments],
        cwd=root,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def _until_up(http: httpx.AsyncClient, process: subprocess.Popen[bytes], path: str) -> None:
    until = time.perf_counter() + LONGEST_START
    while time.perf_counter() < until and process.poll() is None:
        try:
            if (await http.get(path)).is_success:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise NotStarted("rasa did not come up")


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that we started; one that does not listen is killed."""
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
