"""The sandbox's mail server listens where the web server does, and workers find it by name."""

import asyncio
import contextlib

import pytest
from sqlalchemy import select

from booking_core.kit.db import Database
from bot.embedded import free_port
from bot.sandbox.mail_server import run_mail
from bot.sandbox.models import SandboxMessage
from bot.sandbox.stage import Stage
from bot.settings import Settings
from bot.vendors import vendors_for
from channels.contract import SendError
from channels.mail import Mail
from tests.bot.sandbox.theatre import settings_for, words
from tests.channels.post_office import a_letter, a_message


def at(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update=changes)


@pytest.mark.parametrize("found", [True, False])
async def test_a_letter_comes_to_where_the_web_server_listens(
    database: Database, database_url: str, found: bool
) -> None:
    web = at(settings_for(database_url, free_port()), host="127.0.0.2")
    worker = at(web, host="127.0.0.1", sandbox_smtp_host="127.0.0.2" if found else "127.0.0.1")
    listening = asyncio.create_task(run_mail(Stage(database, web, vendors_for(web), words())))
    await asyncio.sleep(0.2)
    access = vendors_for(worker).mail
    assert access is not None
    try:
        if found:
            await Mail(access).send(a_message(a_letter()))
        else:
            with pytest.raises(SendError, match="smtp_unreachable"):
                await Mail(access).send(a_message(a_letter()))
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
    async with database.transaction() as session:
        kept = list(await session.scalars(select(SandboxMessage.channel)))
    assert kept == ["email"] * found
