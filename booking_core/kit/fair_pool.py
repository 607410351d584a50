"""A pool at which whoever has waited longest gets the next connection."""

import asyncio
from collections import deque
from typing import Any

from sqlalchemy import AsyncAdaptedQueuePool, util
from sqlalchemy.util.queue import AsyncAdaptedQueue


class FairQueue(asyncio.LifoQueue[Any]):
    """Hands what comes back to whoever waits; the one used last first, where nobody does.

    asyncio's own queue only wakes who waits. Whoever asks before they run takes it from them, and they wait anew,
    behind all others: with more senders than connections one in a hundred waited many times as long as the rest.
    """

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self._waiting: deque[asyncio.Future[Any]] = deque()

    def put_nowait(self, item: Any) -> None:
        """Hand an item to the first who waits, else keep it; raises QueueFull."""
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():
                first.set_result(item)
                return
        super().put_nowait(item)

    async def get(self) -> Any:
        """Return an item, in turn."""
        if not self.empty():
            return self.get_nowait()
        handed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(handed)
        try:
            return await handed
        except asyncio.CancelledError:
            # Who gives up at the moment at which it is handed to them passes it on.
            if handed.done() and not handed.cancelled():
                self.put_nowait(handed.result())
            raise


class _Queue(AsyncAdaptedQueue[Any]):
    @util.memoized_property
    def _queue(self) -> asyncio.Queue[Any]:
        return FairQueue(maxsize=self.maxsize)


class FairPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool for asyncio, at which nobody is passed over."""

    _queue_class = _Queue
