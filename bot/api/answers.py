"""Answers to intake questions, read by the rules that the thread uses as well."""

from collections.abc import Mapping
from typing import Any

from booking_core.catalog import Catalog
from booking_core.intake import questions_of
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from booking_core.rules.questions import check_answers


def checked_answers(
    catalog: Catalog, wanted: VisitRequest, answers: Mapping[str, Any], *, partly: bool
) -> dict[str, Any]:
    """Return answers as they are kept; refuses those that will not do, and (unless `partly`) those that lack."""
    checked = check_answers(questions_of(catalog, wanted), answers, partly=partly)
    if checked.errors:
        raise BookingRefused(Reason.NEEDS_ANSWERS, questions={key: why.value for key, why in checked.errors.items()})
    return dict(checked.values)
