"""`threadbook credentials`: kept sealed, shown by their last characters, taken away; swapped rows are refused."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest

from booking_core.kit.db import Database
from bot import cli, credentials_command
from bot.credential_shapes import Provider, Unusable, checked, hints_of
from bot.doctor_vault import vault_findings
from bot.settings import Settings
from bot.vault import Vault, make_key
from channels.accounts import find_account
from tests.channels.builders import a_business

SID, TOKEN = "AC" + "0123456789abcdef" * 2, "fedcba9876543210" * 2
NUMBER = "+15550009999"
TWILIO = {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_SMS_NUMBER": NUMBER}
BOT = "987654321:" + "B" * 35
LIVE_KEY, SIGNING = "sk_live_" + "k" * 24, "whsec_" + "w" * 32
KEY = make_key()
#: What none of the outputs may hold.
HIDDEN = (SID, TOKEN, BOT, LIVE_KEY, SIGNING)

Tell = Callable[..., Awaitable[tuple[int, str, str]]]


@dataclass
class Two:
    """Two businesses, and what reads their rows from outside."""

    db: Database
    url: str
    ours: UUID
    theirs: UUID

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(statement, values)
            return found.fetchall() if found.description else []

    def slug(self, business: UUID) -> str:
        return str(self.rows("SELECT slug FROM business WHERE id = %s", business)[0][0])


@pytest.fixture
async def two(database: Database, database_url: str) -> Two:
    async with database.transaction() as session:
        ours = await a_business(session, "ours", accounts={})
        theirs = await a_business(session, "theirs", accounts={})
    return Two(database, database_url, ours.id, theirs.id)


@pytest.fixture
def told(two: Two, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tell:
    """Run the command in a thread of its own; returns code, output and what people read, free of secrets."""
    monkeypatch.setenv("DATABASE_URL", two.url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    monkeypatch.setenv("VAULT_KEYS", KEY)

    async def tell(*arguments: str, lines: dict[str, str] | str = "") -> tuple[int, str, str]:
        text = lines if isinstance(lines, str) else "".join(f"{name}={value}\n" for name, value in lines.items())
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        code = await asyncio.to_thread(cli.main, ["credentials", *arguments])
        out, err = capsys.readouterr()
        assert not [secret for secret in HIDDEN if secret in out + err]
        return code, out.strip(), err.strip()

    return tell


def of(two: Two, provider: str, business: UUID | None = None) -> list[str]:
    return ["--provider", provider, "--business", two.slug(business or two.ours)]


async def test_they_are_kept_sealed_listed_by_their_ends_and_removed(two: Two, told: Tell) -> None:
    code, words, _ = await told("set", *of(two, "twilio"), lines=TWILIO)
    assert (code, words.split(": ", 1)[1].split(" (")[0]) == (0, "twilio is kept")
    assert "/webhooks/sms" in words.splitlines()[1]
    ((kind, secret, hints),) = two.rows("SELECT kind, secret, hints FROM credential")
    assert (kind, hints["twilio_sms_number"]) == ("twilio", NUMBER)
    assert hints["twilio_auth_token"] == f"…{TOKEN[-4:]}"
    assert not [part for part in (SID, TOKEN, NUMBER) if part.encode() in secret]
    assert json.loads(Vault.of(KEY).open(secret, two.ours, "twilio"))["twilio_auth_token"] == TOKEN
    async with two.db.transaction() as session:
        account = await find_account(session, "sms", NUMBER)
    assert account is not None
    assert account.business_id == two.ours
    _, listed, _ = await told("list")
    assert listed.startswith(f"{two.slug(two.ours)}  twilio  since 20")
    assert f"TWILIO_AUTH_TOKEN …{TOKEN[-4:]}" in listed
    assert await told("list", "--business", two.slug(two.theirs)) == (0, "", "")
    assert (await told("list", "--business", "nobody"))[0] == 1
    assert (await told("remove", *of(two, "twilio")))[0] == 0
    assert two.rows("SELECT 1 FROM credential") == []
    assert (await told("remove", *of(two, "twilio")))[0] == 1


async def test_the_environment_gives_them_under_names_of_their_own(
    two: Two, told: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_" + "s" * 24)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_" + "s" * 24)
    assert (await told("set", *of(two, "stripe"), "--from-env"))[0] == 2, "the system's own are not given away"
    monkeypatch.setenv("BUSINESS_STRIPE_SECRET_KEY", LIVE_KEY)
    monkeypatch.setenv("BUSINESS_STRIPE_WEBHOOK_SECRET", SIGNING)
    assert (await told("set", *of(two, "stripe"), "--from-env"))[0] == 0
    ((secret,),) = two.rows("SELECT secret FROM credential")
    assert json.loads(Vault.of(KEY).open(secret, two.ours, "stripe"))["stripe_secret_key"] == LIVE_KEY


async def test_a_telegram_bot_gets_a_secret_of_ours(two: Two, told: Tell) -> None:
    assert (await told("set", *of(two, "telegram"), lines={"TELEGRAM_TOKEN": BOT}))[0] == 0
    ((secret,),) = two.rows("SELECT secret FROM credential")
    assert len(json.loads(Vault.of(KEY).open(secret, two.ours, "telegram"))["telegram_secret"]) >= 32
    assert two.rows("SELECT business_id FROM channel_account WHERE address = '987654321'") == [(two.ours,)]


async def test_a_new_value_takes_the_old_ones_place(two: Two, told: Tell) -> None:
    await told("set", *of(two, "twilio"), lines=TWILIO)
    before = two.rows("SELECT secret, created_at, updated_at FROM credential")[0]
    await told("set", *of(two, "twilio"), lines=TWILIO | {"TWILIO_AUTH_TOKEN": "0" * 32})
    after = two.rows("SELECT secret, created_at, updated_at FROM credential")[0]
    assert json.loads(Vault.of(KEY).open(after[0], two.ours, "twilio"))["twilio_auth_token"] == "0" * 32
    assert after[1] == before[1]
    assert after[2] > before[2]


@pytest.mark.parametrize(
    ("provider", "lines", "words"),
    [
        ("twilio", TWILIO | {"TWILIO_ACCOUNT_SID": "AC1"}, "TWILIO_ACCOUNT_SID does not look like one"),
        ("twilio", TWILIO | {"TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN is missing"),
        ("twilio", TWILIO | {"TWILIO_SMS_NUMBER": ""}, "TWILIO_SMS_NUMBER or TWILIO_WHATSAPP_NUMBER is needed"),
        ("twilio", TWILIO | {"TWILIO_SMS_NUMBER": "٢٣٤"}, "TWILIO_SMS_NUMBER does not look like one"),
        ("telegram", {"TELEGRAM_TOKEN": BOT, "TELEGRAM_SECRET": "short"}, "must have at least 20 characters"),
        ("telegram", {"TELEGRAM_TOKEN": "x"}, "TELEGRAM_TOKEN does not look like one"),
        ("stripe", {"STRIPE_SECRET_KEY": LIVE_KEY}, "STRIPE_WEBHOOK_SECRET is missing"),
        ("stripe", {"SOMETHING": LIVE_KEY}, "Lines are NAME=value"),
        ("stripe", LIVE_KEY, "Lines are NAME=value"),
    ],
)
async def test_what_is_none_is_not_kept(
    two: Two, told: Tell, provider: str, lines: dict[str, str] | str, words: str
) -> None:
    code, out, err = await told("set", *of(two, provider), lines=lines)
    assert (code, out) == (2, "")
    assert words in err
    assert two.rows("SELECT 1 FROM credential") == []


async def test_anothers_number_is_not_taken(two: Two, told: Tell) -> None:
    await told("set", *of(two, "twilio"), lines=TWILIO)
    code, _, err = await told("set", *of(two, "twilio", two.theirs), lines=TWILIO)
    assert (code, err) == (1, "Another business has this address on sms. Nothing was kept.")
    assert two.rows("SELECT business_id FROM credential") == [(two.ours,)]


async def test_without_a_key_nothing_is_kept(two: Two, told: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_KEYS", "")
    code, _, err = await told("set", *of(two, "twilio"), lines=TWILIO)
    assert (code, err) == (1, "VAULT_KEYS is not set: `threadbook credentials key` makes a key.")
    assert two.rows("SELECT 1 FROM channel_account") == []


async def test_a_key_is_made_where_nothing_is_set_yet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert cli.main(["credentials", "key"]) == 0
    assert Vault.of(capsys.readouterr().out.strip()).has_key


async def test_sealed_anew_the_old_key_may_go(two: Two, told: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    await told("set", *of(two, "twilio"), lines=TWILIO)
    before = two.rows("SELECT updated_at FROM credential")
    new = make_key()
    monkeypatch.setenv("VAULT_KEYS", f"{new},{KEY}")
    assert findings(two, f"{new},{KEY}") == [
        "note 1 are sealed with an older key: run `threadbook credentials reseal`."
    ]
    assert (await told("reseal"))[1] == "1 sealed anew with the first of VAULT_KEYS."
    assert (await told("reseal"))[1] == "0 sealed anew with the first of VAULT_KEYS."
    assert findings(two, new) == ["ok 1 credentials of businesses are kept sealed."]
    assert two.rows("SELECT updated_at FROM credential") == before


async def test_the_doctor_tells_what_cannot_be_read_and_whose(two: Two, told: Tell) -> None:
    assert findings(two, "")[0].startswith("note VAULT_KEYS is not set")
    assert findings(two, KEY) == ["ok There is a key; no business has credentials of its own."]
    await told("set", *of(two, "twilio"), lines=TWILIO)
    assert findings(two, KEY) == ["ok 1 credentials of businesses are kept sealed."]
    assert "note The sandbox stands in" in findings(two, KEY, sandbox_off=False)[0]
    for keys, words in (("", "VAULT_KEYS is not set"), (make_key(), "is not among VAULT_KEYS")):
        (told_of,) = findings(two, keys)
        assert told_of.startswith(f"WRONG {two.slug(two.ours)}'s own credentials for twilio cannot be read.")
        assert words in told_of
        assert KEY not in told_of


async def test_a_row_copied_to_another_business_is_refused(two: Two, told: Tell) -> None:
    await told("set", *of(two, "twilio"), lines=TWILIO)
    two.rows(
        "INSERT INTO credential SELECT %s, kind, secret, hints, created_at, updated_at FROM credential", two.theirs
    )
    wrong = [line for line in findings(two, KEY) if line.startswith("WRONG")]
    assert [line.split("'s own")[0] for line in wrong] == [f"WRONG {two.slug(two.theirs)}"]
    assert "It is not what was sealed" in wrong[0]


def findings(two: Two, keys: str, *, sandbox_off: bool = True) -> list[str]:
    settings = Settings(
        _env_file=None,
        database_url=two.url,
        redis_url="redis://x/0",
        secret_key="x" * 40,
        vault_keys=keys,
        sandbox_off=sandbox_off,
    )
    with psycopg.connect(two.url) as connection:
        return [f"{one.level} {one.words}" for one in vault_findings(connection, settings)]


def test_at_a_terminal_each_is_asked_for_and_what_is_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def typed(words: str) -> str:
        asked.append(words)
        return TWILIO.get(words.split()[0].rstrip(":"), "")

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", typed)
    monkeypatch.setattr("builtins.input", lambda words: NUMBER if "SMS" in words else "")
    given = credentials_command._given(Provider.TWILIO, from_env=False)
    assert checked(Provider.TWILIO, given) == {name.lower(): value for name, value in TWILIO.items()}
    assert asked == ["TWILIO_ACCOUNT_SID: ", "TWILIO_AUTH_TOKEN: ", "TWILIO_MESSAGING_SERVICE_SID (may be empty): "]


@pytest.mark.parametrize("provider", list(Provider))
def test_no_fault_shows_what_was_given(provider: Provider) -> None:
    given = dict.fromkeys(
        ["twilio_account_sid", "twilio_auth_token", "telegram_token", "stripe_secret_key"], "hidden value"
    )
    with pytest.raises(Unusable) as refused:
        checked(provider, given)
    assert "hidden" not in str(refused.value)


def test_of_what_is_short_nothing_is_shown() -> None:
    assert hints_of({"telegram_secret": "abcdefgh", "twilio_sms_number": NUMBER}) == {
        "telegram_secret": "…",
        "twilio_sms_number": NUMBER,
    }
