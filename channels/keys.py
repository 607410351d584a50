"""The name of a message of ours on the outside: what `OutgoingMessage.key` holds and status callbacks bring back."""

from uuid import UUID


def make_key(business_id: UUID, message_id: UUID) -> str:
    """Return the key of a message, safe in a URL."""
    return f"{business_id.hex}.{message_id.hex}"


def read_key(key: str) -> tuple[UUID, UUID] | None:
    """Return the business and the message that a key names; None if it is no key of ours."""
    business, _, message = key.partition(".")
    try:
        return UUID(hex=business), UUID(hex=message)
    except ValueError:
        return None
