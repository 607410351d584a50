"""Signed-in browsers: a random cookie whose SHA-256 alone is stored.

They live by the database's real time: moving a sandbox's clock signs nobody out.
"""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_secret
from booking_core.models import Business
from bot.models import LoginSession, User

#: Signed out after this long without a request, and after `LONGEST` in any case.
IDLE = timedelta(hours=12)
LONGEST = timedelta(days=14)


def token_hash(token: str) -> str:
    """Return what is stored of a cookie."""
    return hashlib.sha256(token.encode()).hexdigest()


async def open_session(session: AsyncSession, user: User) -> str:
    """Sign a user in and return the cookie's value; forgets the user's sessions that have run out."""
    now = await _real_time(session)
    await session.execute(
        delete(LoginSession).where(
            LoginSession.business_id == user.business_id,
            LoginSession.user_id == user.id,
            LoginSession.expires_at <= now,
        )
    )
    token = new_secret(32)
    session.add(
        LoginSession(
            token_hash=token_hash(token),
            business_id=user.business_id,
            user_id=user.id,
            csrf=new_secret(24),
            created_at=now,
            expires_at=now + IDLE,
        )
    )
    await session.flush()
    return token


async def find_session(session: AsyncSession, token: str) -> tuple[LoginSession, User, Business] | None:
    """Return who holds a cookie, if it is one of ours and not run out; prolongs a session in use."""
    now = await _real_time(session)
    found = (
        await session.execute(
            select(LoginSession, User, Business)
            .join(User, (User.business_id == LoginSession.business_id) & (User.id == LoginSession.user_id))
            .join(Business, Business.id == LoginSession.business_id)
            .where(LoginSession.token_hash == token_hash(token), LoginSession.expires_at > now)
        )
    ).first()
    if found is None:
        return None
    login, user, business = found
    if login.expires_at - now < IDLE / 2:
        login.expires_at = min(now + IDLE, login.created_at + LONGEST)
    return login, user, business


async def close_session(session: AsyncSession, token: str) -> None:
    """Sign a browser out."""
    await session.execute(delete(LoginSession).where(LoginSession.token_hash == token_hash(token)))


async def _real_time(session: AsyncSession) -> datetime:
    moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return moment
