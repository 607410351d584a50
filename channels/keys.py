"""The name of a message of ours on the outside: what `OutgoingMessage.key` holds and status callbacks bring back."""

from uuid import UUID


def make_key(business_id: UUID, message_id: UUID) -> str:
    """Return the key of a message, safe in a URL."""
    return f"{business_id.hex}.{message_id.hex}"


def report_id(provider_id: str, business_id: UUID | None) -> str:
    """Return the id that a report is kept by: of a business's own line beside all others', whose it could make up."""
    return provider_id if business_id is None else f"{business_id.hex}.{provider_id}"


def read_key(key: str) -> tuple[UUID, UUID] | None:
    """Return the business and the message that a key names; None if it is no key of ours."""
    business, _, message = key.partition(".")
    try:
        return UUID(hex=business), UUID(hex=message)
    except ValueError:
        return None
