"""What a page answers while the database cannot be reached: come back in a moment; nothing has been lost."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.console.languages import language_for
from bot.logs import kind_of
from bot.words import Words

log = logging.getLogger(__name__)

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True, undefined=StrictUndefined
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Retry-After": "2",
    "X-Content-Type-Options": "nosniff",
}


def away_for(words: Words) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return what answers 503: a page in the reader's language for a person, a plain word for a program."""
    page = _PAGES.get_template("mail.html")

    async def answer(request: Request, error: Exception) -> Response:
        # Only the kind of error, and one line for each request: its text may hold what a customer wrote.
        log.error("a page or a webhook could not use the database: %s", kind_of(error))
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse("Service Unavailable", status_code=503, headers=_HEADERS)
        language = language_for(words, request)
        shown = page.render(
            language=words.text(language, "chat.language"),
            title=words.text(language, "mail.page.away_title"),
            body=words.text(language, "mail.page.away_body"),
            button=None,
        )
        return HTMLResponse(shown, status_code=503, headers=_HEADERS)

    return answer
