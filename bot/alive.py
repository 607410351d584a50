"""Is this container's own process alive: `python -m bot.alive web|worker`, for health checks of containers.

`GET /health` speaks for the whole system; a web server whose workers are down must still take webhooks in, so a
container is judged by itself and by what it cannot work without.
"""

import os
import socket
import sys

import httpx
import psycopg

from booking_core.kit.db import libpq_url

#: A worker beats every second (`bot/due.py`).
SILENT_AFTER = 15


def web_is_alive(port: int) -> bool:
    """Say whether the web server answers and has its database."""
    try:
        told = httpx.get(f"http://127.0.0.1:{port}/health", timeout=5, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(told, dict) and not {"web", "database"} & set(told.get("missing", ["web"]))


def worker_is_alive(database_url: str, machine: str) -> bool:
    """Say whether a worker of this machine has told of itself lately."""
    try:
        with psycopg.connect(libpq_url(database_url), connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT count(*) FROM worker_beat WHERE split_part(worker, ':', 1) = %s "
                "AND beat_at > clock_timestamp() - make_interval(secs => %s)",
                (machine, SILENT_AFTER),
            ).fetchone()
    except psycopg.Error:
        return False
    return bool(row and row[0])


def main(arguments: list[str]) -> int:
    """Return 0 when alive, 1 when not, 2 for a wrong call."""
    match arguments:
        case ["web"]:
            return 0 if web_is_alive(int(os.environ.get("PORT", "8000"))) else 1
        case ["worker"]:
            return 0 if worker_is_alive(os.environ["DATABASE_URL"], socket.gethostname()) else 1
    sys.stderr.write("usage: python -m bot.alive web|worker\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
