"""The official client's HTTP by httpx: time-outs that hold, no logging of numbers, any host to `api_url`.

The client's own asynchronous transport ignores its time-out, leaks a session per failed request, and its
synchronous one logs recipients; `http_client` is its documented seam.
"""

import logging
from typing import Any
from urllib.parse import urlsplit

import httpx
from twilio.http import AsyncHttpClient
from twilio.http.response import Response

from channels.trust import trusted

log = logging.getLogger(__name__)
TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=5.0)


class Wire(AsyncHttpClient):  # type: ignore[misc]
    """Sends the official client's requests; `api_url` stands in for every Twilio host."""

    def __init__(self, api_url: str | None) -> None:
        super().__init__(log, is_async=True, timeout=None)
        self._api_url = api_url.rstrip("/") if api_url else None
        self._http = httpx.AsyncClient(timeout=TIMEOUT, trust_env=api_url is None, verify=trusted())

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, Any] | None = None,
        data: Any = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the client's signature; httpx keeps the time
        allow_redirects: bool = False,
    ) -> Response:
        """Make one request and return its answer, whatever its status."""
        as_json = (headers or {}).get("Content-Type") == "application/json"
        answer = await self._http.request(
            method,
            self._place(uri),
            params=params or None,
            json=data if as_json else None,
            data=None if as_json else data,
            headers=headers,
            auth=auth,
            follow_redirects=allow_redirects,
        )
        return Response(answer.status_code, answer.text, answer.headers)

    async def download(self, url: str, *, auth: tuple[str, str], most: int) -> tuple[int, bytes]:
        """Return a file's status and at most `most` + 1 bytes; the key goes to Twilio alone, not where it redirects."""
        data = bytearray()
        async with self._http.stream("GET", self._place(url), auth=auth, follow_redirects=True) as answer:
            async for chunk in answer.aiter_bytes():
                data += chunk
                if len(data) > most:
                    break
            return answer.status_code, bytes(data[: most + 1])

    def _place(self, uri: str) -> str:
        if self._api_url is None:
            return uri
        parts = urlsplit(uri)
        return self._api_url + parts.path + (f"?{parts.query}" if parts.query else "")

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()
