"""Passwords: argon2id, checked in a thread, in the same time whether or not the user exists."""

import asyncio
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: argon2-cffi's defaults: argon2id with RFC 9106's parameters for limited memory.
_hasher = PasswordHasher()
#: Longer passwords are refused before hashing, so that nobody makes us hash megabytes.
LONGEST = 256


async def hash_password(password: str) -> str:
    """Return the hash to store."""
    return await asyncio.to_thread(_hasher.hash, password)


async def is_right(password: str, stored: str | None) -> bool:
    """Whether the password is the stored one; without a stored one as much work is done for nothing."""
    return await asyncio.to_thread(_verify, password[:LONGEST], stored)


def _verify(password: str, stored: str | None) -> bool:
    try:
        return _hasher.verify(stored or _nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher.hash("nobody's password")
