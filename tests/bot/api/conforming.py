"""Whether an answer is what the description promises."""

import json
import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator, RefResolver

from bot.api.problems import MEDIA_TYPE


class Description:
    """`/api/v1/openapi.json`, asked about answers."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self._validators: dict[str, Draft202012Validator] = {}
        self._paths = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in spec["paths"]]
        # Written out before names: /bookings/walk-in before /bookings/{booking_id}.
        self._paths.sort(key=lambda one: one[1].count("{"))

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """Return what a request is, if it is one of the API's."""
        for pattern, known in self._paths:
            if pattern.fullmatch(path) and method.lower() in self.spec["paths"][known]:
                found: dict[str, Any] = self.spec["paths"][known][method.lower()]
                return found
        return None

    def check(self, answer: httpx.Response) -> None:
        """Refuse an answer that is not described, or not as described."""
        operation = self.operation(answer.request.method, answer.request.url.path)
        if operation is None or answer.status_code in {304, 405, 413, 500, 503}:
            return
        described = operation["responses"].get(str(answer.status_code))
        where = f"{answer.request.method} {answer.request.url.path}: {answer.status_code}"
        assert described is not None, f"{where} is not described"
        content = described.get("content", {})
        if not content:
            assert not answer.content, where
            return
        kind = answer.headers["content-type"]
        assert kind in content, f"{where} comes as {kind}, not as {list(content)}"
        assert (kind == MEDIA_TYPE) == (answer.status_code >= 400), where
        errors = list(self._validator(content[kind]["schema"]).iter_errors(answer.json()))
        assert not errors, f"{where}: {errors[0].message}"

    def _validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            resolver = RefResolver.from_schema(self.spec)
            self._validators[key] = Draft202012Validator(schema, resolver=resolver)
        return self._validators[key]


@cache
def description_of(text: str) -> Description:
    """Return the description that is written like this."""
    return Description(json.loads(text))
