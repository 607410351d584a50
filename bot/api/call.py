"""One request of another program: who asks, in which transaction, and what it may do."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import Catalog, load_catalog
from booking_core.models import Booking
from booking_core.records import load
from bot.api.problems import Problem
from bot.api.tokens import Bearer, Scope
from bot.wiring import System

KEY_HEADER = "Idempotency-Key"
_BEARER = HTTPBearer(auto_error=False, description="A token of `threadbook token`, such as `tbk_...`")


@dataclass(slots=True)
class Call:
    """What a route works with."""

    system: System
    request: Request
    session: AsyncSession
    bearer: Bearer
    now: datetime
    #: The Idempotency-Key, if one was given.
    key: str | None = None
    _catalog: Catalog | None = field(default=None, repr=False)

    @property
    def business_id(self) -> UUID:
        """Whose data this is about: nothing of another business is ever looked at."""
        return self.bearer.business_id

    @property
    def actor(self) -> str:
        """How the audit names who asks."""
        return self.bearer.actor

    @property
    def command_key(self) -> str:
        """The key under which the booking core knows this command."""
        return f"api:{self.bearer.token_id}:{self.key}"

    @property
    def base_url(self) -> str:
        """How the world reaches us."""
        return self.system.settings.base_url

    def may(self, scope: Scope) -> bool:
        """Whether the token has a scope."""
        return scope.value in self.bearer.scopes

    def require(self, scope: Scope) -> None:
        """Refuse a token without this scope, and name it."""
        if not self.may(scope):
            raise Problem(
                "forbidden",
                detail=f"The token lacks the scope {scope.value}.",
                data={"scope": scope.value},
                headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope.value}"'},
            )

    async def catalog(self) -> Catalog:
        """Return what the business offers."""
        if self._catalog is None:
            self._catalog = await load_catalog(self.session, self.business_id)
        return self._catalog

    async def booking(self, booking_id: UUID) -> Booking:
        """Return a booking, locked; refuses (412) one that is not as If-Match says."""
        booking = await load(self.session, self.business_id, booking_id, for_update=True)
        wanted = self.request.headers.get("if-match")
        if wanted is not None and not matches(wanted, booking):
            raise Problem("changed", data={"version": booking.version}, headers={"ETag": etag_of(booking)})
        return booking


def etag_of(booking: Booking) -> str:
    """Return a booking's entity tag: its version, and when it last changed at all."""
    return f'"{booking.version}-{int(booking.updated_at.timestamp() * 1_000_000):x}"'


def matches(wanted: str, booking: Booking) -> bool:
    """Whether an If-Match names the booking as it stands: by its whole tag, or by its version alone."""
    tags = {tag.strip() for tag in wanted.split(",")}
    return not tags.isdisjoint({"*", etag_of(booking), f'"{booking.version}"', str(booking.version)})


_Key = Annotated[
    str | None,
    Header(
        alias=KEY_HEADER,
        description="Any text that is new for each change; the same again returns the first answer.",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ),
]
_Match = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag that you saw, or the version: 412 if it is another by now."),
]
_NeededKey = Annotated[
    str,
    Header(
        alias=KEY_HEADER,
        description="Any text that is new for each thing that is made; the same again makes nothing new.",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ),
]


def reads(scope: Scope) -> Any:
    """Return the dependency of a route that only reads: the call, if its token has the scope."""

    async def dependency(
        request: Request, _bearer: Annotated[Any, Security(_BEARER, scopes=[scope.value])] = None
    ) -> Call:
        call: Call = request.state.call
        call.require(scope)
        return call

    return Depends(dependency)


def changes(scope: Scope) -> Any:
    """Return the dependency of a route that changes something: a key is welcome, If-Match is looked at."""

    async def dependency(call: Annotated[Call, reads(scope)], _key: _Key = None, _match: _Match = None) -> Call:
        return call

    return Depends(dependency)


def creates(scope: Scope) -> Any:
    """Return the dependency of a route that makes something: without a key it might be made twice."""

    async def dependency(call: Annotated[Call, reads(scope)], _key: _NeededKey) -> Call:
        return call

    return Depends(dependency)
