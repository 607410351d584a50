"""What `up` asks of the outside: is the port free, is all healthy, is our database there."""

import errno
import socket
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
import psycopg

from booking_core.kit.db import libpq_url
from bot.processes import ServerError
from bot.settings import Settings

DATABASE = "threadbook"


def refuse_taken_port(host: str, port: int) -> None:
    """Raise, with a sentence on what to do, when the web server could not listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the web server does, so that connections of an earlier run that linger are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ServerError(
                    f"Port {port} on {host} is taken by another program. Choose another: PORT={port + 1} make run"
                ) from error
            raise ServerError(f"Nothing can listen on {host}, port {port}: {error.strerror} (HOST, PORT).") from error


def own_database(server_url: str) -> str:
    """Return the URL of our database on an embedded server; made where it is not there yet."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{DATABASE}"))


def chat_paths(database_url: str) -> list[str]:
    """Return the paths of the web chats of the first few businesses."""
    with psycopg.connect(libpq_url(database_url)) as connection:
        rows = connection.execute("SELECT slug FROM business ORDER BY id LIMIT 3").fetchall()
    return [f"/chat/{quote(slug)}" for (slug,) in rows]


def local_url(settings: Settings) -> str:
    """Return how this machine reaches the web server, whatever the world calls it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def ask_health(settings: Settings) -> str | None:
    """Return what `GET /health` says is missing, or None when all is well."""
    try:
        answer = httpx.get(f"{local_url(settings)}/health", timeout=5, trust_env=False)
    except httpx.HTTPError:
        return "web does not answer yet"
    if answer.status_code == httpx.codes.OK:
        return None
    try:
        told = answer.json()
    except ValueError:
        return f"/health answers {answer.status_code}"
    missing = told.get("missing") if isinstance(told, dict) else None
    if isinstance(missing, list) and missing:
        return "without " + ", ".join(str(part) for part in missing)
    return f"/health answers {answer.status_code}"
