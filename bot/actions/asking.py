"""The form's small questions: where, how many people, how long, and what the business wants to know."""

from typing import Any

from booking_core.models import Unit
from bot.actions import cards, details, settling
from bot.actions.contract import Draft, Option, Turn
from nlu.contract import Answer, Step

#: So many lengths are offered; others can be written.
_LENGTHS = 3


class AskPlace:
    """Which of several places."""

    name = "action_ask_booking_form_place"

    async def answer(self, step: Step) -> Answer:
        """List the places that offer it."""
        turn: Turn = step.context
        draft = Draft.of(step.slots, turn.catalog)
        places = settling.places_of(turn, draft)
        options = [Option(one.name, "pick_place", {"place": str(one.id)}) for one in places[:9]]
        memo = dict(draft.memo) | {"places": [str(one.id) for one in places[:9]]}
        service = cards.visit_name(turn, [one.id for one in draft.services])
        said = turn.say("ask.place", act="clarify", choices=options, service=service)
        return Answer(say=(said,), remember={"memo": memo})


class AskPeople:
    """How many come: asked only when it was said that there are several."""

    name = "action_ask_booking_form_people"

    async def answer(self, step: Step) -> Answer:
        """Ask for a number, and say how many can come."""
        turn: Turn = step.context
        most = settling.most_of(turn, Draft.of(step.slots, turn.catalog))
        return Answer(say=(turn.say("ask.people", act="ask_people", most=most),))


class AskUnits:
    """For how many hours, days or nights."""

    name = "action_ask_booking_form_units"

    async def answer(self, step: Step) -> Answer:
        """Offer the shortest lengths; a number does as well."""
        turn: Turn = step.context
        service = Draft.of(step.slots, turn.catalog).service
        assert service is not None  # noqa: S101 - the form asks for the service first
        counts = range(service.units_min, min(service.units_max, service.units_min + _LENGTHS - 1) + 1)
        options = [
            # A typed 2 means two of them, whatever its place in the list.
            Option(settling.length(turn, service.unit, one), "pick_units", {"units": one, "typed": "number"})
            for one in counts
        ]
        said = turn.say(_LONG[service.unit], act="ask_detail", choices=options, service=turn.service_name(service))
        return Answer(say=(said,))


_LONG = {Unit.HOUR.value: "ask.hours", Unit.DAY.value: "ask.days", Unit.NIGHT.value: "ask.nights"}


class AskDetails:
    """What the business wants to know beforehand."""

    name = "action_ask_booking_form_details"

    async def answer(self, step: Step) -> Answer:
        """Ask the question that is open, in the business's own words."""
        turn: Turn = step.context
        question = details.open_question(turn, step.slots)
        assert question is not None  # noqa: S101 - the form asks only while one is open
        choices = [{"label": one.label, "do": one.do, "args": one.args} for one in details.options(turn, question)]
        said: dict[str, Any] = {
            "text": details.wording(turn, question.text), "act": "ask_detail", "choices": choices, "facts": None,
        }  # fmt: skip
        return Answer(say=(said,))
