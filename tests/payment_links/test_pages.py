"""The pages after Stripe's: words only, no power."""

import httpx
import pytest
from fastapi import FastAPI

from bot.words import Words
from payment_links.pages import router_for


@pytest.fixture
def browser() -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(router_for(Words()))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")


@pytest.mark.parametrize(
    ("path", "language", "words"),
    [
        ("/pay/thanks", "en", "You can close this page and return to your messages."),
        ("/pay/thanks?locale=es-MX", "es", "Puedes cerrar esta página y volver a tus mensajes."),
        ("/pay/back?locale=es", "es", "No se ha cobrado nada"),
        ("/pay/expired?locale=en-GB", "en", "This payment link has ended"),
        ("/pay/back?locale=tlh", "en", "Nothing was charged"),
        ("/pay/back?locale=<script>", "en", "Nothing was charged"),
    ],
)
async def test_a_page_speaks_the_customers_language(
    browser: httpx.AsyncClient, path: str, language: str, words: str
) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert words in answer.text
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_there_are_no_other_pages(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/pay/anything")).status_code == 404
    assert (await browser.get("/pay/landing.css")).headers["content-type"].startswith("text/css")
