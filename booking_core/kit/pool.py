"""Connections that wait in the pool: those that their server has left are found before they are used.

A round trip for each checkout would tell, but a transaction is often no more than three. A server that goes
away closes its sockets, and a closed socket can be read from: looking at it costs microseconds. Only what has
waited longer is asked, since a firewall or a lost network may have cut it without a word.
"""

import time
from select import POLLIN, poll
from typing import Any

from psycopg import Error
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

#: Seconds that a connection may wait unasked.
_UNASKED = 1.0
_SINCE = "waits since"


def watch(engine: Engine) -> None:
    """Have every connection of an engine looked at before it is given out again."""

    def wait(connection: Any, record: Any) -> None:
        record.info[_SINCE] = time.monotonic()

    def look(connection: Any, record: Any, _fairy: Any) -> None:
        since = record.info.get(_SINCE)
        if since is None:
            return  # it is new
        if time.monotonic() - since < _UNASKED and _is_quiet(connection):
            return
        try:
            engine.dialect.do_ping(connection)
        except (Error, OSError) as error:
            # The others that wait are of the same server.
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", wait)
    event.listen(engine, "checkout", look)


def _is_quiet(connection: Any) -> bool:
    """Whether a connection is open as far as this side knows, and its server has said nothing since."""
    driver = connection.driver_connection
    if driver.closed:
        return False
    asked = poll()
    asked.register(driver.fileno(), POLLIN)
    return not asked.poll(0)
