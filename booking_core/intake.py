"""What must be known before a visit: the intake questions of everything in it."""

from booking_core.catalog import Catalog
from booking_core.planning import on_offer, steps_of
from booking_core.requests import VisitRequest
from booking_core.rules.questions import Question, read_questions


def questions_of(catalog: Catalog, wanted: VisitRequest) -> list[Question]:
    """Return the questions of a visit's services and of their parts, each once."""
    services = [on_offer(catalog, one) for one in wanted.service_ids]
    services += [step.service for step in steps_of(catalog, wanted)]
    found = {one.key: one for service in services for one in read_questions(service.questions)}
    return list(found.values())
