"""Request bodies as the vendors' clients send them: forms, JSON, multipart, Stripe's brackets."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request

_PART = re.compile(r"[^\[\]]+|\[\]")
#: Deeper than any parameter of Stripe's.
_DEEPEST = 12


class Unreadable(Exception):
    """The body is not of its declared form."""


async def read_pairs(request: Request) -> list[tuple[str, str]]:
    """Return a form's fields in order; raises Unreadable."""
    try:
        body = (await request.body()).decode()
        found = parse_qsl(body, keep_blank_values=True, max_num_fields=1000, errors="strict")
    except ValueError:
        raise Unreadable from None
    # No text of a vendor has NUL, and the database keeps none.
    return [(name, value.replace("\0", "")) for name, value in found]


async def read_fields(request: Request) -> dict[str, Any]:
    """Return the fields of a form, a multipart form, a JSON object or a query; raises Unreadable."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form() as form:
            return {name: value for name, value in form.items() if isinstance(value, str)}
    if kind == "application/json":
        try:
            found = json.loads(await request.body() or b"{}")
        except ValueError:
            raise Unreadable from None
        if not isinstance(found, dict):
            raise Unreadable
        return found
    return {**request.query_params, **dict(await read_pairs(request))}


def unbracketed(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return `a[0][b]=c` as {"a": [{"b": "c"}]}, as Stripe reads its forms; raises Unreadable."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        parts = _PART.findall(name)
        if not parts or len(parts) > _DEEPEST:
            raise Unreadable
        place = tree
        for part in parts[:-1]:
            key = str(len(place)) if part == "[]" else part
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):
                raise Unreadable
            place = inner
        last = str(len(place)) if parts[-1] == "[]" else parts[-1]
        place[last] = value
    return {key: _listed(value) for key, value in tree.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(inner) for key, inner in value.items()}
