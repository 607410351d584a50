"""Plays a written conversation (`data/conversations/<lang>/*.yml`, format in docs/conversations.md)."""

import asyncio
import os
import re
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from channels.segments import PLAIN_SIGNS, Encoding, gsm_friendly, sms_size, without_accent
from tests.flows.desk import StaffDesk, another_takes_it
from tests.flows.others import Others
from tests.flows.phones import Phone, SandboxPhone, WebPhone
from tests.flows.world import World

CONVERSATIONS = Path(__file__).resolve().parents[2] / "data" / "conversations"
ADDRESSES = {"sms": "+34600111222", "whatsapp": "+34600111333", "telegram": "700100200"}


#: How it is said that a hold ran out.
_RAN_OUT = re.compile("free again|liberado|de nouveau libre|wieder frei|livre de novo")
#: Seconds after which the database holds what a reply says.
_SETTLED = 5.0


def _forms(text: str, *, lost: bool) -> tuple[str, ...]:
    """Return how a channel may have written a text."""
    return (text, gsm_friendly(text), _bare(text)) if lost else (text, gsm_friendly(text))


def _bare(text: str) -> str:
    """Return a text with plain signs, and of its letters only those of GSM-7, as a long text message is written."""
    return "".join(map(without_accent, text.translate(PLAIN_SIGNS)))


@dataclass(frozen=True)
class Script:
    path: Path

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def language(self) -> str:
        return self.path.parent.name

    def load(self) -> dict[str, Any]:
        return _read(self.path)


@cache
def _read(path: Path) -> dict[str, Any]:
    """Read a script, once in a process: there are hundreds, and whoever counts them reads them all."""
    script: dict[str, Any] = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return script


#: Where the journeys are played in the first two languages; everything else goes to two channels in turn, or to all of
#: them with PLAY_EVERYWHERE=1 (`make test-everywhere`), but to those that have not what it is about: its `not:`.
EVERYWHERE = ("sms", "whatsapp", "telegram", "web")
_THOROUGH = ("en", "es")
_PAIRS = (("sms", "telegram"), ("whatsapp", "web"), ("sms", "web"), ("whatsapp", "telegram"))


def plays() -> list[tuple[Script, str]]:
    """Every script with each channel that it is played on."""
    found = []
    for script in scripts():
        written = script.load()
        pair = _PAIRS[len(script.name) % len(_PAIRS)]
        journey = "situations" not in written and script.language in _THOROUGH
        usual = written.get("channels", EVERYWHERE if journey else pair)
        where = EVERYWHERE if os.environ.get("PLAY_EVERYWHERE") == "1" else usual
        found += [(script, channel) for channel in where if channel not in written.get("not", ())]
    return found


def scripts() -> list[Script]:
    return [Script(path) for path in sorted(CONVERSATIONS.glob("*/*.yml"))]


def phone_for(world: World, channel: str, language: str) -> Phone:
    if channel == "web":
        return WebPhone(world.http, language)
    return SandboxPhone(world.http, channel, ADDRESSES[channel])


class Player:
    """One conversation on one channel."""

    def __init__(self, world: World, phone: Phone) -> None:
        self.world = world
        self.phone = phone
        self.last: dict[str, Any] | None = None
        self.link = ""
        self.crossing = False

    async def play(self, steps: list[dict[str, Any]]) -> None:
        for number, step in enumerate(steps, 1):
            (verb, what), *_ = step.items()
            try:
                await getattr(self, f"_{verb}")(what)
            except AssertionError as error:
                raise AssertionError(f"step {number} ({verb}): {error}\n\n{await self.transcript()}") from error
        left = await self.phone.silence(0.4)
        assert not left, f"said something more at the end: {left}\n\n{await self.transcript()}"

    async def _say(self, said: str | dict[str, Any]) -> None:
        await self.phone.say(said if isinstance(said, str) else said.get("start", "") + said["text"] * said["times"])

    async def _burst(self, texts: list[str]) -> None:
        """Write several messages before anybody answers, however slow the machine is."""
        await self.world.stop_worker()
        for text in texts:
            await self.phone.say(text)
        await self._all_are_here(len(texts))
        await self.world.start_worker()

    async def _all_are_here(self, count: int) -> None:
        await self.world.wait_for("SELECT 1 FROM message WHERE status = 'received' HAVING count(*) >= %s", count)

    async def _choose(self, label: str | dict[str, Any]) -> None:
        assert self.last is not None
        if isinstance(label, dict):
            await self.world.stop_worker()
            for _ in range(label["times"]):
                await self._choose(label["label"])
            await self._all_are_here(label["times"])
            await self.world.start_worker()
            return
        found = [one for one in self.last["choices"] if self._found(label, one["label"])]
        assert found, f"no choice {label!r} among {[one['label'] for one in self.last['choices']]}"
        await self.phone.choose(self.last, found[0])

    async def _hear(self, expected: dict[str, Any]) -> None:
        self.last = await self.phone.hear()
        if self.crossing and _RAN_OUT.search(self.last["text"]):
            # The hold's end and the late payment cross: the first may be told before the second.
            self.crossing = False
            self.last = await self.phone.hear()
        text = self.last["text"]
        for pattern in _list(expected.get("says")):
            assert self._found(pattern, text), f"{pattern!r} not in {text!r}"
        for pattern in _list(expected.get("not")):
            assert not self._found(pattern, text), f"{pattern!r} in {text!r}"
        labels = [one["label"] for one in self.last["choices"]]
        for pattern in _list(expected.get("choices")):
            assert any(self._found(pattern, label) for label in labels), f"no choice {pattern!r} in {labels}"
        if "act" in expected:
            act = await self._act_of(text)
            assert act == expected["act"], f"act {act} instead of {expected['act']}"
        if found := re.search(r"https?://\S+/checkout/\S+", text):
            self.link = found.group(0).rstrip(".")

    def _found(self, pattern: str, text: str) -> bool:
        """Whether a pattern is in what was heard; a long text message has lost its accents on the way."""
        if re.search(pattern, text, re.IGNORECASE):
            return True
        return self._has_lost_accents(self.last["text"]) and bool(re.search(_bare(pattern), text, re.IGNORECASE))

    def _has_lost_accents(self, heard: str) -> bool:
        """Whether a message went as GSM-7: then none of what it was written with beyond that is left."""
        return self.phone.channel == "sms" and sms_size(heard).encoding is Encoding.GSM_7

    async def _act_of(self, heard: str) -> str | None:
        """Return the act of what was heard, as the channel has written it."""
        said = await self.world.rows("SELECT act, text FROM message WHERE sender <> 'customer' ORDER BY seq DESC")
        lost = self._has_lost_accents(heard)
        return next((act for act, text in said if text and heard.startswith(_forms(text, lost=lost))), None)

    async def _pay(self, how: str) -> None:
        session = self.link.rstrip("/").rsplit("/", 1)[1].split("?")[0]
        answer = await self.world.http.post(f"/sandbox/stripe/checkout/{session}/{how}")
        assert answer.status_code < 400, answer.text

    async def _advance(self, duration: str) -> None:
        answer = await self.world.http.post("/sandbox/clock", json={"advance": duration})
        assert answer.is_success, answer.text

    async def _silence(self, seconds: float) -> None:
        said = await self.phone.silence(seconds)
        assert not said, f"should have been silent: {said}"

    async def _staff(self, what: dict[str, Any]) -> None:
        desk = await StaffDesk.at(self.world)
        (verb, value), *_ = what.items()
        await getattr(desk, verb)(value)

    async def _others(self, what: dict[str, Any]) -> None:
        (verb, value), *_ = what.items()
        await getattr(Others(self.world), verb)(value)

    async def _late(self, what: dict[str, str]) -> None:
        """Pay when the hold is over, before the page is closed; `taken`: somebody else came in between."""
        self.crossing = True
        await self.world.stop_worker()
        await self._advance("PT16M")
        if what["pay"] == "taken":
            await another_takes_it(self.world)
        await self._pay("pay")
        await self.world.wait_for("SELECT 1 FROM payment_event")
        await self.world.start_worker()

    async def _state(self, expected: dict[str, Any]) -> None:
        """Look until it is so: what was heard last may be told before all of it is done."""
        until = time.monotonic() + _SETTLED
        while True:
            try:
                return await self._look_at(expected)
            except AssertionError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.2)

    async def _look_at(self, expected: dict[str, Any]) -> None:
        if "bookings" in expected:
            rows = await self.world.rows(
                "SELECT b.state, s.name, f.name, b.starts, b.ends, p.name, p.timezone, b.party, b.units, b.answers,"
                " (SELECT array_agg((SELECT name FROM service WHERE id = (part->>'service')::uuid) ORDER BY n)"
                "  FROM jsonb_array_elements(b.parts) WITH ORDINALITY AS each (part, n)),"
                " (SELECT array_agg((SELECT name FROM staff WHERE id = (part->'staff'->>0)::uuid) ORDER BY n)"
                "  FROM jsonb_array_elements(b.parts) WITH ORDINALITY AS each (part, n)),"
                " (SELECT array_agg((SELECT name FROM add_on WHERE id = one::uuid))"
                "  FROM jsonb_array_elements_text(b.add_ons) AS one) FROM booking b "
                "JOIN service s ON s.id = b.service_id LEFT JOIN staff f ON f.id = b.staff_id "
                "JOIN location p ON p.id = b.location_id "
                "JOIN conversation c ON c.id = b.conversation_id ORDER BY b.created_at"
            )
            found = [
                {
                    "state": state,
                    "service": service,
                    "staff": staff,
                    "starts": f"{starts.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}",
                    "ends": f"{ends.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}",
                    "place": place,
                    "party": party,
                    "units": units,
                    "answers": answers,
                    "parts": parts,
                    "people": people,
                    "add_ons": add_ons or [],
                }
                for (
                    state,
                    service,
                    staff,
                    starts,
                    ends,
                    place,
                    zone,
                    party,
                    units,
                    answers,
                    parts,
                    people,
                    add_ons,
                ) in rows
            ]
            assert len(found) == len(expected["bookings"]), found
            for one, wanted in zip(found, expected["bookings"], strict=True):
                assert {key: one[key] for key in wanted} == wanted, f"{one} is not {wanted}"
        if "payments" in expected:
            rows = await self.world.rows("SELECT state FROM payment ORDER BY created_at")
            assert [state for (state,) in rows] == expected["payments"], rows
        if "tasks" in expected:
            rows = await self.world.rows("SELECT kind FROM staff_task ORDER BY created_at")
            assert [kind for (kind,) in rows] == expected["tasks"], rows
        if "reminders" in expected:
            rows = await self.world.rows("SELECT kind, state FROM reminder ORDER BY booking_version, due_at")
            assert [list(row) for row in rows] == expected["reminders"], rows

    async def transcript(self) -> str:
        rows = await self.world.rows("SELECT sender, text, act, understood, status FROM message ORDER BY seq")
        lines = []
        for sender, text, act, understood, status in rows:
            lines.append(f"{sender:>8} [{act or ''} {status}] {text}")
            if understood:
                brief = {key: understood.get(key) for key in ("intent", "also", "entities", "actions", "do")}
                when = understood.get("when") or {}
                brief["when"] = [(one["start"], one["grain"]) for one in when.get("choices", [])]
                lines.append(f"{'':>8} understood {brief}")
        return "\n".join(lines)


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [value]
