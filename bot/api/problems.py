"""What went wrong, as RFC 9457 tells it: one table from reasons to statuses, for every error under /api/v1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from booking_core.refusals import BookingRefused, Reason

MEDIA_TYPE = "application/problem+json"
#: Where a problem's type is explained; the name follows.
TYPES = "/api/v1/problems/"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status and a sentence that never changes."""

    status: int
    title: str


#: Every refusal of the booking core. 409: another moment or another time would do; 422: it can never be so.
REFUSALS: Mapping[Reason, Kind] = {
    Reason.TOO_SOON: Kind(422, "This is too soon to be booked."),
    Reason.TOO_FAR: Kind(422, "This lies beyond what can be booked yet."),
    Reason.PAST: Kind(422, "This time is past."),
    Reason.OUTSIDE_HOURS: Kind(409, "It is not open, or nobody works, at this time."),
    Reason.OFF_GRID: Kind(422, "No visit begins at this minute."),
    Reason.STAFF_AWAY: Kind(409, "The person is away at this time."),
    Reason.STAFF_BUSY: Kind(409, "The person is busy at this time."),
    Reason.RESOURCE_BUSY: Kind(409, "What the visit needs is taken at this time."),
    Reason.SOLD_OUT: Kind(409, "Too few seats are left."),
    Reason.LIMIT_REACHED: Kind(409, "There are enough bookings for that period."),
    Reason.HELD: Kind(409, "Somebody else is just booking this time."),
    Reason.STAFF_CANNOT: Kind(422, "This person does not do this, or not at this place."),
    Reason.TOO_MANY: Kind(422, "This is more than the service takes."),
    Reason.NEEDS_ANSWERS: Kind(422, "Questions of the service are not answered."),
    Reason.NOT_NOW: Kind(409, "The booking's state does not allow this."),
    Reason.CHANGED: Kind(412, "The booking is not as you saw it any more."),
    Reason.TOO_LATE_TO_CHANGE: Kind(409, "It is too late to change this."),
    Reason.KEY_REUSED: Kind(422, "This key belongs to another request."),
    Reason.UNKNOWN: Kind(404, "There is no such thing in this business."),
}
#: After these another time may be free.
ANOTHER_TIME = frozenset(
    {
        Reason.STAFF_BUSY,
        Reason.STAFF_AWAY,
        Reason.RESOURCE_BUSY,
        Reason.SOLD_OUT,
        Reason.LIMIT_REACHED,
        Reason.HELD,
        Reason.OUTSIDE_HOURS,
    }
)
#: Everything else that can go wrong at this door.
KINDS: Mapping[str, Kind] = {
    "bad_request": Kind(400, "The request cannot be read."),
    "key_required": Kind(400, "Whatever is made needs an Idempotency-Key."),
    "key_malformed": Kind(400, "An Idempotency-Key is 1 to 255 printable ASCII characters."),
    "unauthorized": Kind(401, "A valid bearer token is needed."),
    "forbidden": Kind(403, "The token lacks a scope."),
    "not_found": Kind(404, "There is nothing at this address."),
    "method_not_allowed": Kind(405, "This address does not do that."),
    "too_large": Kind(413, "The body is too large."),
    "not_json": Kind(415, "The body must be JSON, and say so: Content-Type: application/json."),
    "invalid": Kind(422, "Something in the request is not as it must be."),
    "bad_cursor": Kind(422, "This cursor is not one of this list's."),
    "address_refused": Kind(422, "We do not send webhooks to this address."),
    "too_many_requests": Kind(429, "The token asks too often."),
    "internal": Kind(500, "This is our fault. It is written down."),
    "unavailable": Kind(503, "The database is not to be had just now; try again."),
}


class ProblemOut(BaseModel):
    """An error, as RFC 9457 has it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Address of the explanation; the same for every problem of a kind.")
    title: str = Field(description="What kind of problem it is, in English.")
    status: int
    reason: str = Field(description="The kind as a word: what programs should look at.")
    detail: str | None = Field(None, description="What it is about this time.")
    data: dict[str, Any] = Field({}, description="Facts that belong to the reason, such as `earliest`.")
    errors: list[dict[str, Any]] | None = Field(None, description="For `invalid`: where, and what must be there.")
    alternatives: list[dict[str, Any]] | None = Field(None, description="A few times that are free, best first.")


class Problem(Exception):
    """An answer that is an error. `remembered`: the same key gets the same answer again."""

    def __init__(
        self,
        reason: str,
        *,
        detail: str | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        remembered: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.data = dict(data or {})
        self.headers = dict(headers or {})
        self.remembered = remembered
        self.more = more


def problem_of(refused: BookingRefused, **more: Any) -> Problem:
    """Return a refusal of the booking core as a problem: its data, never anybody's words."""
    return Problem(refused.reason.value, data=refused.data, remembered=True, **more)


def kind_of(reason: str) -> Kind:
    """Return the kind of a reason."""
    return KINDS[reason] if reason in KINDS else REFUSALS[Reason(reason)]


def body_of(problem: Problem, *, base_url: str) -> dict[str, Any]:
    """Return what an answer says."""
    kind = kind_of(problem.reason)
    body = {
        "type": f"{base_url}{TYPES}{problem.reason}",
        "title": kind.title,
        "status": kind.status,
        "reason": problem.reason,
        "detail": problem.detail,
        "data": plain(problem.data) or None,
        **{name: plain(value) for name, value in problem.more.items()},
    }
    return {name: value for name, value in body.items() if value is not None}


def answer(problem: Problem, *, base_url: str) -> JSONResponse:
    """Return the problem as a response."""
    return JSONResponse(
        body_of(problem, base_url=base_url),
        status_code=kind_of(problem.reason).status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def place_of(parts: Sequence[Any]) -> str:
    """Return the way to a value in a request; its names came from outside and may be no text at all."""
    return "/".join(str(part)[:60] for part in parts[:10]).encode("utf-8", "replace").decode()


def plain(value: Any) -> Any:
    """Return facts as JSON has them: moments as ISO text in UTC, ids as text."""
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case BaseModel():
            return value.model_dump(mode="json", by_alias=True)
        case Mapping():
            return {str(name): plain(one) for name, one in value.items()}
        case str() | bool() | int() | float() | None:
            return value
        case Sequence() | set() | frozenset():
            return [plain(one) for one in value]
        case _:
            return str(value)
