"""What a message's recorded error means, whoever said it: each provider's codes are in a table of its own."""

from channels.smtp_errors import meaning_of_smtp
from channels.twilio_errors import Meaning, meaning_of_error

__all__ = ["Meaning", "meaning_of"]


def meaning_of(error: str | None) -> Meaning:
    """Return what to do about an error; what no table knows is for good and means nothing more."""
    if error is not None and error.startswith("smtp_"):
        return meaning_of_smtp(error)
    return meaning_of_error(error)
