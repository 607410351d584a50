"""Pages: Jinja2 templates, worded by the catalogs, dated by Babel, locked down by headers."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from babel import Locale
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.console.access import Area, Visitor
from bot.console.daygrid import grid_css
from bot.console.desk import Desk
from bot.console.languages import language_for, languages
from bot.console.wall import Wall

_HERE = Path(__file__).resolve().parent
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the console's own, served with its content's hash in the address."""

    body: bytes
    type: str
    version: str


class Pages:
    """Templates and assets, read once."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.assets = {path.name: _asset(path.read_bytes(), path.suffix) for path in (_HERE / "static").iterdir()}
        self.assets["day.css"] = _asset(grid_css().encode(), ".css")
        self._jinja = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

        self._jinja.filters["tokened"] = lambda name: f"{{{name}}}"

    def render(
        self,
        request: Request,
        template: str,
        *,
        visitor: Visitor | None = None,
        now: datetime | None = None,
        **context: Any,
    ) -> str:
        """Return a template's text for a request."""
        words = self.desk.words
        language = visitor.language if visitor else language_for(words, request)
        wall = Wall(visitor.locale, visitor.tz, now) if visitor and now else None

        def t(key: str, **values: Any) -> str:
            return words.text(language, "console." + key, **values)

        def tn(key: str, count: int, **values: Any) -> str:
            return words.text(language, "console." + key, count, **values)

        def t_or(key: str, otherwise: str, **values: Any) -> str:
            return words.text(language, "console." + key, **values) if words.has("console." + key) else otherwise

        return self._jinja.get_template(template).render(
            t=t,
            tn=tn,
            t_or=t_or,
            wall=wall,
            visitor=visitor,
            language=language,
            direction=Locale.parse(language).text_direction,
            languages=[
                (code, str(Locale.parse(code).get_display_name(code)).capitalize()) for code in languages(words)
            ],
            here=quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""), safe="/"),
            asset=self.asset_url,
            Area=Area,
            **context,
        )

    def page(
        self,
        request: Request,
        template: str,
        *,
        visitor: Visitor | None = None,
        now: datetime | None = None,
        status: int = 200,
        **context: Any,
    ) -> HTMLResponse:
        """Return a whole page."""
        return HTMLResponse(self.render(request, template, visitor=visitor, now=now, **context), status)

    def asset_url(self, name: str) -> str:
        """Return where a file of ours is served; its content's hash lets browsers keep it for ever."""
        return f"/console/static/{name}?v={self.assets[name].version}"

    @cached_property
    def headers(self) -> dict[str, str]:
        """Headers of every answer of the console: nothing but our own files may run or show."""
        socket = self.desk.settings.base_url.replace("http", "ws", 1)
        headers = {
            "Content-Security-Policy": (
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                f"connect-src 'self' {socket}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Cache-Control": "no-store",
        }
        if self.secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        return headers

    @property
    def secure(self) -> bool:
        """Whether the world reaches us by https: then cookies travel by it only."""
        return self.desk.settings.base_url.startswith("https://")

    def protect(self, response: Response) -> Response:
        """Add the headers that are not there yet."""
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        return response


def inside(target: str) -> str:
    """Return where to go after a login or a switch; anything but a page of the console becomes the inbox."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or "\\" in target or not parts.path.startswith("/console/"):
        return "/console/inbox"
    return target


def _asset(body: bytes, suffix: str) -> Asset:
    return Asset(body, _TYPES[suffix], hashlib.sha256(body).hexdigest()[:12])
