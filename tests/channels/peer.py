"""A real HTTP server on loopback that answers as a vendor would, and remembers what it was asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {key: values[-1] for key, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}


@dataclass
class Peer:
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    #: Path ending -> answers in turn, the last one for ever: (status, JSON), or None to hang up.
    answers: dict[str, list[tuple[int, Any] | None]] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(
            Asked(request.method, request.path, dict(request.query), dict(request.headers), await request.read())
        )
        for ending, answers in self.answers.items():
            if request.path.endswith(ending):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if answer is None:
                    assert request.transport is not None
                    request.transport.close()
                    return web.Response()
                status, body = answer
                if isinstance(body, str):
                    return web.Response(status=status, text=body, content_type="text/html")
                return web.json_response(body, status=status)
        return web.json_response({"code": 20404, "message": "not found", "status": 404}, status=404)


@asynccontextmanager
async def open_peer(**answers: Any) -> AsyncIterator[Peer]:
    peer = Peer()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", peer.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    peer.url = f"http://{host}:{port}/prefix"
    try:
        yield peer
    finally:
        await runner.cleanup()
