"""What fails is logged with its place and kind, never with what a customer wrote or where they are reached."""

import asyncio
import gc
import io
import logging
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from booking_core.kit.db import Database
from booking_core.models import Customer
from bot.logs import Discreet, configure_logs
from tests.booking_core.shop import NOW

WORDS = "my knee hurts"


def told_of(error: BaseException) -> str:
    """Return what the log says of an error."""
    record = logging.LogRecord(
        "x", logging.ERROR, __file__, 1, "it failed", None, (type(error), error, error.__traceback__)
    )
    return Discreet("%(levelname)s %(message)s").format(record)


def test_an_error_is_told_by_its_kind_and_place() -> None:
    try:
        try:
            raise KeyError(WORDS)
        except KeyError as first:
            raise ValueError(f"cannot read {WORDS}") from first
    except ValueError as error:
        told = told_of(error)
    assert told.startswith("ERROR it failed\n")
    assert WORDS not in told.replace("raise KeyError(WORDS)", "").replace(
        'raise ValueError(f"cannot read {WORDS}")', ""
    )
    assert told.index("builtins.KeyError") < told.index("which led to") < told.index("builtins.ValueError")
    assert told.count("in test_an_error_is_told_by_its_kind_and_place") == 2


def test_several_errors_at_once_are_told_by_their_kinds() -> None:
    group = ExceptionGroup(WORDS, [KeyError(WORDS), ConnectionRefusedError(111, WORDS)])
    told = told_of(group)
    assert WORDS not in told
    assert told.splitlines()[1:] == [
        "builtins.ExceptionGroup, with builtins.KeyError, builtins.ConnectionRefusedError [111]"
    ]


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError(WORDS), KeyError(WORDS)
    first.__context__, second.__context__ = second, first
    told = told_of(first)
    assert (told.count("KeyError"), told.count("ValueError")) == (1, 1)


async def test_a_task_that_nobody_waits_for_is_told_likewise(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise KeyError(WORDS)

    with caplog.at_level(logging.ERROR):
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()
    [record] = [one for one in caplog.records if one.name == "asyncio"]
    assert WORDS in record.getMessage(), "there was something to keep back"
    told = Discreet("%(message)s").format(record)
    assert told.startswith("Task exception was never retrieved\n")
    assert "builtins.KeyError" in told
    assert WORDS not in told


async def test_a_database_repeats_nothing_of_what_it_refused(database_url: str) -> None:
    database = Database(database_url)
    try:
        with pytest.raises(DBAPIError) as by_row:
            async with database.transaction() as session:
                session.add(Customer(business_id=uuid4(), id=uuid4(), name=WORDS, locale="en", created_at=NOW))
        with pytest.raises(DBAPIError) as by_value:
            async with database.transaction() as session:
                await session.execute(text("SELECT CAST(:what AS integer)"), {"what": WORDS})
    finally:
        await database.close()
    # The session's own words leave its values out; the server's need not, and are not told.
    assert WORDS not in str(by_row.value)
    told = told_of(by_row.value)
    assert "psycopg.errors.ForeignKeyViolation [23503 fk_customer_business_id_business]" in told
    assert WORDS in str(by_value.value), "there was something to keep back"
    told = told_of(by_value.value)
    assert "[22P02]" in told
    assert WORDS not in told


def test_the_log_of_a_process_is_discreet(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    try:
        root.handlers = []
        configure_logs("WARNING")
        try:
            raise ValueError(WORDS)
        except ValueError:
            # Not uvicorn's own: other tests set that up to write elsewhere, as we do not.
            logging.getLogger("somebody").exception("it went wrong")
    finally:
        root.handlers, root.level = before, level
    assert " ERROR somebody: it went wrong\n" in out.getvalue()
    assert out.getvalue().endswith("builtins.ValueError\n")
    assert WORDS not in out.getvalue()
