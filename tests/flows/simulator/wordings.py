"""Sentences of customers: our own by language, or another bank's (`utterances.jsonl` of the dialogue evaluation)."""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.flows.simulator.wishes import Clock, Wish

OWN = Path(__file__).parent / "wordings"
_DATA = Path(__file__).resolve().parents[3] / "data" / "nlu"
_PLACE = re.compile(r"\{(\w+)\}")
#: Needs of the bank, by what they are called here.
_BANKS = {
    "open": ("open", "open_find"),
    "accept_booking_offer": ("accept_booking_offer",),
    "give_service": ("give_service",),
    "give_when": (
        "give_date", "give_time", "give_date_time", "give_date_staff", "give_time_staff", "give_date_time_staff",
    ),
    "retry": ("retry_date", "retry_time", "retry_date_time"),
    "give_staff": ("give_staff", "retry_staff"),
    "any_staff": ("any_staff",),
    "affirm": ("affirm", "accept_slot"),
    "affirm_ask_address": ("affirm_ask_address", "affirm_ask_address_phone"),
    "change_time": ("deny_change_time",),
    "change_date": ("deny_change_date",),
    "change_date_time": ("deny_change_date_time",),
    "change_staff": ("deny_change_staff",),
    "request_alternatives": ("request_alternatives",),
    "ask_price": ("ask_price",),
    "ask_address": ("ask_address",),
    "ask_phone": ("ask_phone",),
    "ask_rating": ("ask_rating",),
    "decline_more": ("decline_more", "decline_booking_offer"),
    "thank": ("thank",),
    "thank_close": ("thank_close", "close"),
}  # fmt: skip
#: What the business and its people are called by those who do not know it.
_NOUNS = {"person": ("stylist", "hairdresser"), "place": ("salon", "hair salon"), "city": ("Madrid",)}
_BUSINESS = "hair_stylist"
#: Shorter sentences are said by everybody.
_OWN_WORDS = 4
_VOWEL = re.compile(r"(?:[aeiou]|8\b|11\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Wording:
    """A sentence with places for what it says."""

    text: str
    places: frozenset[str]
    bank: bool = False

    @staticmethod
    def of(text: str, *, bank: bool = False) -> "Wording":
        """Read the places from the text."""
        return Wording(text, frozenset(_PLACE.findall(text)), bank)

    @property
    def words(self) -> int:
        """How long it is."""
        return len(self.text.split())


class Wordings:
    """How customers of one language talk."""

    def __init__(self, language: str, bank: Path | None = None) -> None:
        own = yaml.safe_load((OWN / f"{language}.yml").read_text())
        self.language = language
        self.locale: str = own["locale"]
        self.names: list[str] = own["names"]
        self.services: dict[str, list[str]] = own["services"]
        self.labels = {key: re.compile(text, re.IGNORECASE) for key, text in own["labels"].items()}
        self.months: list[str] = own["months"]
        self._own = own
        trained = training_sentences(language)
        self._ours: dict[str, list[Wording]] = {
            need: [Wording.of(text) for text in texts if not is_trained(text, trained)]
            for need, texts in own["wordings"].items()
        }
        #: Where the bank has no frame for what must be said, our own words say it.
        self._by_need = self._ours | (_read_bank(bank) if bank is not None else {})

    def has(self, need: str) -> bool:
        """Tell whether anything can be said for a need."""
        return need in self._by_need

    def choose(
        self,
        need: str,
        known: Iterable[str],
        rng: Random,
        *,
        must: Iterable[str] = (),
        length: str = "any",
        used: Iterable[str] = (),
        suits: Callable[[Wording], bool] = lambda _: True,
    ) -> Wording | None:
        """Return a wording whose places are known, all of `must` among them, one not yet used if possible."""
        places, needed = _closure(known), set(must)

        def fits(one: Wording) -> bool:
            return one.places <= places and needed <= _meaning(one) and suits(one)

        fitting = [one for one in self._by_need.get(need, []) if fits(one)]
        fitting = fitting or [one for one in self._ours.get(need, []) if fits(one)]
        fresh = [one for one in fitting if one.text not in set(used)] or fitting
        if not fresh:
            return None
        if length == "long":
            most = max(len(_meaning(one)) for one in fresh)
            fresh = [one for one in fresh if len(_meaning(one)) >= most - 1]
            fresh = sorted(fresh, key=lambda one: -one.words)[: max(3, len(fresh) // 2)]
        elif length == "short":
            fresh = sorted(fresh, key=lambda one: one.words)[: max(3, len(fresh) // 2)]
        return rng.choice(fresh)

    def a_service(self, service: str, rng: Random) -> str:
        """Return a service as it is asked for, with its article."""
        return rng.choice(self.services[service])

    def on(self, wish: Wish, rng: Random, *, kind: str | None = None) -> str:
        """Return the day of a wish: "on Thursday"."""
        kind = kind or wish.kind
        text: str = rng.choice(self._own["days"][kind])
        if not wish.days:
            return text
        day = wish.days[0]
        return text.format(
            weekday=self.weekday(day),
            on_weekday=self._on_weekday(day),
            day=day.day,
            month=self.months[day.month - 1],
            nth=nth(day.day),
        )

    def at(self, clock: Clock, rng: Random, *, forms: tuple[str, ...] | None = None) -> str:
        """Return a time of the day: "at 3pm"."""
        kind = clock.kind
        if kind == "exact":
            kind = {0: "hour", 30: "half"}.get(clock.at.minute, "minutes")
        return str(rng.choice(forms or self._own["clocks"][kind])).format(**self._clock_places(clock.at))

    def _clock_places(self, at: time) -> dict[str, Any]:
        part = "morning" if at.hour < 12 else "afternoon"
        h12 = (at.hour - 1) % 12 + 1
        return {
            "h12": h12, "h24": at.hour, "mm": f"{at.minute:02d}", "ampm": "am" if at.hour < 12 else "pm",
            "next12": h12 % 12 + 1, "part": (self._own.get("parts") or {}).get(part, ""),
        }  # fmt: skip

    def weekday(self, day: date) -> str:
        """Return a day's name."""
        return str(self._own["weekdays"][day.weekday()])

    def _on_weekday(self, day: date) -> str:
        """Return "on Thursday" where it bends with the day's name."""
        return str((self._own.get("on_weekdays") or self._own["weekdays"])[day.weekday()])

    def ordinal(self, index: int, count: int, rng: Random) -> str:
        """Return "the second one"."""
        known = self._own["ordinals"]
        if index == count - 1 and rng.random() < 0.4:
            return str(rng.choice(known["last"]))
        return str(rng.choice(known[index + 1]))

    def say(self, wording: Wording, said: Mapping[str, str], visit: "Sayable", rng: Random) -> str:
        """Fill a wording's places."""
        if wording.bank:
            return _fill_bank(wording.text, said, visit, self, rng)
        text = _PLACE.sub(lambda found: said[found.group(1)], wording.text)
        return text[0].upper() + text[1:] if wording.text[0] == "{" and rng.random() < 0.5 else text


@dataclass(frozen=True)
class Sayable:
    """What a bank's places are filled from: it wants days and times without "on" and "at"."""

    wish: Wish | None = None


def training_sentences(language: str) -> frozenset[str]:
    """Return what the model was trained on, without case, accents and punctuation."""
    return frozenset(
        _bare(re.sub(r"\[([^\]]*)\](?:\([^)]*\)|\{[^}]*\})", r"\1", line.strip()[2:]))
        for path in (_DATA / language).glob("*.yml")
        for line in path.read_text().splitlines()
        if line.strip().startswith("- ")
    )


def is_trained(text: str, trained: frozenset[str]) -> bool:
    """Tell whether the bot knows a sentence by heart: then it is no test. Everybody says the short ones."""
    return len(text.split()) >= _OWN_WORDS and _bare(text) in trained


def _bare(text: str) -> str:
    plain = (char for char in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(char))
    return " ".join(re.findall(r"\w+", "".join(plain)))


def _read_bank(path: Path) -> dict[str, list[Wording]]:
    found: dict[str, list[Wording]] = defaultdict(list)
    ours = {theirs: need for need, all_theirs in _BANKS.items() for theirs in all_theirs}
    with path.open() as lines:
        for line in lines:
            row = json.loads(line)
            need = ours.get(row["need"])
            domains = row.get("domains") or ["any"]
            if need is None or row.get("staff_frame") == "place" or not {"any", _BUSINESS} & set(domains):
                continue
            found[need].append(Wording.of(row["text"], bank=True))
    return dict(found)


#: A bank's places, by what is known when they can be filled.
_SAYS = {
    "date": "on", "on": "on", "time": "at", "at": "at", "service": "service", "a_service": "service",
    "staff": "staff", "name": "name",
}  # fmt: skip


def _closure(known: Iterable[str]) -> set[str]:
    """Return every place that what is known can fill."""
    facts = set(known)
    return facts | {place for place, fact in _SAYS.items() if fact in facts} | set(_NOUNS)


def _meaning(wording: Wording) -> set[str]:
    return {_SAYS.get(place, place) for place in wording.places - set(_NOUNS)}


def meaning_of(wording: Wording) -> set[str]:
    """Return what a wording says: on, at, service, staff, name."""
    return _meaning(wording)


def suits_bank(wording: Wording, wish: Wish | None) -> bool:
    """Tell whether a bank's frame can hold this wish: "on the {date}" holds no "next week"."""
    if not wording.bank:
        return True
    if "date" in wording.places and (wish is None or len(wish.days) != 1):
        return False
    if "time" in wording.places:
        if wish is None or wish.clock is None:
            return False
        in_the = bool(re.search(r"\bin the \{time\}", wording.text))
        if in_the != (wish.clock.kind in {"morning", "afternoon"}) or wish.clock.kind in {"after", "before"}:
            return False
        if re.search(r"\ban \{time\}", wording.text) and not _VOWEL.match(_bare_time(wish.clock)):
            return False
    return True


def _bare_time(clock: Clock) -> str:
    hour, ampm = (clock.at.hour - 1) % 12 + 1, "am" if clock.at.hour < 12 else "pm"
    return f"{hour}:{clock.at.minute:02d} {ampm}" if clock.at.minute else f"{hour} {ampm}"


def _fill_bank(text: str, said: Mapping[str, str], visit: Sayable, words: Wordings, rng: Random) -> str:
    wish = visit.wish

    def fill(found: "re.Match[str]") -> str:
        place, before = found.group(1), text[: found.start()].lower()
        if place in _NOUNS:
            return rng.choice(_NOUNS[place])
        if place == "date":
            assert wish is not None
            return _bare_date(wish, before, words, rng)
        if place == "time":
            assert wish is not None
            assert wish.clock is not None
            return wish.clock.kind if wish.clock.kind in {"morning", "afternoon"} else _bare_time(wish.clock)
        return said[place]

    filled = _PLACE.sub(fill, text)
    return re.sub(
        r"\b([Aa])n? (?=(\w+))",
        lambda m: (
            (m.group(1) + ("n" if _VOWEL.match(m.group(2)) else "") + " ")
            if m.group(2) in {said.get("service", "").split(" ")[0], "stylist", "hairdresser", "salon", "hair"}
            else m.group(0)
        ),
        filled,
    )


def _bare_date(wish: Wish, before: str, words: Wordings, rng: Random) -> str:
    day = wish.days[0]
    month = words.months[day.month - 1]
    if before.rstrip().endswith(" the") or before.rstrip() == "the":
        return rng.choice([f"{nth(day.day)} of {month}", f"{nth(day.day)}"])
    if wish.kind in {"today", "tomorrow"} and not before.rstrip().endswith(" on"):
        return wish.kind
    if wish.kind == "weekday" and rng.random() < 0.6:
        return words.weekday(day)
    return rng.choice([f"{month} {nth(day.day)}", f"{day.day} {month}", f"{month} {day.day}"])


def nth(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th."""
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
