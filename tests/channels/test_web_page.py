"""The chat page as it is served: its language, its policy, its weight."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

import channels
from booking_core.kit.db import Database
from bot.words import Words
from channels.web_page import Shop, page_assets, page_words
from tests.channels.webshop import chat_app, open_shop

PAGES = Path(channels.__file__).parent / "pages"


@pytest.fixture
async def browser(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    await open_shop(database)
    transport = httpx.ASGITransport(chat_app(database))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        yield client


def scripts() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted(PAGES.glob("*.js")))


def settings_of(page: str) -> dict[str, str]:
    found = re.search(r'<script type="application/json" id="settings">(.*?)</script>', page)
    assert found
    settings: dict[str, str] = json.loads(found[1])
    return settings


@pytest.mark.parametrize(
    ("asked", "accepted", "language", "locale"),
    [
        ("", "en-GB,en;q=0.9", "en", "en-GB"),
        ("", "es-MX,es;q=0.9,en;q=0.8", "es", "es-MX"),
        ("?lang=es", "en-GB", "es", "es"),
        ("?lang=xx", "tlh", "en", "en"),
        ("", "tlh, es;q=0.5", "es", "es"),
        ("?lang=en-%3Cscript%3E", "", "en", "en"),
        ("", "", "en", "en"),
    ],
)
async def test_the_page_speaks_the_readers_language(
    browser: httpx.AsyncClient, asked: str, accepted: str, language: str, locale: str
) -> None:
    answer = await browser.get(f"/chat/marigold{asked}", headers={"Accept-Language": accepted})
    assert answer.status_code == 200
    assert f'<html lang="{language}" dir="ltr">' in answer.text
    assert settings_of(answer.text)["locale"] == locale


async def test_a_name_is_text_whatever_it_holds(browser: httpx.AsyncClient, database: Database) -> None:
    evil = "</script><script>alert(1)</script>{0} \"&'"
    async with database.transaction() as session:
        await session.execute(text("UPDATE business SET name = :name"), {"name": evil})
    page = (await browser.get("/chat/marigold")).text
    assert "<script>alert" not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page


async def test_no_script_of_others_runs(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/chat/marigold")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*(src=|application/json))", answer.text)
    assert " on" not in re.sub(r">[^<]*<", "><", answer.text).replace(" online", "")


async def test_what_the_page_loads_changes_its_address_with_its_content(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/chat/marigold")).text
    for name in ("chat.css", "chat.js"):
        found = re.search(rf"/chat/assets/{re.escape(name)}\?v=\w+", page)
        assert found
        asset = await browser.get(found[0])
        assert "immutable" in asset.headers["Cache-Control"]
        assert "immutable" not in (await browser.get(f"/chat/assets/{name}?v=old")).headers["Cache-Control"]
    assert (await browser.get("/chat/assets/other.js")).status_code == 404


async def test_there_is_no_page_of_a_business_that_is_not_there(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/chat/nobody")).status_code == 404


def test_the_page_stays_light() -> None:
    assets = page_assets().values()
    assert sum(len(asset.content) for asset in assets) < 32_000
    assert sum(len(asset.packed) for asset in assets) < 11_000


def test_every_word_of_the_script_is_in_the_catalogs() -> None:
    script = scripts()
    template = (PAGES / "chat.html").read_text(encoding="utf-8")
    used = set(re.findall(r"\bwords\.([a-z_]+)", script + template)) | set(re.findall(r'"(try_\w+)"', script))
    used |= set(re.findall(r'words\["([\w.]+)"\]', script))
    used |= {f"from_{who}" for who in ("you", "bot", "staff")} | {
        f"card.{row}" for row in ("place", "price", "reference")
    }
    used |= {f"card.{act}" for act in re.findall(r'"(\w+)"', script[script.index("const CARDS") :].split(";")[0])}
    used.add("language")  # says that there are words of the chat in a language
    words = Words()
    for language in words.languages:
        if "chat.language" in words.keys(language):
            known = page_words(words, language, Shop("Marigold", "en"), 2000)
            assert used == set(known), language


def test_nothing_is_ever_set_as_html() -> None:
    script = scripts()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script)


def test_both_languages_say_the_same_things() -> None:
    words = Words()
    chat = [{key for key in words.keys(language) if key.startswith("chat.")} for language in ("en", "es")]
    assert chat[0] == chat[1]
