"""Errors outside the API: a person reads a page in their own language, a program a plain word."""

import logging
from dataclasses import dataclass

from fastapi import Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from bot.console.languages import language_for
from bot.logs import kind_of
from bot.plain_pages import PlainPages
from bot.words import Words

log = logging.getLogger(__name__)

_COME_BACK = {"Cache-Control": "no-store", "Retry-After": "2"}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What answers when a page or a webhook cannot be had; nothing of an error's own words gets out."""

    words: Words

    async def away(self, request: Request, error: Exception) -> Response:
        """Answer 503 while the database cannot be reached: come back in a moment; nothing has been lost."""
        # Only the kind of error, and one line for each request: its text may hold what a customer wrote.
        log.error("a page or a webhook could not use the database: %s", kind_of(error))
        if not _reads(request):
            return PlainTextResponse("Service Unavailable", status_code=503, headers=_COME_BACK)
        return self._page(request, "away", 503, _COME_BACK)

    async def http(self, request: Request, error: HTTPException) -> Response:
        """Answer that there is nothing at an address; whatever else is refused is said as the framework says it."""
        if error.status_code != 404 or not _reads(request):
            return await http_exception_handler(request, error)
        return self._page(request, "missing", 404)

    async def broken(self, request: Request) -> Response:
        """Answer 500: the fault is ours."""
        if not _reads(request):
            return PlainTextResponse("Internal Server Error", status_code=500)
        return self._page(request, "broken", 500)

    def _page(self, request: Request, name: str, status: int, headers: dict[str, str] | None = None) -> Response:
        language = language_for(self.words, request)
        return PlainPages(self.words).show(language, f"page.{name}", status=status, headers=headers or {})


def _reads(request: Request) -> bool:
    """Whether a person looks at the answer: browsers say what they can show, programs do not."""
    return "text/html" in request.headers.get("accept", "")
