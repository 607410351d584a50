"""Which websites may show a business's chat: its own list in `settings: {chat_origins: [...]}`, and ourselves.

No cookie is involved: a thread is opened by a token that the page sends itself. So what a refused website could do is
not to act for a visitor, but to pass for the business; and that is refused where it matters, on every request.
"""

from collections.abc import Callable, Collection, Coroutine
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

_PORTS: Final = {"http": 80, "https": 443}
_LISTED: Final = text("SELECT settings -> 'chat_origins' FROM business WHERE id = :id")
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "7200",
}


def read_origin(written: object) -> str | None:
    """Return an origin as browsers write it (`https://www.example.com`, no path, no usual port); None for none."""
    try:
        parts = urlsplit(str(written).strip())
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port
    except (ValueError, UnicodeError):
        return None
    if parts.scheme not in _PORTS or not host or parts.username is not None:
        return None
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port and port != _PORTS[parts.scheme] else "")


def may_embed(origin: str, listed: object) -> bool:
    """Whether a website is in a business's list; without a list, or with an empty one, none is."""
    asked = read_origin(origin)
    entries: Collection[Any] = listed if isinstance(listed, list) else ()
    return asked is not None and any(read_origin(entry) == asked for entry in entries)


def is_own(connection: HTTPConnection, origin: str, public_url: str) -> bool:
    """Whether a page is one of ours: of the host that was asked, or of the public address."""
    asked = _host(origin)
    # The scheme is not compared: behind a proxy that speaks TLS we are asked in plain HTTP.
    return asked is not None and asked in {connection.headers.get("Host", "").lower(), _host(public_url)}


def _host(address: str) -> str | None:
    origin = read_origin(address)
    return urlsplit(origin).netloc if origin else None


async def is_admitted(session: AsyncSession, connection: HTTPConnection, business_id: UUID, *, public_url: str) -> bool:
    """Whether a request may come from the page it comes from; what is no browser names no page and may."""
    origin = connection.headers.get("Origin")
    if origin is None or is_own(connection, origin, public_url):
        return True
    return may_embed(origin, await session.scalar(_LISTED, {"id": business_id}))


class FromElsewhere(APIRoute):
    """A route whose answers a script on another website may read, so that it can say why it is refused.

    Who may come is judged by the handler: a browser asks beforehand without saying for which business.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that adds what browsers want to see."""
        handle = super().get_route_handler()

        async def readable(request: Request) -> Response:
            response = await handle(request)
            response.headers.add_vary_header("Origin")
            if origin := request.headers.get("Origin"):
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Expose-Headers"] = "Retry-After"
            return response

        return readable


async def preflight() -> Response:
    """Answer what a browser asks before it sends a token or JSON to another origin."""
    return Response(status_code=204, headers=_PREFLIGHT)
