"""Identifiers: time-ordered UUIDs for rows, short references for people."""

import os
import secrets
import time
from typing import NewType
from uuid import UUID

BusinessId = NewType("BusinessId", UUID)
LocationId = NewType("LocationId", UUID)
ServiceId = NewType("ServiceId", UUID)
StaffId = NewType("StaffId", UUID)
CustomerId = NewType("CustomerId", UUID)
BookingId = NewType("BookingId", UUID)
ConversationId = NewType("ConversationId", UUID)
MessageId = NewType("MessageId", UUID)

#: No vowels (no words by accident) and none of 0/O, 1/I/L, 2/Z, 5/S, 8/B.
REFERENCE_ALPHABET = "CDFGHJKMNPQRTVWXY34679"
REFERENCE_LENGTH = 6


def new_id() -> UUID:
    """Return a UUID version 7 (RFC 9562, section 5.7): rows of one time lie together in an index."""
    millis = time.time_ns() // 1_000_000
    value = (millis << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


def new_reference() -> str:
    """Return a short booking reference that can be read over the phone, such as `K7QX4M`."""
    # So many bits more than are needed that no letter is likelier than another.
    number = secrets.randbits(128)
    letters = []
    for _ in range(REFERENCE_LENGTH):
        number, at = divmod(number, len(REFERENCE_ALPHABET))
        letters.append(REFERENCE_ALPHABET[at])
    return "".join(letters)


def new_secret(size: int = 24) -> str:
    """Return `size` random bytes as URL-safe text."""
    return secrets.token_urlsafe(size)
