"""What people type into forms: text without control characters, of bounded length."""

from uuid import UUID

from fastapi import Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from booking_core.kit.ids import new_id

LONGEST_MESSAGE = 4000
#: Bytes: the longest message, each letter percent-encoded at its worst, and the fields around it.
LARGEST_FORM = 64 * 1024


class TooLong(Exception):
    """A field is longer than its form allows."""


async def read_form(request: Request) -> FormData:
    """Return a request's form, read once; no form of ours carries files or is large."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > LARGEST_FORM:
        raise TooLong
    try:
        return await request.form(max_files=0, max_fields=20)
    except HTTPException:
        return FormData()


async def read_text(request: Request, field: str, longest: int = LONGEST_MESSAGE) -> str:
    """Return a field's text, trimmed; what is no text (an upload) counts as empty."""
    value = (await read_form(request)).get(field, "")
    text = value.replace("\x00", "").replace("\r\n", "\n").strip() if isinstance(value, str) else ""
    if len(text) > longest:
        raise TooLong
    return text


async def read_number(request: Request, field: str) -> int | None:
    """Return a field's whole number, None if it is none."""
    text = await read_text(request, field, 20)
    return int(text) if text.isascii() and text.isdigit() else None


async def read_key(request: Request) -> UUID:
    """Return the form's own key, made with the form, so that sending it twice is doing it once."""
    text = await read_text(request, "key", 40)
    try:
        return UUID(text)
    except ValueError:
        return new_id()


def wants_json(request: Request) -> bool:
    """Whether our own script asks, rather than a browser for a page."""
    return "application/json" in request.headers.get("accept", "")
