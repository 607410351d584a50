"""One thread in which reminders are agreed to and an e-mail address is given: letters follow the booking to its end."""

import re

import pytest

from nlu.engine import Engine
from tests.flows.phones import SandboxPhone
from tests.flows.world import World, running, set_clock

pytestmark = pytest.mark.model
NUMBER, ADDRESS = "+12125550123", "ana@mail.example"
LETTERS = "SELECT vendor->>'method', vendor->>'subject', text FROM sandbox_message WHERE channel = 'email' ORDER BY n"


async def letters(world: World, count: int) -> list[tuple[str, str, str]]:
    """Wait until so many letters have arrived."""
    await world.wait_for("SELECT 1 FROM sandbox_message WHERE channel = 'email' HAVING count(*) >= %s", count)
    return await world.rows(LETTERS)


async def test_letters_follow_a_booking_to_its_end(engine: Engine, database_url: str, redis_url: str) -> None:
    async with running(engine, database_url, redis_url) as world:
        phone = SandboxPhone(world.http, "sms", NUMBER)

        async def says(text: str) -> str:
            await phone.say(text)
            return str((await phone.hear())["text"])

        await says("A beard trim with Bruno on Thursday at 11, please")
        await says("Maria Lopez")
        said = await says("yes")
        assert "Text STOP to end" in said
        assert "1 Yes, remind me" in said
        assert "you get reminders" in await says("Yes")
        assert f"a letter to {ADDRESS}" in await says(f"my email is {ADDRESS}")
        ((_, _, asked),) = await letters(world, 1)
        confirmed = await world.http.post(re.findall(r"\S+/email/confirm/\S+", asked)[0])
        assert confirmed.status_code == 200
        assert (await letters(world, 2))[1][:1] == ("PUBLISH",)
        await set_clock(database_url, "2027-03-03T11:30")
        assert "Reminder" in (await phone.hear())["text"]
        assert (await letters(world, 3))[2][1].startswith("Reminder: Beard trim")
        await says("cancel it")
        await says("yes")
        method, subject, _ = (await letters(world, 4))[3]
        assert (method, subject.startswith("Cancelled: Beard trim")) == ("CANCEL", True)
        agreed = await world.rows("SELECT purpose, wish, how, country FROM consent_note ORDER BY at, id")
        assert agreed == [
            ("any", "in", "wrote", None),
            ("reminders", "asked", "question", "US"),
            ("reminders", "in", "answered", "US"),
            ("reminders", "in", "link", None),
        ]
