"""Actions that do next to nothing, for `rasa run actions`: what the model costs served the stock way.

`threadbook bench turn` measures beside this (bot/bench_turn/stock.py). They are called as often as ours are:
the form's validation and its question, an answer and the question again.
"""

from pathlib import Path
from typing import Any

import yaml
from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

_DOMAIN = Path(__file__).resolve().parent.parent / "data" / "domain" / "domain.yml"
_FORM = "booking_form"
#: What fills the form; anything else is left to a rule.
_FILLS = {"book", "inform", "affirm", "choose_option"}


class ValidateBookingForm(Action):  # type: ignore[misc]
    """Fills the slot that was asked for."""

    def name(self) -> str:
        """Return the name in the domain."""
        return f"validate_{_FORM}"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        """Take any text for an answer; the first one says what is wanted, too, and all before the time."""
        if tracker.latest_message["intent"]["name"] not in _FILLS:
            return []
        asked = tracker.get_slot("requested_slot")
        if asked:
            return [SlotSet(asked, "-")]
        wanted = domain["forms"][_FORM]["required_slots"]
        return [SlotSet(name, "-") for name in wanted[: wanted.index("slot")]]


class _Says:
    """Says something fixed, and goes on with the form if it is open."""

    called: str

    def name(self) -> str:
        """Return the name in the domain."""
        return self.called

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        """Say it."""
        dispatcher.utter_message(text="All right.")
        in_form = bool(tracker.active_loop.get("name")) and not self.called.startswith("action_ask_")
        return [FollowupAction(_FORM)] if in_form else []


# Rasa's server makes one of each class that it finds.
_SAYING = [
    type(called, (_Says, Action), {"called": called})
    for called in yaml.safe_load(_DOMAIN.read_text())["actions"]
    if called.startswith("action_")
]
