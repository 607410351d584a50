"""A customer's own time zone, named by a city: "3pm London time", "I'm in New York, 4 my time".

Cities are those of the time-zone database, in every language that CLDR names them in; the phrases that
make a city a time zone are data (`lookup: zone phrase`, with `city` for the place).
"""

import re
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global
from babel.dates import get_timezone_location
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.pipeline.store import Learner, add_entity, heard_of, lookup
from nlu.pipeline.texts import fold

_PLACE = "city"
_CONTINENTS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class Zones(Learner):
    """Adds an entity `zone` whose value is the IANA name."""

    def learn(self, data: TrainingData) -> dict[str, Any]:
        """Learn the phrases of all languages."""
        languages = sorted({str(example.get("language")) for example in data.intent_examples})
        return {"phrases": sorted({fold(text) for text in lookup(data, "zone phrase")}), "languages": languages}

    def prepare(self) -> None:
        """Split the phrases where the city stands."""
        pairs = [phrase.split(_PLACE, 1) for phrase in self.learned.get("phrases", ())]
        self._phrases = [(before.strip(), after.strip()) for before, after in pairs]

    def process(self, messages: list[Message]) -> list[Message]:
        """Find the first city that is said as a time zone."""
        for message in messages:
            if heard_of(message) is None:
                continue
            text = str(message.get("text") or "")
            found = self.zone_in(fold(text))
            if found is not None:
                zone, start, end = found
                place = {"value": zone, "text": text[start:end], "start": start, "end": end}
                add_entity(message, {"entity": "zone", "confidence": 1.0} | place)
        return messages

    def zone_in(self, folded: str) -> tuple[str, int, int] | None:
        """Return the zone of a folded text and where its city stands."""
        if not any(before in folded and after in folded for before, after in self._phrases):
            return None
        cities = _cities(tuple(self.learned.get("languages", ())))
        for match in re.finditer(r"[^\W\d_]+(?:[ -][^\W\d_]+){0,2}", folded):
            words = list(re.finditer(r"[^\W\d_]+", match.group()))
            for first in range(len(words)):
                for last in range(len(words) - 1, first - 1, -1):
                    start, end = match.start() + words[first].start(), match.start() + words[last].end()
                    zone = cities.get(folded[start:end])
                    if zone is not None and self._is_said_so(folded, start, end):
                        return zone, start, end
        return None

    def _is_said_so(self, folded: str, start: int, end: int) -> bool:
        before, after = folded[:start].rstrip(), folded[end:].lstrip()
        return any(
            (not lead or re.search(rf"(?<!\w){re.escape(lead)}$", before))
            and (not tail or re.match(rf"{re.escape(tail)}(?!\w)", after))
            for lead, tail in self._phrases
        )


@lru_cache(maxsize=4)
def _cities(languages: tuple[str, ...]) -> dict[str, str]:
    """Return folded names of cities, in each language and as the database spells them."""
    zones = sorted(name for name in available_timezones() if name.startswith(_CONTINENTS))
    names = {fold(zone.rsplit("/", 1)[1].replace("_", " ")): zone for zone in zones}
    aliases = get_global("zone_aliases")
    for zone in zones:
        if zone in aliases:
            continue  # CLDR calls it by the city that it is another name for
        for language in languages:
            names.setdefault(fold(get_timezone_location(zone, Locale(language), return_city=True)), zone)
    return names
