"""A customer with an agenda: reads a reply as a person does and decides what to say, tap or pay."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from tests.flows.simulator.persons import Person, mistyped
from tests.flows.simulator.reading import ANSWERS, Offered, plain, start_of, times_of
from tests.flows.simulator.wishes import ANY_TIME, Clock, Errand, Plan, Visit, Wish
from tests.flows.simulator.wordings import Sayable, Wording, Wordings, meaning_of, suits_bank

#: A customer who has said so much for one errand has lost patience.
PATIENCE = 16
Message = dict[str, Any]


class Stuck(Exception):
    """The customer gives up: the talk goes nowhere."""


@dataclass(frozen=True)
class Say:
    text: str


@dataclass(frozen=True)
class Tap:
    choice: dict[str, Any]


@dataclass(frozen=True)
class Pay:
    url: str


@dataclass(frozen=True)
class Wait:
    """More is about to be said."""


@dataclass(frozen=True)
class End:
    """The customer is done."""


Move = Say | Tap | Pay | Wait | End


@dataclass
class Kept:
    """A booking that the customer believes to have."""

    visit: Visit
    accepted: tuple[Wish, ...]
    start: datetime


@dataclass(frozen=True)
class Surroundings:
    """What everybody who comes to the shop can know."""

    today: date
    #: Service -> who does it, as the shop's page says.
    able: dict[str, list[str]]
    #: Service -> its names in every language.
    names: dict[str, set[str]]


@dataclass
class Customer:
    plan: Plan
    person: Person
    words: Wordings
    rng: Random
    around: Surroundings
    kept: list[Kept] = field(default_factory=list)
    #: Wishes that were free and not served, questions without an answer.
    complaints: list[str] = field(default_factory=list)
    number: int = 0
    told: set[str] = field(default_factory=set)
    wish_no: int = 0
    misses: int = 0
    restated: bool = False
    #: The same weekday of another week was offered: the date is said now.
    by_date: bool = False
    said_here: int = 0
    corrections: int = 0
    changes: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    question: str | None = None
    asked_twice: bool = False
    used: set[str] = field(default_factory=set)
    visit: Visit | None = None
    picked: datetime | None = None
    last_need: str = "open"
    last_text: str = ""
    repeats: int = 0
    fallbacks: int = 0
    closing: bool = False
    agreed: bool = False
    offers_asked: int = 0

    # What the customer is about

    @property
    def errand(self) -> Errand:
        return self.plan.errands[self.number]

    @property
    def wish(self) -> Wish:
        assert self.visit is not None
        return self.visit.wishes[self.wish_no]

    def begin(self) -> Move:
        self._take_up()
        if self.rng.random() < self.person.greets:
            return self._say("hello")
        return self._open()

    def _take_up(self) -> None:
        errand = self.errand
        self.told, self.wish_no, self.misses, self.said_here, self.corrections = set(), 0, 0, 0, 0
        self.restated, self.by_date, self.offers_asked, self.picked = False, False, 0, None
        self.visit = errand.visit
        self.changes, self.questions = list(errand.changes), list(errand.questions)

    def _open(self) -> Move:
        errand = self.errand
        match errand.kind:
            case "book" | "leave":
                need = "book_another" if self.kept and self.number else "open"
                return self._say(need, known=self._facts())
            case "move":
                return self._say("move", known={"on", "at"} if self.wish.clock else {"on"})
            case "cancel":
                if len(self.kept) > 1:
                    return self._say("cancel_one", known={"service"})
                return self._say("cancel")
        return self._ask()

    def _facts(self) -> set[str]:
        assert self.visit is not None
        facts = {"service", "on", "name"}
        if self.wish.clock:
            facts.add("at")
        if self.visit.staff:
            facts.add("staff")
        return facts

    # Reading

    def react(self, heard: list[Message]) -> Move:
        """Return what the customer does after reading."""
        for message in heard:
            self._note(message)
        last = heard[-1]
        self._watch_for_loops(last)
        if self.question is not None:
            again = self._look_for_answer(heard)
            if again is not None:
                return again
        if self.closing:
            return End()
        if any(message["act"] in {"booked", "rescheduled", "cancelled"} for message in heard):
            return self._next()
        if last["act"] == "handoff":
            raise Stuck("a person was called without being asked for")
        if last["act"] == "info" and self.agreed:
            self.agreed = False
            return Wait()  # only its question is answered as yet; what was agreed to comes with the next message
        self.agreed = False
        if self.errand.kind == "ask":
            return self._go_on(last)
        return self._answers().get(last["act"], self._go_on)(last)

    def _answers(self) -> dict[str, Callable[[Message], Move]]:
        return {
            "payment_link": lambda last: Pay(last["facts"]["payment_url"]),
            "ask_when": self._choose_time,
            "offer_slots": self._choose_time,
            "confirm": self._judge,
            "ask_service": self._name_service,
            "ask_staff": self._name_staff,
            "ask_name": lambda _: self._maybe_ask(0.4) or self._say("give_name", known={"name"}),
            "ask_detail": self._answer_detail,
            "ask_people": self._answer_detail,
            "greet": self._answer_greeting,
            "clarify": self._clarify,
            "fallback": self._rephrase,
        }

    def _watch_for_loops(self, last: Message) -> None:
        self.repeats = self.repeats + 1 if last["text"] == self.last_text else 0
        self.last_text = last["text"]
        if self.repeats >= 3:
            raise Stuck(f"the same {last['act']} four times")
        if self.said_here > PATIENCE:
            raise Stuck(f"{PATIENCE} messages for one errand")

    def _note(self, message: Message) -> None:
        facts = message.get("facts") or {}
        match message["act"]:
            case "booked":
                assert self.visit is not None
                accepted = self.visit.wishes[: self.wish_no + 1]
                self.kept.append(Kept(self.visit, accepted, start_of(facts)))
            case "rescheduled" if self.errand.kind == "move":
                one = self.kept[self.errand.about]
                assert self.visit is not None
                one.accepted = self.visit.wishes[: self.wish_no + 1]
                one.visit = replace(one.visit, staff=self.visit.staff)
                one.start = start_of(facts)
            case "cancelled" if self.errand.kind == "cancel":
                del self.kept[self.errand.about]
            case "rescheduled" | "cancelled":
                raise Stuck(f"{message['act']} without being asked for")

    def _next(self) -> Move:
        if self.number + 1 < len(self.plan.errands):
            self.number += 1
            self._take_up()
            return self._open()
        if self.rng.random() < self.person.thanks:
            self.closing = True
            need = "decline_more" if self.errand.kind == "cancel" and self.rng.random() < 0.5 else None
            return self._say(need or self.rng.choice(["thank", "thank_close"]))
        return End()

    # Answers to each kind of question

    def _answer_greeting(self, last: Message) -> Move:
        book = [one for one in last["choices"] if self.words.labels["book"].search(one["label"])]
        if self.errand.kind in {"book", "leave"}:
            if book and self.rng.random() < self.person.taps:
                return Tap(book[0])
            if self.rng.random() < 0.2:
                return self._say("accept_booking_offer")
        return self._open()

    def _name_service(self, last: Message) -> Move:
        assert self.visit is not None
        names = {plain(name) for name in self.around.names[self.visit.service]}
        mine = [(n, one) for n, one in enumerate(last["choices"]) if plain(one["label"]) in names]
        said = "service" in self.told and self.repeats
        if mine and (self.rng.random() < self.person.taps or self.repeats >= 2):
            return Tap(mine[0][1])
        if mine and not said and self.rng.random() < 0.08:
            return Say(str(mine[0][0] + 1))
        return self._say("give_service", known={"service"}, must={"service"})

    def _name_staff(self, last: Message) -> Move:
        assert self.visit is not None
        if self.visit.staff is None:
            return self._say("any_staff")
        mine = [one for one in last["choices"] if self.visit.staff in one["label"]]
        if mine and self.rng.random() < self.person.taps:
            return Tap(mine[0])
        return self._say("give_staff", known={"staff"}, must={"staff"})

    def _answer_detail(self, last: Message) -> Move:
        if last["choices"]:
            return Tap(self.rng.choice(last["choices"]))
        return Say("no")

    def _choose_time(self, last: Message) -> Move:
        assert self.visit is not None
        if self.errand.kind == "leave" and self.misses + self.said_here > 2:
            return self._say("stop")
        if (asked := self._maybe_ask(0.35)) is not None:
            return asked
        offered = times_of(last["choices"], self.words, self.around.today)
        missing = self._facts() - self.told - {"name", "service"}
        if self.errand.kind == "move":
            missing -= {"staff"}
        good = [one for one in offered if self.wish.fits(one.at)]
        if "staff" in missing and not (missing & {"on", "at"}):
            return self._say("give_staff", known={"staff"}, must={"staff"})
        if missing and not (good and "staff" not in missing and self._would_tap()):
            return self._say("give_when", known=self._facts() - {"name"}, must=self._worth_saying(missing))
        if good:
            return self._pick(self.rng.choice(good), offered)
        return self._nothing_good(offered)

    def _worth_saying(self, missing: set[str]) -> set[str]:
        """Return what of the missing is said now: terse people say one thing at a time."""
        if self.person.length == "short" and len(missing) > 1:
            return {self.rng.choice(sorted(missing))}
        return {"on"} & missing or missing

    def _would_tap(self) -> bool:
        return self.rng.random() < self.person.taps

    def _nothing_good(self, offered: list[Offered]) -> Move:
        self.misses += 1
        same_day = any(one.at.date() in self.wish.days for one in offered)
        if not self.wish.exact and offered and self.offers_asked < 2 and same_day:
            self.offers_asked += 1
            return self._say("request_alternatives")
        if not self.restated and not same_day:
            self.restated = True
            weekdays = {day.weekday() for day in self.wish.days}
            self.by_date = len(self.wish.days) == 1 and any(one.at.weekday() in weekdays for one in offered)
            known = self._facts() - {"name", "service", "staff"}
            return self._say("give_when", known=known, must=known)
        if self.wish_no + 1 >= len(self.visit.wishes):  # type: ignore[union-attr]
            raise Stuck("no time at all was offered")
        if self.wish.free:
            self.complaints.append(f"was free and not offered: {self.wish.to_json()}")
        self.wish_no += 1
        self.restated = self.by_date = False
        good = [one for one in offered if self.wish.fits(one.at)]
        if good:
            return self._pick(self.rng.choice(good), offered)
        known = {"on", "at"} if self.wish.clock else {"on"}
        return self._say("retry", known=known, must=known)

    def _pick(self, one: Offered, offered: list[Offered]) -> Move:
        self.picked = one.at
        if self._would_tap():
            return Tap(one.choice)
        ways = ["number", "ordinal", "day_clock"]
        if len({other.at.time() for other in offered}) == len(offered):
            ways += ["clock", "clock"]
        match self.rng.choice(ways):
            case "number":
                return Say(str(one.index + 1))
            case "ordinal":
                ordinal = self.words.ordinal(one.index, len(offered), self.rng)
                return self._say("pick_ordinal", known={"ordinal"}, more={"ordinal": ordinal})
            case "clock":
                return self._say("pick_clock", known={"clock"}, more=self._moment(one.at))
        return self._say("pick_day_clock", known={"weekday", "clock"}, more=self._moment(one.at))

    def _moment(self, at: datetime) -> dict[str, str]:
        return {"weekday": self.words.weekday(at.date()), "clock": f"{at.hour}:{at.minute:02d}"}

    # The summary

    def _judge(self, last: Message) -> Move:
        facts = last["facts"]
        if self.errand.kind == "cancel":
            if start_of(facts) != self.kept[self.errand.about].start:
                raise Stuck("asked about cancelling another booking")
            return self._agree(last)
        assert self.visit is not None
        wrong = self._wrong_in(facts)
        if wrong is not None:
            return self._correct(wrong)
        if self.errand.kind == "leave":
            return self._say("stop")
        if self.changes:
            return self._change_mind(self.changes.pop(0), start_of(facts))
        if (asked := self._maybe_ask(0.5)) is not None:
            return asked
        return self._agree(last)

    def _wrong_in(self, facts: dict[str, Any]) -> str | None:
        assert self.visit is not None
        if self.errand.kind == "move":
            if not self._start_fits(start_of(facts)):
                return "when"
            if self.visit.staff is not None:
                # It has just been said who else could then: to whoever named a time, that is what matters.
                self.visit = replace(self.visit, staff=facts["staff"])
            return None
        if plain(facts["service"]) not in {plain(name) for name in self.around.names[self.visit.service]}:
            return "service"
        if self.visit.staff is not None and facts["staff"] != self.visit.staff:
            return "staff"
        return None if self._start_fits(start_of(facts)) else "when"

    def _start_fits(self, start: datetime) -> bool:
        return start == self.picked or self.wish.fits(start)

    def _correct(self, wrong: str) -> Move:
        self.corrections += 1
        if self.corrections > 3:
            raise Stuck(f"the summary stays wrong: {wrong}")
        if wrong in {"service", "staff"}:
            return self._say(f"change_{wrong}", known={wrong}, must={wrong})
        self.picked = None
        if not self.told & {"on", "at"}:
            known = self._facts() - {"name", "service", "staff"}
            return self._say("give_when", known=known, must=known)
        if self.wish.clock is None:
            return self._say("change_date", known={"on"}, must={"on"})
        return self._say("change_date_time", known={"on", "at"}, must={"on", "at"})

    def _change_mind(self, what: str, start: datetime) -> Move:
        """Want something else now; what was free is not known for it."""
        visit = self.visit
        assert visit is not None
        self.misses, self.restated, self.by_date = 0, False, False
        if what == "staff":
            others = [name for name in self.around.able[visit.service] if name != visit.staff]
            value: object = self.rng.choice(others) if others else None
            if value is None:
                what = "time"
        if what == "service":
            able = self.around.able
            can = [one for one in able if one != visit.service and (not visit.staff or visit.staff in able[one])]
            value = self.rng.choice(can or [visit.service])
        keep = replace(visit, wishes=(self._settled(start), ANY_TIME))
        if what in {"staff", "service"}:
            self.visit, self.wish_no = keep.changed(what, value), 0
            self.told.add(what)
            return self._say(f"change_{what}", known={what}, must={what})
        if what == "time":
            hour = self.rng.choice([hour for hour in range(10, 18) if hour != start.hour])
            wish = Wish(self._kind_of(start.date()), (start.date(),), Clock("exact", time(hour)))
        else:
            day = start.date() + timedelta(days=self.rng.choice([1, 2, 3]))
            wish = Wish(self._kind_of(day), (day,), Clock("exact", start.time()))
        self.visit, self.wish_no, self.picked = keep.changed(what, wish), 0, None
        self.told |= {"on", "at"}
        known = {"at"} if what == "time" else {"on"}
        return self._say(f"change_{what}", known=known, must=known)

    def _settled(self, start: datetime) -> Wish:
        return Wish("date", (start.date(),), Clock("exact", start.time()))

    def _kind_of(self, day: date) -> str:
        ahead = (day - self.around.today).days
        return {0: "today", 1: "tomorrow"}.get(ahead, "weekday" if ahead < 7 else "date")

    def _agree(self, last: Message) -> Move:
        self.agreed = True
        if last["choices"] and self._would_tap():
            return Tap(last["choices"][0])
        if self.errand.kind == "book" and self.rng.random() < 0.1 and self.question is None:
            self.question = "ask_address"
            return self._say("affirm_ask_address")
        return self._say("affirm")

    # Being asked back

    def _clarify(self, last: Message) -> Move:
        offered = times_of(last["choices"], self.words, self.around.today)
        if self.errand.kind in {"move", "cancel"} and offered:
            mine = [one for one in offered if one.at == self.kept[self.errand.about].start]
            if not mine:
                raise Stuck("the booking is not in the list")
            return self._pick_booking(mine[0], offered)
        return self._repeat(last)

    def _pick_booking(self, one: Offered, offered: list[Offered]) -> Move:
        if self._would_tap():
            return Tap(one.choice)
        if self.rng.random() < 0.5:
            return Say(str(one.index + 1))
        ordinal = self.words.ordinal(one.index, len(offered), self.rng)
        return self._say("pick_ordinal", known={"ordinal"}, more={"ordinal": ordinal})

    def _rephrase(self, last: Message) -> Move:
        self.fallbacks += 1
        if self.fallbacks >= 3:
            raise Stuck("not understood three times")
        return self._repeat(last)

    def _repeat(self, last: Message) -> Move:
        """Say the last thing in other words."""
        book = [one for one in last["choices"] if self.words.labels["book"].search(one["label"])]
        if self.errand.kind in {"book", "leave"} and self.last_need in {"open", "hello", "book_another"}:
            if book and self._would_tap():
                return Tap(book[0])
            return self._open()
        if self.last_need in {"hello", "thank", "thank_close", "accept_booking_offer"}:
            return self._open()
        if self.question is not None or self.last_need.startswith("ask_"):
            return self._open()
        return self._say_again()

    def _say_again(self) -> Move:
        need = self.last_need
        if need in {"pick_ordinal", "pick_clock", "pick_day_clock"} or self.visit is None:
            return self._open()
        known = self._facts()
        must = {"change_service": {"service"}, "change_staff": {"staff"}}.get(need, set())
        return self._say(need, known=known, must=must)

    def _go_on(self, last: Message) -> Move:
        """After a statement with no question open."""
        if self.errand.kind == "leave" and self.last_need == "stop":
            return self._next()
        if self.errand.kind == "ask":
            return self._ask() if self.questions else self._next()
        return self._open()

    # Questions of the customer's own

    def _maybe_ask(self, share: float) -> Move | None:
        if self.questions and self.question is None and self.rng.random() < share:
            return self._ask()
        return None

    def _ask(self) -> Move:
        if not self.questions:
            return self._next()
        self.question, self.asked_twice = self.questions.pop(0), False
        return self._say(self.question)

    def _look_for_answer(self, heard: list[Message]) -> Move | None:
        question, self.question = self.question, None
        assert question is not None
        shown = ANSWERS.get(question)
        if shown is None or any(shown.search(message["text"]) for message in heard):
            return None
        if self.asked_twice or any(message["act"] in {"booked", "payment_link"} for message in heard):
            self.complaints.append(f"no answer to {question}")
            return None
        self.question, self.asked_twice = question, True
        return self._say(question)

    # Saying

    def _say(
        self,
        need: str,
        *,
        known: set[str] | None = None,
        must: set[str] | None = None,
        more: dict[str, str] | None = None,
    ) -> Move:
        wish = self.wish if self.visit is not None else None
        wording = self.words.choose(
            need,
            known or set(),
            self.rng,
            must=must or set(),
            length=self.person.length,
            used=self.used,
            suits=lambda one: suits_bank(one, wish),
        )
        if wording is None and must:
            return self._plainly(must)
        assert wording is not None, f"nothing to say for {need} with {known}"
        self.last_need = need
        self.said_here += 1
        self.used.add(wording.text)
        self.told |= meaning_of(wording) & {"service", "staff", "on", "at", "name"}
        text = self.words.say(wording, self._places(wording, more or {}), Sayable(wish), self.rng)
        return Say(mistyped(text, self.person.typos, self.rng) if "name" not in wording.places else text)

    def _plainly(self, must: set[str]) -> Move:
        """Say facts for which the bank has no frame, one after the other."""
        self.told |= must
        self.said_here += 1
        said = self._places(Wording("", frozenset(must | {"a_service"})), {})
        order = ("a_service" if "service" in must else "", "on", "at", "staff")
        return Say(" ".join(said[place] for place in order if place in must or place == "a_service" != ""))

    def _places(self, wording: Wording, more: dict[str, str]) -> dict[str, str]:
        said = dict(more)
        if self.visit is None:
            return said
        a_service = self.words.a_service(self.visit.service, self.rng)
        said |= {"a_service": a_service, "service": a_service.split(" ", 1)[1], "name": self.visit.name}
        if self.visit.staff:
            said["staff"] = self.visit.staff
        said["on"] = self.words.on(self.wish, self.rng, kind="date" if self.by_date else None)
        if self.wish.clock is not None:
            said["at"] = self.words.at(self.wish.clock, self.rng)
        return said
