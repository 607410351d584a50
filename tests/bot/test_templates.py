"""WhatsApp's templates: declared within Meta's rules, pushed once, and used when the 24 hours are over."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from booking_core.kit.clock import advance_clock, current_time
from booking_core.kit.db import Database
from bot import templates
from bot.cli import main
from bot.words import Words
from channels.deliver import Outcome, deliver
from channels.messages import ChoiceDraft, queue_message
from channels.models import Conversation, MessageTemplate
from channels.terms import hold_back
from channels.twilio import Twilio
from channels.twilio_templates import LONGEST_BODY, DeclaredTemplate, flat
from tests.channels.builders import allowed, load
from tests.channels.sandboxed import World, open_world, until

DAY = timedelta(hours=24)
FACTS = {"line": "Haircut with Ana, Tue 24 Nov, 15:00", "place": "Marigold Studio, Calle de las Huertas 12"}


@pytest.fixture
async def world(database: Database, database_url: str, redis_url: str) -> AsyncIterator[World]:
    async with open_world(database, database_url, redis_url) as world:
        yield world


def api(world: World) -> object:
    whatsapp = world.channels["whatsapp"]
    assert isinstance(whatsapp, Twilio)
    return whatsapp.templates


@pytest.mark.parametrize("template", templates.declared().values(), ids=lambda one: f"{one.name}-{one.language}")
def test_a_declared_template_keeps_metas_rules(template: DeclaredTemplate) -> None:
    assert not re.search(r"^\s*\{\{|\}\}\s*$|\}\}\s*\{\{", template.body), "begins, ends or pairs with values"
    assert re.findall(r"\{\{(\d+)\}\}", template.body) == [str(n + 1) for n in range(len(template.values))]
    assert len(template.body) <= LONGEST_BODY / 2
    assert all(0 < len(title) <= 20 for title in template.buttons)
    assert len(set(template.buttons)) == len(template.buttons) <= 10
    assert template.category == "UTILITY"


def test_every_template_is_there_in_the_same_languages_with_the_same_buttons() -> None:
    names = {name for name, _ in templates.declared()}
    languages = {language for _, language in templates.declared()}
    assert set(templates.declared()) == {(name, language) for name in names for language in languages}
    for name in names:
        assert len({len(templates.declared()[name, language].buttons) for language in languages}) == 1


def test_every_language_of_the_bot_has_templates_and_a_reminder_says_what_it_says_elsewhere() -> None:
    words = Words()
    assert {language for _, language in templates.declared()} == set(words.languages)
    for language in words.languages:
        labels = tuple(words.text(language, f"choice.{key}") for key in ("confirm", "move", "cancel_it"))
        assert templates.declared()["reminder", language].buttons == labels


def test_a_value_is_one_line_and_leaves_room() -> None:
    assert flat("one\n\ntwo\t three  {{1}}", 100) == "one two three ((1))"
    assert flat(" \n", 10) == "-"
    assert flat("x" * 50, 10) == "x" * 9 + "…"
    template = templates.declared()["news", "en"]
    used = template.use("HX1", {"business": "Marigold", "text": "word " * 900}, [])
    assert len(used.text) <= LONGEST_BODY


async def test_what_is_pushed_is_approved_and_not_pushed_twice(world: World) -> None:
    pushed = await templates.push(world.db, api(world))
    assert {row.status for row in pushed} == {"received"}
    assert len(pushed) == len(templates.declared())
    assert await templates.push(world.db, api(world)) == []
    assert {row.status for row in await templates.refresh(world.db, api(world))} == {"approved"}


async def test_what_changed_is_pushed_anew(world: World) -> None:
    await templates.push(world.db, api(world))
    async with world.db.transaction() as session:
        row = await session.get_one(MessageTemplate, ("news", "es"))
        row.digest, before = "of another wording", row.sid
    (again,) = await templates.push(world.db, api(world))
    assert (again.name, again.language, again.sid != before) == ("news", "es", True)
    assert await templates.push(world.db, api(world), only_new=True) == []


async def remind(world: World, locale: str = "es-ES", **facts: str) -> tuple[Outcome, object]:
    async with world.db.transaction() as session:
        thread = (await session.scalars(select(Conversation).where(Conversation.channel == "whatsapp"))).one()
        choices = [ChoiceDraft(label, "do", {"label": label}) for label in ("Voy", "Otra hora", "Cancelar")]
        message = await queue_message(
            session,
            thread,
            sender="bot",
            text="Recordatorio:\nCorte con Ana.",
            choices=choices,
            act="reminder",
            facts=facts,
            locale=locale,
            now=await current_time(session),
        )
        hold_back(message)
    outcome = await deliver(
        world.db,
        world.channels,
        message.business_id,
        message.id,
        may_send=allowed,
        template_for=templates.template_for,
    )
    return outcome, await load(world.db, message.business_id, message.id)


async def test_after_24_hours_a_reminder_arrives_with_buttons_that_mean_what_they_say(world: World) -> None:
    await world.say("whatsapp", "hola")
    await templates.push(world.db, api(world))
    await templates.refresh(world.db, api(world))
    async with world.db.transaction() as session:
        await advance_clock(session, DAY)
    outcome, sent = await remind(world, **FACTS)
    assert outcome is Outcome.SENT
    shown = (await world.screen("whatsapp"))[-1]
    assert shown["text"].startswith("Recordatorio de Marigold: Haircut with Ana")
    assert [one["label"] for one in shown["choices"]] == ["Allí estaré", "Cambiar hora", "Anularla"]
    # The transcript shows what the customer reads; what was written first is not lost.
    assert (sent.text, sent.terms["said"]) == (shown["text"], "Recordatorio:\nCorte con Ana.")  # type: ignore[attr-defined]
    row = await world.tap("whatsapp", shown["n"], shown["choices"][1]["id"])
    assert row.choice == sent.choices[1]["id"]  # type: ignore[attr-defined]


async def test_what_has_no_template_of_its_own_goes_in_the_general_one(world: World) -> None:
    await world.say("whatsapp", "hola")
    await templates.push(world.db, api(world))
    await templates.refresh(world.db, api(world))
    async with world.db.transaction() as session:
        await advance_clock(session, DAY)
    assert (await remind(world, locale="sv"))[0] is Outcome.SENT
    text = (await world.screen("whatsapp"))[-1]["text"]
    assert text.startswith("Here is Marigold about your appointment. Recordatorio: Corte con Ana. 1 Voy 2 Otra hora")


async def test_a_template_that_is_not_approved_is_not_used(world: World) -> None:
    await world.say("whatsapp", "hola")
    await templates.push(world.db, api(world))
    async with world.db.transaction() as session:
        await advance_clock(session, DAY)
    outcome, row = await remind(world, **FACTS)
    assert (outcome, row.error) == (Outcome.FAILED, "window_closed")  # type: ignore[attr-defined]


async def test_a_template_found_after_a_crash_is_not_sent_twice(world: World) -> None:
    await world.say("whatsapp", "hola")
    await templates.push(world.db, api(world))
    await templates.refresh(world.db, api(world))
    async with world.db.transaction() as session:
        await advance_clock(session, DAY)
    _, sent = await remind(world, **FACTS)
    before = len(await world.screen("whatsapp"))

    async def delivered() -> bool:
        return (await load(world.db, sent.business_id, sent.id)).status == "delivered"  # type: ignore[attr-defined]

    await until(delivered)
    async with world.db.transaction() as session:
        row = await session.get_one(type(sent), (sent.business_id, sent.id))  # type: ignore[attr-defined]
        row.status, row.provider_id = "sending", None
    again = await deliver(
        world.db,
        world.channels,
        row.business_id,
        row.id,
        may_send=allowed,
        template_for=templates.template_for,
    )
    assert (again, len(await world.screen("whatsapp"))) == (Outcome.RECONCILED, before)


async def test_the_command_pushes_and_tells(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = world.settings
    for name, value in {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "PORT": str(settings.port),
    }.items():
        monkeypatch.setenv(name, value)
    assert await asyncio.to_thread(main, ["templates", "status"]) == 0
    assert "reminder es: not pushed" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["templates", "push"]) == 0
    told = capsys.readouterr().out
    assert f"{len(templates.declared())} submitted" in told
    assert "reminder es: approved" in told
