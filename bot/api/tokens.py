"""Who may speak for a business: bearer tokens with scopes, shown once and kept as a hash."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id, new_secret
from booking_core.kit.scope import narrowing
from bot.api.models import ApiToken

#: What every token begins with, so that scanners find one that was published by mistake.
MARK = "tbk_"
#: 32 random bytes.
_SIZE = 32
_SHOWN = len(MARK) + 8
#: So old may "last used" be.
USED_EVERY = timedelta(minutes=5)


class Scope(StrEnum):
    """What a token may do."""

    CATALOG_READ = "catalog:read"
    AVAILABILITY_READ = "availability:read"
    BOOKINGS_READ = "bookings:read"
    BOOKINGS_WRITE = "bookings:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    SCHEDULE_WRITE = "schedule:write"
    WEBHOOKS_MANAGE = "webhooks:manage"


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a token speaks for, and what it may do."""

    business_id: UUID
    token_id: UUID
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        """How the audit names it."""
        return f"token:{self.token_id}"


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A token that was just made: the only time that its secret can be read."""

    row: ApiToken
    secret: str


class TokenRefused(Exception):
    """Why a token opens nothing: `invalid`, `expired` or `revoked`."""


async def make_token(
    session: AsyncSession,
    business_id: UUID,
    *,
    name: str,
    scopes: Sequence[Scope],
    lasts: timedelta | None,
    now: datetime,
) -> MadeToken:
    """Make a token for a program."""
    secret = MARK + new_secret(_SIZE)
    row = ApiToken(
        business_id=business_id,
        id=new_id(),
        name=name,
        token_hash=_hash(secret),
        prefix=secret[:_SHOWN],
        scopes=sorted({Scope(scope).value for scope in scopes}),
        created_at=now,
        expires_at=None if lasts is None else now + lasts,
        revoked_at=None,
        last_used_at=None,
    )
    session.add(row)
    await session.flush()
    return MadeToken(row, secret)


async def find_bearer(session: AsyncSession, secret: str, *, now: datetime) -> Bearer:
    """Return whom a token speaks for, and note that it was used; raises TokenRefused."""
    if not secret.startswith(MARK) or len(secret) > 100 or not secret.isascii():
        raise TokenRefused("invalid")
    # Equality is judged by an index over hashes: its time tells nothing about the secret.
    # From here on the transaction is the business's whose token it is.
    query = select(ApiToken, *narrowing(ApiToken.business_id)).where(ApiToken.token_hash == _hash(secret))
    token = await session.scalar(query)
    if token is None:
        raise TokenRefused("invalid")
    if token.revoked_at is not None:
        raise TokenRefused("revoked")
    if token.expires_at is not None and token.expires_at <= now:
        raise TokenRefused("expired")
    await _note_use(session, token, now)
    return Bearer(token.business_id, token.id, frozenset(token.scopes))


async def list_tokens(session: AsyncSession, business_id: UUID) -> list[ApiToken]:
    """Return a business's tokens, the newest first."""
    query = select(ApiToken).where(ApiToken.business_id == business_id).order_by(ApiToken.id.desc())
    return list(await session.scalars(query))


async def revoke(session: AsyncSession, business_id: UUID, prefix: str, *, now: datetime) -> list[ApiToken]:
    """Close the tokens that begin like this, at once; those that are closed already stay as they are.

    A whole token will do as well: that is what somebody has in hand who finds it where it should not be.
    """
    begins = ApiToken.prefix == prefix if len(prefix) <= _SHOWN else ApiToken.token_hash == _hash(prefix)
    query = select(ApiToken).where(ApiToken.business_id == business_id, begins, ApiToken.revoked_at.is_(None))
    closed = list(await session.scalars(query.with_for_update()))
    for token in closed:
        token.revoked_at = now
    await session.flush()
    return closed


async def _note_use(session: AsyncSession, token: ApiToken, now: datetime) -> None:
    """Write when it was used, now and then; whoever is just writing it does it for all."""
    old = now - USED_EVERY
    if token.last_used_at is not None and token.last_used_at > old:
        return
    free = (
        select(ApiToken.id)
        .where(
            ApiToken.business_id == token.business_id,
            ApiToken.id == token.id,
            or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= old),
        )
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    await session.execute(
        update(ApiToken)
        .where(ApiToken.business_id == token.business_id, ApiToken.id == free)
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
