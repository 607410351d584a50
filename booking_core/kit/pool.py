"""Connections that wait in the pool: those that their server has left are found before they are used.

A round trip for each checkout would tell, but a transaction is often no more than three. A server that goes
away closes its sockets, and a closed socket can be read from: looking at it costs microseconds. Only what has
waited longer is asked, since a firewall or a lost network may have cut it without a word.
"""

import time
from select import POLLIN, poll
from typing import Any

from psycopg import AsyncConnection, Error
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

#: Seconds that a connection may wait unasked.
_UNASKED = 1.0
#: Under which a connection's info says since when it waits, on the monotonic clock.
SINCE = "waits since"


def watch(engine: Engine) -> None:
    """Have every connection of an engine looked at before it is given out again."""

    def wait(connection: Any, record: Any) -> None:
        # Who kept it beside the pool has said since when.
        record.info.setdefault(SINCE, time.monotonic())

    def look(connection: Any, record: Any, _fairy: Any) -> None:
        since = record.info.pop(SINCE, None)
        if since is None or is_fresh(since, connection):
            return  # it is new, or of late
        try:
            engine.dialect.do_ping(connection)
        except (Error, OSError) as error:
            # The others that wait are of the same server.
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", wait)
    event.listen(engine, "checkout", look)


def is_fresh(since: float, connection: Any) -> bool:
    """Whether a connection that waits since then can be used unasked."""
    return time.monotonic() - since < _UNASKED and is_quiet(connection.driver_connection)


def is_quiet(driver: "AsyncConnection[Any]") -> bool:
    """Whether a connection is open as far as this side knows, and its server has said nothing since."""
    if driver.closed:
        return False
    asked = poll()
    asked.register(driver.fileno(), POLLIN)
    return not asked.poll(0)
