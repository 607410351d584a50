"""Answers to the intake questions of a booking: what is asked, what was said, what is still open."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, JsonValue

from booking_core import booking as bookings
from booking_core import intake
from booking_core.catalog import Catalog
from booking_core.models import Booking
from booking_core.rules.questions import open_questions
from bot.api.call import Call, changes, etag_of, reads
from bot.api.fields import Shape, Shown, for_example
from bot.api.shapes_bookings import Answers
from bot.api.tokens import Scope


class AnswersIn(Shape):
    """Some answers; the others stay."""

    model_config = for_example(answers={"first_visit": True})

    answers: Answers = Field(min_length=1, max_length=100, description="By key; null takes an answer away.")


class AnswerOut(Shown):
    """One question of a booking's services, and what was said."""

    key: str
    text: dict[str, str] = Field(description="Language -> the question.")
    kind: str = Field(examples=["yes_no"])
    choices: dict[str, dict[str, str]] = Field(description="Key -> language -> text, for a choice.")
    required: bool
    open: bool = Field(description="It applies, and nobody has answered it.")
    answer: JsonValue = None


class AnswersOut(Shown):
    """Everything that is asked before a visit."""

    questions: list[AnswerOut]
    earlier: dict[str, JsonValue] = Field(description="Answers to what is not asked any more.")


def add_routes(router: APIRouter) -> None:
    """Add the answers of a booking: what customers said needs the scope customers:read."""

    @router.get("/bookings/{booking_id}/answers", tags=["bookings"])
    async def read_answers(
        call: Annotated[Call, reads(Scope.BOOKINGS_READ)], response: Response, booking_id: UUID
    ) -> AnswersOut:
        """The questions of a booking's services with their answers. Needs the scope customers:read as well."""
        call.require(Scope.CUSTOMERS_READ)
        booking = await bookings.load(call.session, call.business_id, booking_id)
        response.headers["ETag"] = etag_of(booking)
        return _show(await call.catalog(), booking)

    @router.patch("/bookings/{booking_id}/answers", tags=["bookings"])
    async def change_answers(
        call: Annotated[Call, changes(Scope.BOOKINGS_WRITE)], response: Response, booking_id: UUID, wanted: AnswersIn
    ) -> AnswersOut:
        """Add answers, change them, take them away. Needs the scope customers:read as well."""
        call.require(Scope.CUSTOMERS_READ)
        booking, catalog = await call.booking(booking_id), await call.catalog()
        booking = await intake.answer(call.session, catalog, booking, wanted.answers, now=call.now, actor=call.actor)
        response.headers["ETag"] = etag_of(booking)
        return _show(catalog, booking)


def _show(catalog: Catalog, booking: Booking) -> AnswersOut:
    questions = intake.questions_for(catalog, booking)
    still = {one.key for one in open_questions(questions, booking.answers)}
    asked = {one.key for one in questions}
    return AnswersOut(
        questions=[
            AnswerOut(
                key=one.key,
                text=one.text,
                kind=one.kind.value,
                choices={choice.key: choice.text for choice in one.choices},
                required=one.required,
                open=one.key in still,
                answer=booking.answers.get(one.key),
            )
            for one in questions
        ],
        earlier={key: value for key, value in booking.answers.items() if key not in asked},
    )
