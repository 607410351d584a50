"""Somebody who is told: a real HTTP server on loopback that answers as it is asked to, and keeps what came."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said

    def is_signed_by(self, secret: str) -> bool:
        """Whether one of the signatures is that of this secret, as the standard's text has it."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        said = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        ours = base64.b64encode(hmac.digest(key, said, hashlib.sha256)).decode()
        given = [one.split(",", 1) for one in self.headers["webhook-signature"].split(" ")]
        return any(version == "v1" and hmac.compare_digest(ours, signature) for version, signature in given)


@dataclass(frozen=True)
class Reply:
    """What to answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    #: Waited for before the answer.
    after: Callable[[], Awaitable[object]] | None = None
    endless: bool = False


@dataclass
class Receiver:
    """The server; `replies` are used up one by one, then everything is taken."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    got: list[Received] = field(default_factory=list)
    #: Requests at the same time: now, and the most there were.
    open: int = 0
    most: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            body = await reader.readexactly(int(headers["content-length"]))
            self.got.append(Received(method, path, headers, body))
            await self._answer(self.replies.pop(0) if self.replies else Reply(), writer)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _answer(self, reply: Reply, writer: asyncio.StreamWriter) -> None:
        if reply.after is not None:
            await reply.after()
        length = 10**12 if reply.endless else len(reply.body)
        lines = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {length}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + reply.body)
        while reply.endless:
            writer.write(b"x" * 65536)
            await writer.drain()
        await writer.drain()


@asynccontextmanager
async def receiving(path: str = "/hook", *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver; with TLS it is called by its name."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    begin = "https://localhost" if tls else "http://127.0.0.1"
    receiver.url = f"{begin}:{server.sockets[0].getsockname()[1]}{path}"
    async with server:
        yield receiver
