"""A connection whose socket the loop goes on watching between two statements.

The driver's own asks the loop to watch its socket before each wait, with a timer, and to leave it afterwards. For
statements as small as ours that is two fifths of what the client's side of one takes (`docs/decisions/0012`).
"""

import asyncio
from collections.abc import Callable, Generator
from typing import Any, TypeVar
from weakref import ReferenceType, ref

from psycopg import AsyncConnection
from psycopg.rows import Row
from psycopg.waiting import Ready, Wait

Result = TypeVar("Result")
#: What the driver's generators are: they yield what they wait for, and are sent what is there.
Steps = Generator[Any, Any, Result]

_INTERRUPTED = (asyncio.CancelledError, KeyboardInterrupt, SystemExit)
#: How often the driver's own looks whether it has been interrupted, in seconds.
_INTERVAL = 0.1


class WatchedConnection(AsyncConnection[Row]):
    """The driver's connection, but for how it waits."""

    _watching: "tuple[asyncio.AbstractEventLoop, int] | None" = None
    _waiter: "asyncio.Future[None] | None" = None

    async def wait(
        self,
        gen: Steps[Result],
        interval: float = _INTERVAL,
        timeout: float | None = None,  # noqa: ASYNC109 - the driver's own
    ) -> Result:
        """Let a statement take its steps; whatever is not plain waiting for an answer is left to the driver."""
        if timeout is not None or interval != _INTERVAL:
            self.unwatch()
            return await super().wait(gen, interval, timeout)
        wants: Any = None
        try:
            wants = next(gen)
            while wants == Wait.R:
                await self._until_readable()
                wants = gen.send(Ready.R)
        except StopIteration as end:
            result: Result = end.value
            return result
        except _INTERRUPTED as interruption:
            self.unwatch()
            # The driver knows how to call a statement back.
            return await super().wait(_Interrupted(gen, wants, interruption), interval)
        except BaseException:
            # Its library has closed the socket, perhaps: the number may soon be another's.
            self.unwatch()
            raise
        self.unwatch()
        return await super().wait(_GoingOn(gen, wants), interval)

    async def close(self) -> None:
        """Close it; who waits for an answer has none."""
        self.unwatch()
        await super().close()

    def unwatch(self) -> None:
        """Let the loop leave the socket, which must be before it is closed."""
        watching, self._watching = self._watching, None
        if watching is not None and not watching[0].is_closed():
            watching[0].remove_reader(watching[1])
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _until_readable(self) -> None:
        loop = asyncio.get_running_loop()
        if self._watching is None or self._watching[0] is not loop:
            self.unwatch()
            self._watching = loop, self.pgconn.socket
            loop.add_reader(self.pgconn.socket, _wakes(ref(self)))
        self._waiter = loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is None:
            # Nobody has asked for anything: the server is gone, or tells something that can wait.
            self.unwatch()
        elif not self._waiter.done():
            self._waiter.set_result(None)

    def __del__(self, *args: Any) -> None:
        """Let the loop leave it, too, where it was forgotten."""
        self.unwatch()
        super().__del__(*args)


def _wakes(own: "ReferenceType[WatchedConnection[Any]]") -> Callable[[], None]:
    """Return what the loop calls, which keeps no connection alive."""

    def wake() -> None:
        connection = own()
        if connection is not None:
            connection._wake()  # noqa: SLF001

    return wake


class _GoingOn(Generator[Any, Any, Result]):
    """Steps of which the first has been taken: begun anew, they want what they wanted."""

    def __init__(self, steps: Steps[Result], wants: Any) -> None:
        self._steps, self._wants = steps, wants

    def send(self, ready: Any) -> Any:
        if self._wants is not None:
            wants, self._wants = self._wants, None
            return wants
        return self._steps.send(ready)

    def throw(self, *error: Any) -> Any:
        return self._steps.throw(*error)


class _Interrupted(_GoingOn[Result]):
    """Steps that are interrupted first, as the driver would have been, and go on when it begins them again."""

    def __init__(self, steps: Steps[Result], wants: Any, interruption: BaseException) -> None:
        super().__init__(steps, wants)
        self._interruption: BaseException | None = interruption

    def send(self, ready: Any) -> Any:
        if self._interruption is not None:
            interruption, self._interruption = self._interruption, None
            raise interruption
        return super().send(ready)
