"""Who may see what, and the one door through which every request of a signed-in person comes."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request
from starlette.requests import HTTPConnection

from bot import phrasing
from bot.console.desk import Desk
from bot.console.forms import read_form
from bot.console.languages import language_for
from bot.console.sessions import find_session

COOKIE = "threadbook_console"
CSRF_FIELD = "csrf"


class Area(StrEnum):
    """A part of the console."""

    INBOX = "inbox"
    CALENDAR = "calendar"
    TASKS = "tasks"
    TRANSCRIPTS = "transcripts"
    TEAM = "team"
    REPLIES = "replies"
    WAYS = "ways"
    CONSENTS = "consents"
    CREDENTIALS = "credentials"

    @property
    def in_menu(self) -> bool:
        """Whether it stands in the menu; what does not is reached from the page that it serves."""
        return self not in {Area.REPLIES, Area.WAYS, Area.CONSENTS, Area.CREDENTIALS}


#: What each role may open. `owner` is everything by definition.
AREAS: dict[str, frozenset[Area]] = {
    "staff": frozenset({Area.INBOX, Area.CALENDAR}),
    "manager": frozenset(
        {Area.INBOX, Area.CALENDAR, Area.TASKS, Area.TRANSCRIPTS, Area.REPLIES, Area.WAYS, Area.CONSENTS}
    ),
    "owner": frozenset(Area),
}


class NotSignedIn(Exception):
    """No cookie, or one that opens nothing (any more)."""


class NotAllowed(Exception):
    """Signed in, but this area is not for the role."""


class Forged(Exception):
    """A POST without the session's token, or sent by another site."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody signed in, and how their pages are written."""

    user_id: UUID
    business_id: UUID
    business_name: str
    name: str
    email: str
    role: str
    csrf: str
    language: str
    locale: str
    tz: str
    currency: str

    def may(self, area: Area | str) -> bool:
        """Whether the role opens the area."""
        return area in AREAS.get(self.role, frozenset())


async def find_visitor(desk: Desk, connection: HTTPConnection) -> Visitor | None:
    """Return who a request or WebSocket comes from, by its cookie."""
    token = connection.cookies.get(COOKIE)
    if not token:
        return None
    async with desk.db.transaction() as session:
        found = await find_session(session, token)
    if found is None:
        return None
    login, user, business = found
    language = language_for(desk.words, connection)
    return Visitor(
        user_id=user.id,
        business_id=business.id,
        business_name=business.name,
        name=user.name,
        email=user.email,
        role=user.role,
        csrf=login.csrf,
        language=language,
        locale=phrasing.local_tag(language, business.default_locale),
        tz=business.timezone,
        currency=business.currency,
    )


def actor_of(visitor: Visitor) -> str:
    """Return how the audit names somebody signed in."""
    return f"staff:{visitor.user_id}"


def door(desk: Desk, area: Area) -> Callable[[Request], Awaitable[Visitor]]:
    """Return the dependency that every route of an area has."""

    async def admit(request: Request) -> Visitor:
        visitor = await find_visitor(desk, request)
        if visitor is None:
            raise NotSignedIn
        if request.method not in {"GET", "HEAD"}:
            await check_csrf(desk, request, visitor.csrf)
        if not visitor.may(area):
            raise NotAllowed
        return visitor

    return admit


async def check_csrf(desk: Desk, request: Request, expected: str) -> None:
    """Refuse a POST that does not carry the expected token or that another site sent."""
    if not same_origin(desk, request):
        raise Forged
    given = (await read_form(request)).get(CSRF_FIELD, "")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), expected.encode()):
        raise Forged


def same_origin(desk: Desk, connection: HTTPConnection) -> bool:
    """Whether the browser says that our own page sent this; browsers that say nothing are trusted.

    Our own is the host that was asked, or the public one where a proxy asks by another name.
    """
    origin = connection.headers.get("origin")
    ours = {connection.headers.get("host"), urlsplit(desk.settings.base_url).netloc}
    return origin is None or urlsplit(origin).netloc in ours
