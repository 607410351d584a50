# ruff: noqa: ARG003 - a component takes what Rasa's protocol passes
"""Times of a message, read by the grammar in nlu.when with the turn's clock, zone and hours."""

from typing import Any, Self

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message

from nlu.pipeline.store import heard_of, words_of_names
from nlu.when import understand_when

#: Acts after which a bare number is a time.
_ABOUT_TIME = frozenset({"ask_when", "offer_slots", "waitlist_offer"})


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class WhenReader(GraphComponent):  # type: ignore[misc]
    """Sets `when`."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Self:
        """Return the component; there is nothing to learn."""
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Read each message in the language it is written in."""
        for message in messages:
            heard = heard_of(message)
            if heard is None:
                continue
            when = understand_when(
                # "for two hours" and "for four of us" are no times.
                str(message.get("without_counts") or message.get("text") or ""),
                locale=_locale(message.get("language"), heard.locale),
                now=heard.now,
                tz=heard.tz,
                hours=heard.hours,
                reference=heard.reference,
                latent=heard.asked in _ABOUT_TIME,
                names=words_of_names(heard.catalog),
            )
            message.set("when", when, add_to_output=True)
        return messages


def _locale(language: str | None, locale: str) -> str:
    """Keep the thread's region where the language agrees."""
    return locale if language is None or locale.split("-")[0] == language else language
