"""Pages of a list: each goes on after the last item of the one before, whatever was added meanwhile.

A cursor is that item's place in the order, signed, so that none but ours is ever compared with a column.
It belongs to one list of one business with one set of filters.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request, Response

from bot.api.problems import Problem

_SIGNATURE = 16
#: Longer than any that we make.
LONGEST = 600
#: Not filters: they may differ from page to page.
_FREE = frozenset({"cursor", "limit"})


def write_cursor(secret: str, scope: str, place: Sequence[str | int]) -> str:
    """Return a place in a list as opaque text; `scope` says which list it belongs to."""
    said = json.dumps(list(place), separators=(",", ":")).encode()
    return urlsafe_b64encode(_sign(secret, scope, said) + said).decode().rstrip("=")


def read_cursor(secret: str, scope: str, cursor: str) -> list[Any]:
    """Return the place that a cursor means; raises Problem for one that we did not make for this list."""
    if len(cursor) > LONGEST or not cursor.isascii():
        raise Problem("bad_cursor")
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (Error, ValueError):
        raise Problem("bad_cursor") from None
    signature, said = raw[:_SIGNATURE], raw[_SIGNATURE:]
    # Base64 has several spellings of one value; only ours counts.
    ours = urlsafe_b64encode(raw).decode().rstrip("=") == cursor
    if not ours or not hmac.compare_digest(signature, _sign(secret, scope, said)):
        raise Problem("bad_cursor")
    place: list[Any] = json.loads(said)
    return place


def scope_of(request: Request, business_id: UUID) -> str:
    """Return what a cursor of this request belongs to: the business, the path and the filters."""
    filters = sorted((name, value) for name, value in request.query_params.multi_items() if name not in _FREE)
    return f"{business_id} {request.url.path} {urlencode(filters)}"


def next_page(request: Request, response: Response, cursor: str) -> str:
    """Return the address of the next page, and say it in the Link header (RFC 8288) as well."""
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    address = f"{request.url.path}?{urlencode([*others, ('cursor', cursor)])}"
    response.headers["Link"] = f'<{address}>; rel="next"'
    return address


def _sign(secret: str, scope: str, said: bytes) -> bytes:
    key = hmac.new(secret.encode(), scope.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return hmac.new(key, said, hashlib.sha256).digest()[:_SIGNATURE]
