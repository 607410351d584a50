"""The doctor: plain sentences, no secrets, and real servers asked."""

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from pydantic import ValidationError

from booking_core.kit.clock import advance_clock
from booking_core.kit.db import Database
from bot.doctor_reach import _clock_findings, _database_findings, _mail_finding, _port_finding, _redis_finding
from bot.doctor_settings import explain, misspelt, settings_findings
from bot.embedded import free_port
from bot.findings import Finding, Level
from bot.settings import Settings
from tests.bot.api.certificates import serving, write_certificate
from tests.channels.post_office import PASSWORD, SENDER, USER, open_office
from tests.databases import named
from tests.setup.documented import ROOT

GOOD = {
    "database_url": "postgresql://localhost/x",
    "redis_url": "redis://localhost/0",
    "secret_key": "k" * 40,
}
LIVE = GOOD | {
    "public_url": "https://book.example.org",
    "twilio_account_sid": "AC" + "0123456789abcdef" * 2,
    "twilio_auth_token": "fedcba9876543210" * 2,
    "twilio_sms_number": "+15550001111",
    "telegram_token": "123456789:" + "A" * 35,
    "telegram_secret": "a-secret_1",
    "stripe_secret_key": "sk_live_" + "x" * 24,
    "stripe_webhook_secret": "whsec_" + "x" * 24,
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No setting of this machine, no .env of this folder."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return


def settings(**changes: object) -> Settings:
    return Settings(**(GOOD | changes))  # type: ignore[arg-type]


def refused(**changes: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Settings(**changes)  # type: ignore[arg-type]
    return explain(caught.value)


def wrong(findings: list[Finding]) -> str:
    return "\n".join(f"{finding.subject} {finding.words}" for finding in findings if finding.level is Level.WRONG)


def test_what_is_missing_is_named_as_it_is_set() -> None:
    told = refused()
    assert [line.split()[0] for line in told] == ["DATABASE_URL", "REDIS_URL", "SECRET_KEY"]
    assert all("is not set" in line for line in told)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("port", "eighty", "PORT must be a whole number"),
        ("port", "70000", "PORT must be at most 65535"),
        ("burst_seconds", "-1", "BURST_SECONDS must be at least 0"),
        ("secret_key", "short", "SECRET_KEY must have at least 32 characters"),
        ("log_level", "loud", "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR"),
        ("public_url", "book.example.org", "PUBLIC_URL must be an address such as https://book.example.org"),
        ("public_url", "https://", "PUBLIC_URL must be an address"),
        ("database_url", "mysql://x", "DATABASE_URL must begin with postgresql://"),
        ("twilio_account_sid", "AC1", "Set both TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or neither."),
    ],
)
def test_a_wrong_setting_is_one_plain_sentence(name: str, value: str, words: str) -> None:
    (told,) = refused(**(GOOD | {name: value}))
    assert told.startswith(words)


@pytest.mark.parametrize("name", [name for name in LIVE if name not in {"public_url", "twilio_sms_number"}])
def test_no_sentence_shows_what_was_set(name: str) -> None:
    hidden = "what was hidden!"
    try:
        given = Settings(**(LIVE | {name: hidden}))  # type: ignore[arg-type]
    except ValidationError as error:
        told = "\n".join(explain(error))
    else:
        told = "\n".join(finding.words for finding in settings_findings(given))
        assert name.upper() in wrong(list(settings_findings(given)))
    assert hidden not in told


def test_live_settings_in_order_are_well() -> None:
    findings = list(settings_findings(Settings(**LIVE)))  # type: ignore[arg-type]
    assert wrong(findings) == ""
    assert any("https://book.example.org/webhooks/sms" in finding.words for finding in findings)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://book.example.org", "must begin with https://"),
        ("", "is an address of this machine"),
        ("https://localhost", "is an address of this machine"),
        ("https://book.example.org:8080", "a port that Telegram does not call: only 443, 80, 88, 8443"),
    ],
)
def test_a_public_address_that_vendors_cannot_call_is_wrong(url: str, words: str) -> None:
    assert words in wrong(list(settings_findings(Settings(**(LIVE | {"public_url": url})))))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"public_url": "https://book.example.org:8443"},
        {"public_url": "https://book.example.org:8080", "telegram_polling": True},
        {"public_url": "https://book.example.org:8080", "telegram_token": "", "telegram_secret": ""},
    ],
    ids=str,
)
def test_a_port_matters_only_where_telegram_calls(change: dict[str, object]) -> None:
    assert wrong(list(settings_findings(Settings(**(LIVE | change))))) == ""  # type: ignore[arg-type]


def test_the_sandbox_needs_no_address() -> None:
    assert wrong(list(settings_findings(settings()))) == ""


def test_a_database_at_the_newest_schema_is_well(database_url: str) -> None:
    findings = list(_database_findings(settings(database_url=database_url)))
    assert wrong(findings) == ""
    assert {"database", "schema", "clock", "worker"} <= {finding.subject for finding in findings}


def test_an_empty_database_asks_for_migrate(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE doctor_empty")
    try:
        findings = list(_database_findings(settings(database_url=named(postgres_url, "doctor_empty"))))
        assert "run `threadbook migrate`" in wrong(findings)
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("DROP DATABASE doctor_empty WITH (FORCE)")


def test_a_database_that_does_not_answer_is_told_without_its_password() -> None:
    url = f"postgresql://someone:hidden@127.0.0.1:{free_port()}/x"
    (finding,) = _database_findings(settings(database_url=url))
    assert finding.level is Level.WRONG
    assert "hidden" not in finding.words


async def test_a_moved_clock_is_wrong_only_with_live_credentials(database: Database, database_url: str) -> None:
    async with database.transaction() as session:
        await advance_clock(session, timedelta(hours=3))

    def judged(given: Settings) -> set[Level]:
        with psycopg.connect(database_url) as connection:
            return {finding.level for finding in _clock_findings(connection, given)}

    assert await asyncio.to_thread(judged, settings()) == {Level.OK, Level.NOTE}
    assert Level.WRONG in await asyncio.to_thread(judged, Settings(**LIVE))  # type: ignore[arg-type]


def test_a_worker_is_known_by_its_beat(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO worker_beat VALUES ('here:1', 'model-7', clock_timestamp())")
    findings = {finding.subject: finding for finding in _database_findings(settings(database_url=database_url))}
    assert findings["worker"].level is Level.OK
    assert "model-7" in findings["worker"].words


def test_a_website_that_no_browser_would_call_so_is_told(database_url: str) -> None:
    lists = {
        "good": '["https://www.example.com", "http://localhost:3000/"]',
        "mixed": '["https://www.example.com", "www.example.com", "*"]',
        "single": '"https://www.example.com"',
    }
    with psycopg.connect(database_url) as connection:
        for slug, listed in lists.items():
            connection.execute(
                "INSERT INTO business (id, slug, name, default_locale, timezone, currency, policy, settings)"
                " VALUES (gen_random_uuid(), %s, 'A', 'en', 'Europe/Madrid', 'EUR', '{}', %s)",
                (slug, f'{{"chat_origins": {listed}}}'),
            )
    told = wrong(list(_database_findings(settings(database_url=database_url))))
    assert "mixed: entry 2, 3 is no website" in told
    assert "single: must be a list" in told
    assert "good" not in told


def test_redis_is_asked_for_its_version(redis_url: str) -> None:
    finding = _redis_finding(settings(redis_url=redis_url))
    assert finding.level is Level.OK
    assert re.search(r"Redis \d+\.\d+", finding.words)


def test_a_redis_that_does_not_answer_is_told_without_its_password() -> None:
    finding = _redis_finding(settings(redis_url=f"redis://:hidden@127.0.0.1:{free_port()}/0"))
    assert finding.level is Level.WRONG
    assert "hidden" not in finding.words


def test_a_free_port_is_well_and_a_taken_one_is_not() -> None:
    import socket

    port = free_port()
    assert _port_finding(settings(port=port)).level is Level.OK
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        finding = _port_finding(settings(port=port))
    assert finding.level is Level.WRONG
    assert f"Port {port}" in finding.words


MAIL = {"smtp_host": "localhost", "smtp_from": SENDER}


async def test_the_mail_server_is_asked_as_a_worker_does(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path, "localhost")
    known = MAIL | {"smtp_username": USER, "smtp_ca_file": str(certificate)}
    async with open_office(serving(certificate), auth=True) as office:
        for changes, level, words in (
            ({"smtp_password": PASSWORD}, Level.OK, "knows us"),
            ({"smtp_password": "guessed"}, Level.WRONG, "refuses us with 535"),
            ({"smtp_ca_file": ""}, Level.WRONG, "SSLCertVerificationError"),
        ):
            found = await asyncio.to_thread(_mail_finding, settings(**(known | {"smtp_port": office.port} | changes)))
            assert (found.level, words in found.words) == (level, True), found.words
            assert "guessed" not in found.words
    assert office.letters == []
    gone = await asyncio.to_thread(_mail_finding, settings(**(known | {"smtp_port": free_port()})))
    assert gone.level is Level.WRONG


def test_letters_in_the_open_are_refused() -> None:
    assert refused(**(GOOD | MAIL | {"smtp_from": "nobody"}))
    assert refused(**(GOOD | MAIL | {"smtp_security": "none", "smtp_username": USER}))
    elsewhere = settings(**(MAIL | {"smtp_host": "mail.example.org", "smtp_security": "none"}))
    assert "SMTP_SECURITY" in wrong(list(settings_findings(elsewhere)))
    assert "SMTP_SECURITY" not in wrong(list(settings_findings(settings(**(MAIL | {"smtp_security": "none"})))))
    assert not settings(**MAIL).sandbox  # a mail server is live: no stand-in beside it


def test_a_slip_in_the_name_of_a_setting_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PRT=8001\nTWILLIO_AUTH_TOKEN=x\nPOSTGRES_PASSWORD=x\nPORT=8001\nlog_level=debug\n")
    told = {finding.words for finding in settings_findings(settings()) if finding.subject == ".env"}
    assert told == {
        "PRT is no setting and counts for nothing; is PORT meant?",
        "TWILLIO_AUTH_TOKEN is no setting and counts for nothing; is TWILIO_AUTH_TOKEN meant?",
    }


def test_the_example_names_no_setting_that_is_none(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text()
    (tmp_path / ".env").write_text(re.sub(r"^# ([A-Z_]+=)", r"\1", example, flags=re.MULTILINE))
    assert misspelt() == []


def test_a_database_that_does_not_answer_is_told_with_its_reason() -> None:
    nowhere = settings(database_url="postgresql://nobody@127.0.0.1:1/x")
    told = wrong(list(_database_findings(nowhere)))
    assert "Connection refused" in told
    assert "Is the server running" not in told
