"""What the doctor sees by asking: database, schema, clock, Redis, model, port, worker."""

import smtplib
import ssl
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import redis
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis.exceptions import RedisError
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from booking_core.kit.db import libpq_url, sqlalchemy_url
from booking_core.kit.scope import ROLE
from bot.doctor_vault import vault_findings
from bot.findings import Finding, in_a_line, note, ok, wrong
from bot.migrate import alembic_config
from bot.processes import ServerError
from bot.separation import open_tables
from bot.settings import Settings
from bot.up_reach import local_url, refuse_taken_port
from channels.web_origins import read_origin

#: The oldest versions that the tests pass on.
OLDEST_POSTGRES = 15
OLDEST_REDIS = 6
#: Seconds that two clocks may differ: Stripe and Twilio refuse what is minutes old.
_CLOCK_TOLERANCE = 5.0


def reach_findings(settings: Settings) -> Iterator[Finding]:
    """Ask everything that the settings name."""
    yield from _database_findings(settings)
    yield _redis_finding(settings)
    yield _model_finding(settings)
    yield _port_finding(settings)
    if settings.smtp_host:
        yield _mail_finding(settings)


def _database_findings(settings: Settings) -> Iterator[Finding]:
    try:
        with psycopg.connect(libpq_url(settings.database_url), connect_timeout=5, autocommit=True) as connection:
            version = connection.info.server_version // 10_000
            if version < OLDEST_POSTGRES:
                yield wrong("database", f"PostgreSQL {version} is too old; {OLDEST_POSTGRES} or newer is needed.")
            else:
                yield ok("database", f"PostgreSQL {version} answers.")
            schema = _schema_finding(settings.database_url)
            yield schema
            yield from _clock_findings(connection, settings)
            if schema.level == "ok":
                yield _separation_finding(connection)
                yield _worker_finding(connection)
                yield from _website_findings(connection)
                yield from vault_findings(connection, settings)
    except psycopg.OperationalError as error:
        yield wrong("database", f"DATABASE_URL does not answer: {in_a_line(error)}")


def _schema_finding(url: str) -> Finding:
    newest = set(ScriptDirectory.from_config(alembic_config(url)).get_heads())
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            present = set(MigrationContext.configure(connection).get_current_heads())
    except SQLAlchemyError as error:
        return wrong("schema", f"could not be read: {type(error).__name__}.")
    finally:
        engine.dispose()
    if present == newest:
        return ok("schema", f"is at the newest migration ({', '.join(sorted(newest))}).")
    if not present:
        return wrong("schema", "is not there: run `threadbook migrate`.")
    return wrong("schema", f"is at {', '.join(sorted(present))}: run `threadbook migrate`.")


def _separation_finding(connection: psycopg.Connection[Any]) -> Finding:
    if left := open_tables(connection):
        return wrong("separation", f"{', '.join(left)}: no policy keeps businesses apart; run `threadbook migrate`.")
    role = "SELECT count(*) FROM pg_roles WHERE rolname = %s AND pg_has_role(oid, 'MEMBER')"
    may = connection.execute(role, (ROLE,)).fetchone()
    if may != (1,):
        return wrong("separation", f"the database's user may not take on the role {ROLE}: run `threadbook migrate`.")
    return ok("separation", "every table of a business has its policy.")


def _clock_findings(connection: psycopg.Connection[Any], settings: Settings) -> Iterator[Finding]:
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    apart = abs((row[0] if row else 0.0) - time.time())
    if apart > _CLOCK_TOLERANCE:
        yield wrong("clock", f"The database's clock and this machine's are {apart:.0f} s apart.")
    else:
        yield ok("clock", "The database's clock and this machine's agree.")
    there = connection.execute("SELECT to_regclass('clock_shift') IS NOT NULL").fetchone()
    if not there or not there[0]:
        return
    moved = connection.execute("SELECT shift FROM clock_shift").fetchone()
    if moved and moved[0]:
        find = note if settings.sandbox else wrong
        yield find("clock", f"The sandbox has moved the system's clock by {moved[0]}.")


def _worker_finding(connection: psycopg.Connection[Any]) -> Finding:
    beats = connection.execute(
        "SELECT worker, model FROM worker_beat WHERE beat_at > clock_timestamp() - interval '10 seconds'"
    ).fetchall()
    if not beats:
        return note("worker", "None is running: start `threadbook worker`, or everything by `threadbook up`.")
    return ok("worker", f"{len(beats)} running, with model {', '.join(sorted({str(model) for _, model in beats}))}.")


def _website_findings(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    """A website that is written so that no browser would call it that is never let in."""
    for slug, listed in connection.execute(
        "SELECT slug, settings -> 'chat_origins' FROM business WHERE settings ? 'chat_origins' ORDER BY slug"
    ):
        if not isinstance(listed, list):
            yield wrong("chat_origins", f"{slug}: must be a list, such as [https://www.example.com].")
        elif unread := [number for number, entry in enumerate(listed, start=1) if read_origin(entry) is None]:
            entries = ", ".join(map(str, unread))
            yield wrong("chat_origins", f"{slug}: entry {entries} is no website; write https://www.example.com.")


def _redis_finding(settings: Settings) -> Finding:
    try:
        with redis.Redis.from_url(settings.redis_url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
            try:
                version = str(client.info("server").get("redis_version", ""))
            except RedisError:
                return ok("redis", "answers (a stand-in that tells no version).")
    except (RedisError, OSError) as error:
        return wrong("redis", f"REDIS_URL does not answer: {type(error).__name__}.")
    if version.split(".")[0].isdigit() and int(version.split(".")[0]) < OLDEST_REDIS:
        return wrong("redis", f"Redis {version} is too old; {OLDEST_REDIS} or newer is needed.")
    return ok("redis", f"Redis {version} answers.")


def _model_finding(settings: Settings) -> Finding:
    from nlu.train import current_model

    model = current_model(settings.model_dir)
    if model is not None:
        return ok("model", f"{model.name} is trained from the present data.")
    if settings.model_dir.is_dir() and any(settings.model_dir.iterdir()):
        return wrong("model", f"The model in {settings.model_dir} is older than its data: run `threadbook train`.")
    return wrong("model", f"There is none in {settings.model_dir}: run `threadbook train`.")


def _mail_finding(settings: Settings) -> Finding:
    """Connect to the mail server, encrypt and sign in as a worker does; no letter is sent."""
    security, password = settings.smtp_security, settings.smtp_password.get_secret_value()
    where = settings.smtp_host, settings.smtp_port
    context = ssl.create_default_context(cafile=settings.smtp_ca_file or None) if security != "none" else None
    try:
        if security == "tls" and context is not None:
            server: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=5, context=context)
        else:
            server = smtplib.SMTP(*where, timeout=5)
        with server:
            if security == "starttls":
                server.starttls(context=context)
            if settings.smtp_username:
                server.login(settings.smtp_username, password)
    except smtplib.SMTPResponseException as error:
        return wrong("email", f"SMTP_HOST refuses us with {error.smtp_code}.")
    except (smtplib.SMTPException, OSError) as error:
        return wrong("email", f"SMTP_HOST cannot be used: {type(error).__name__}.")
    return ok("email", f"The mail server answers{' and knows us' if settings.smtp_username else ''}.")


def _port_finding(settings: Settings) -> Finding:
    try:
        answer = httpx.get(f"{local_url(settings)}/health", timeout=5, trust_env=False)
        ours = "missing" in answer.json()
    except (httpx.HTTPError, ValueError, TypeError):
        ours = False
    if ours:
        return ok("port", f"Threadbook answers on {settings.port}.")
    try:
        refuse_taken_port(settings.host, settings.port)
    except ServerError as error:
        return wrong("port", str(error))
    return ok("port", f"{settings.port} is free.")
