"""The public address: vendors' stand-ins behind it live on while the web process that is killed comes and goes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def front(port: int, *, web: int, vendors: int) -> AsyncIterator[None]:
    """Carry connections on to one of two web processes, by their first request; cut those whose process is gone."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n")
            there = vendors if head.split(b" ", 2)[1].startswith(b"/sandbox") else web
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", there)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, IndexError):
            writer.transport.abort()
            return
        far_writer.write(head)
        ways = [asyncio.create_task(_pump(reader, far_writer)), asyncio.create_task(_pump(far_reader, writer))]
        try:
            # Cancelled when everything ends: asyncio's own server takes that for an error of its.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, far_writer):
                end.transport.abort()

    server = await asyncio.start_server(carry, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
