"""People of the console: made by hand, or as samples for an installation to try."""

import secrets
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.models import Business
from bot.console.passwords import hash_password
from bot.models import User

Role = Literal["owner", "manager", "staff"]

#: Names of the sample users, by role.
SAMPLES: tuple[tuple[Role, str], ...] = (("owner", "Olivia Marin"), ("manager", "Mateo Ruiz"), ("staff", "Ana Soler"))
#: Read aloud and typed on a phone without mistakes: no i, l, o, 0, 1.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_password() -> str:
    """Return a password of four short groups (about 79 bits)."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def clean_email(email: str) -> str:
    """Return an e-mail address as it is stored and compared."""
    return email.strip().lower()


async def find_user(session: AsyncSession, email: str) -> User | None:
    """Return the user with an e-mail address."""
    return await session.scalar(select(User).where(User.email == clean_email(email)))


async def create_user(
    session: AsyncSession, business: Business, *, email: str, name: str, role: Role, password: str
) -> User | None:
    """Make a user; None, and nothing changed, when the e-mail address is taken."""
    row = {
        "business_id": business.id,
        "id": new_id(),
        "email": clean_email(email),
        "name": name.strip(),
        "role": role,
        "password_hash": await hash_password(password),
    }
    made = await session.execute(
        insert(User).values(**row).on_conflict_do_nothing(index_elements=["email"]).returning(User)
    )
    return made.scalar_one_or_none()


async def seed_users(
    session: AsyncSession,
    business: Business,
    now: datetime,
) -> list[tuple[str, str, str]]:
    """Make the sample users that are missing; return (email, role, password) of the newly made only."""
    made: list[tuple[str, str, str]] = []
    for role, name in SAMPLES:
        email = f"{role}@{business.slug}.example"
        if await find_user(session, email):
            continue
        password = new_password()
        if await create_user(session, business, email=email, name=name, role=role, password=password):
            made.append((email, role, password))
    return made
