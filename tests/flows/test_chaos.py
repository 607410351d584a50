"""A short run of the chaos (`python -m tests.flows.chaos` is the long one), and checks that do find what is wrong."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from booking_core.kit.db import Database, libpq_url
from tests.channels.builders import NOW, a_thread, queued
from tests.flows.chaos.checks import log_of, told_in_log, violations
from tests.flows.chaos.run import Wanted, run


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A path short enough for the sockets of servers that come back at the same place."""
    folder = Path(tempfile.mkdtemp(prefix="tb-", dir=tempfile.gettempdir()))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.timeout(600)
async def test_every_promise_is_kept_whatever_dies(short_folder: Path, model: Path) -> None:
    report = await run(short_folder, model, Wanted(20, 20, 7, 6, 6), sys.stdout.write)
    assert report.violations == [], report.shown()
    assert report.figures["conversations"] == 6
    assert sum(report.figures["killed"].values()) > 0


async def test_what_is_wrong_is_found_and_shown_without_words(database: Database, database_url: str) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        await queued(session, thread, "my secret", "my secret")
    with psycopg.connect(libpq_url(database_url), autocommit=True, row_factory=dict_row) as connection:
        connection.execute("UPDATE message SET status = 'sent', provider_id = 'SM1' WHERE seq = 1")
        connection.execute("UPDATE message SET status = 'unsure' WHERE seq = 2")
        for vendor_id in ("SM1", "SM2", "SM3"):
            connection.execute(
                "INSERT INTO sandbox_message (channel, phone, account, direction, vendor_id, text, choices, vendor, at)"
                " VALUES (%s, %s, '', 'out', %s, '', '[]', '{}', %s)",
                [thread.channel, thread.address, vendor_id, NOW],
            )
        connection.execute(
            "INSERT INTO message (business_id, id, conversation_id, seq, channel, sender, text, status, status_at,"
            " attachments, choices, attempts, created_at) VALUES (%s, %s, %s, 9, %s, 'customer', 'my secret',"
            " 'received', %s, '[]', '[]', 0, %s)",
            [thread.business_id, uuid4(), thread.id, thread.channel, NOW, NOW],
        )
        found = list(violations(connection))
        shown = "\n".join(log_of(connection, thread.id))
        silent = list(told_in_log(connection, shown))
        told = list(told_in_log(connection, f"{shown} [parameters: {{'text': 'a my secret'}}] {thread.address}"))
    assert {one.promise for one in found} == {
        "each message is answered",
        "staff see what is unsure",
        "each reply is delivered once",
    }
    assert len(shown.splitlines()) == 3
    assert "my secret" not in shown + str(found)
    assert thread.address not in shown + str(found)
    assert silent == []
    assert [one.what for one in told] == [
        "1 words of customers are in the log",
        "1 addresses of customers are in the log",
    ]
