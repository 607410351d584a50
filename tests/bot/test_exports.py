"""The commands that load businesses and write them, as somebody at a terminal calls them."""

import asyncio
import os
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from booking_core.kit.db import Database
from bot.cli import main
from channels.contract import IncomingMessage, ProviderId
from channels.models import ChannelAccount
from channels.receive import receive
from tests.booking_core.seeds import SAMPLES
from tests.channels.builders import NOW


@pytest.fixture
def terminal(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    return tmp_path


def test_every_sample_is_loaded_and_written(terminal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for sample in SAMPLES:
        assert main(["seed", str(sample)]) == 0
    said = capsys.readouterr()
    for sample in SAMPLES:
        assert f"/chat/{sample.stem}\n" in said.out
        assert f"owner@{sample.stem}.example" in said.out
    # One installation, one number: it belongs to the first.
    assert said.err.count("Another business here has the address for sms") == len(SAMPLES) - 1
    for sample in SAMPLES:
        out = terminal / f"{sample.stem}-copy.yml"
        assert main(["export", "business", sample.stem, "--out", str(out)]) == 0
        assert main(["export", "business", sample.stem]) == 0
        assert capsys.readouterr().out == out.read_text()
        assert main(["seed", str(out)]) == 0
        capsys.readouterr()


def test_what_a_customer_agreed_to_is_written(terminal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seed", str(SAMPLES[0])]) == 0
    slug = SAMPLES[0].stem

    async def write() -> None:
        database = Database(os.environ["DATABASE_URL"], pool_size=1)
        async with database.transaction() as session:
            account = (await session.scalars(select(ChannelAccount).where(ChannelAccount.channel == "web"))).one()
            incoming = IncomingMessage(account.address, "a-browser", ProviderId("W1"), "hello")
            await receive(session, "web", [incoming], now=NOW)
        await database.close()

    asyncio.run(write())
    capsys.readouterr()
    out = terminal / "agreed.yml"
    assert main(["export", "consents", slug, "a-browser", "--out", str(out)]) == 0
    assert main(["export", "consents", slug, "a-browser"]) == 0
    assert capsys.readouterr().out == out.read_text()
    (thread,) = yaml.safe_load(out.read_text())["threads"]
    assert [(one["wish"], one["how"], one["message"]) for one in thread["notes"]] == [("in", "wrote", "W1")]
    assert main(["export", "consents", slug, "nobody"]) == 1
    assert main(["export", "consents", "nowhere", "nobody"]) == 1
    assert capsys.readouterr().err == "There is no customer nobody there.\nThere is no business called nowhere.\n"


def test_what_cannot_be_done_is_said(terminal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "business", "nobody"]) == 1
    assert "no business called nobody" in capsys.readouterr().err
    assert main(["seed", "missing.yml"]) == 1
    assert capsys.readouterr().err == "missing.yml cannot be read: No such file or directory.\n"
    assert main(["seed", str(terminal)]) == 1
    assert capsys.readouterr().err == f"{terminal} cannot be read: Is a directory.\n"
    (terminal / "empty.yml").touch()
    assert main(["seed", "empty.yml"]) == 1
    assert capsys.readouterr().err == "empty.yml:1: the file is empty\n"
