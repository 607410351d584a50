from alembic import command
from sqlalchemy import create_engine, text

from booking_core.kit.db import sqlalchemy_url
from bot.migrate import alembic_config, migrate


def test_the_migrated_schema_is_the_models(database_url: str) -> None:
    command.check(alembic_config(database_url))


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    command.check(alembic_config(database_url))


def test_what_autogenerate_cannot_compare_is_there(database_url: str) -> None:
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        names = set(connection.execute(text("SELECT conname FROM pg_constraint WHERE contype IN ('x', 'c')")).scalars())
    engine.dispose()
    assert "ex_allocation_calendar_during" in names
    assert {"ck_booking_state", "ck_reminder_state", "ck_dialogue_answers"} <= names
