"""Every error under /api/v1 leaves as a problem, those of the framework too; `bot.elsewhere` answers the others."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from booking_core.kit.db import UNAVAILABLE
from booking_core.refusals import BookingRefused
from bot.api.call import KEY_HEADER
from bot.api.problems import KINDS, Problem, answer, place_of, problem_of
from bot.elsewhere import Elsewhere
from bot.logs import kind_of

log = logging.getLogger(__name__)

PREFIX = "/api/v1"
#: status -> the first reason of it
_OF_STATUS = {kind.status: reason for reason, kind in reversed(list(KINDS.items()))}
#: What pydantic puts before the words of our own checks.
_OURS = "Value error, "


def answer_as_problems(app: FastAPI, api: APIRouter, *, base_url: str, elsewhere: Elsewhere) -> None:
    """Have the application answer errors of the API as RFC 9457 wants them, and `elsewhere` the others."""
    errors = _Errors(base_url, api, elsewhere)
    app.add_exception_handler(Problem, errors.problem)
    app.add_exception_handler(BookingRefused, errors.refused)
    app.add_exception_handler(HTTPException, errors.http)
    app.add_exception_handler(RequestValidationError, errors.invalid)
    for error in UNAVAILABLE:
        app.add_exception_handler(error, errors.unavailable)
    app.add_exception_handler(Exception, errors.internal)


def about_api(request: Request) -> bool:
    """Whether a request is about the API."""
    return request.url.path == PREFIX or request.url.path.startswith(f"{PREFIX}/")


@dataclass(frozen=True, slots=True)
class _Errors:
    base_url: str
    api: APIRouter
    elsewhere: Elsewhere

    def allowed(self, request: Request) -> set[str]:
        """Return what an address does; one address may have several routes."""
        found = [one for one in self.api.routes if one.matches(request.scope)[0] is not Match.NONE]
        return {method for one in found if isinstance(one, Route) for method in one.methods or ()}

    def _answer(self, problem: Problem) -> Response:
        return answer(problem, base_url=self.base_url)

    async def problem(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 - registered for this class only, as those below
        return self._answer(error)

    async def refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, BookingRefused)  # noqa: S101
        if not about_api(request):
            raise error
        return self._answer(problem_of(error))

    async def http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        if not about_api(request):
            return await self.elsewhere.http(request, error)
        reason = _OF_STATUS.get(error.status_code, "bad_request" if error.status_code < 500 else "internal")
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(sorted(self.allowed(request)))
        return self._answer(Problem(reason, headers=headers))

    async def invalid(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        if not about_api(request):
            return await request_validation_exception_handler(request, error)
        places = _places(error.errors())
        if {"at": f"header/{KEY_HEADER}", "type": "missing"}.items() <= (places[0] if places else {}).items():
            return self._answer(Problem("key_required"))
        return self._answer(Problem("invalid", errors=places))

    async def unavailable(self, request: Request, error: Exception) -> Response:
        if not about_api(request):
            return await self.elsewhere.away(request, error)
        log.error("the API could not use the database: %s", kind_of(error))
        return self._answer(Problem("unavailable", headers={"Retry-After": "2"}))

    async def internal(self, request: Request, error: Exception) -> Response:
        if not about_api(request):
            return await self.elsewhere.broken(request)
        number = uuid4()
        # Only the kind of error: its text may hold what a customer wrote. The server logs where it happened.
        log.error("the API failed: %s", type(error).__name__, extra={"instance": str(number)})
        return self._answer(Problem("internal", instance=f"urn:uuid:{number}"))


def _places(errors: Sequence[Any]) -> list[dict[str, Any]]:
    """Return where something is wrong and what must be there; never what was there."""
    return [
        {"at": place_of(error["loc"]), "type": error["type"], "msg": error["msg"].removeprefix(_OURS)}
        for error in errors[:20]
    ]
