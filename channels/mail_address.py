"""E-mail addresses: which ones we write to, and the one form in which each is kept."""

import re

from email_validator import EmailNotValidError, validate_email

#: RFC 5321, section 4.5.3.1.3: a path of 256 octets with its brackets.
LONGEST = 254
_IN_TEXT = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+")


def clean_address(text: str) -> str | None:
    """Return an address as it is kept, its domain in lower case; None for what is none that we can write to.

    An address outside ASCII before the @ is refused: too few servers take it (SMTPUTF8). A domain outside ASCII is
    kept as it travels (`xn--...`).
    """
    if len(text) > LONGEST or not text.isprintable():
        return None
    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError:
        return None
    return found.ascii_email


def find_address(text: str) -> tuple[str, str] | None:
    """Return the first address in a text, cleaned, and the text without it; None where there is none."""
    for match in _IN_TEXT.finditer(text):
        if (address := clean_address(match.group().rstrip(".!?"))) is not None:
            rest = f"{text[: match.start()]} {text[match.end() :]}"
            return address, " ".join(rest.split())
    return None
