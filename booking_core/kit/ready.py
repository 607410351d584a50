"""Connections that have just been used: the next transaction takes one of them without asking the pool.

What the pool does between two transactions (hand in, roll back, hand out, and both in a greenlet) takes longer than
the database needs for a small statement. What has waited for a while goes back to the pool, which looks whether its
server is still there; and where all are in use they go there at once, to those who wait.
"""

import time
from typing import Any

from sqlalchemy import Pool
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_core.kit.pool import SINCE, is_fresh


class Ready:
    """At most `most` of a pool's connections, checked out and idle: the one that was used last is used next."""

    def __init__(self, most: int, pool: Pool) -> None:
        self._most = most
        self._pool: Any = pool
        self._waiting: list[AsyncConnection] = []

    async def take(self) -> AsyncConnection | None:
        """Return one that can be used at once; those that cannot go back to the pool."""
        while self._waiting:
            own = self._waiting.pop()
            connection = own.sync_connection
            if connection is not None and is_fresh(own.info[SINCE], connection.connection):
                del own.info[SINCE]
                return own
            await own.close()
        return None

    async def put(self, own: AsyncConnection) -> None:
        """Keep one that is open, and in no transaction; beyond `most`, or where others may wait, it goes back."""
        if len(self._waiting) >= self._most or self._is_exhausted():
            await own.close()
            return
        own.info[SINCE] = time.monotonic()
        self._waiting.append(own)

    def _is_exhausted(self) -> bool:
        pool = self._pool
        # Its bound is told to nobody.
        return bool(pool.checkedin() == 0 and pool.overflow() >= pool._max_overflow)  # noqa: SLF001

    async def close(self) -> None:
        """Give all of them back."""
        while self._waiting:
            await self._waiting.pop().close()
