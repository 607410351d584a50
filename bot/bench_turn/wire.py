"""What both sides are written to with: a connection that stays, and requests whose sending costs little.

Whatever the client takes is added to both turns, and hides how far apart they are.
"""

import asyncio
from dataclasses import dataclass


@dataclass
class Wire:
    """An HTTP/1.1 connection on which one request waits for the one before it; one that rested too long is renewed."""

    port: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @staticmethod
    async def open(port: int) -> "Wire":
        """Connect to a server on this machine; raises OSError."""
        return Wire(port, *await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        """Return the body of what is answered; any status but 200 is a RuntimeError."""
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self.reader.at_eof():
            await self.close()
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"not answered: {head.split(maxsplit=2)[1].decode()}")
        _, named, length = head.partition(b"content-length:")
        if not named:
            raise RuntimeError("an answer of unknown length")
        return await self.reader.readexactly(int(length.split(b"\r\n")[0]))

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        await self.writer.wait_closed()
