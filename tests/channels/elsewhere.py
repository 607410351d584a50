"""A salon's own website: another origin than ours, with a policy that lets nothing in but us."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from tests.channels.test_web_socket import serve

#: What a salon's website has that a widget must not be touched by, nor touch.
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Marigold Studio</title>
<link rel="stylesheet" href="/site.css">
<script src="{chat}/chat/widget.js" data-business="{business}" {more} async></script>
</head>
<body>
<main><h1>Marigold Studio</h1><p>Hair, with time for you.</p>
<p><button type="button" data-threadbook-open>Book now</button> <a href="#prices">Prices</a></p></main>
</body></html>"""
STYLE = """html { font-size: 62.5%; }
body { font: 2rem/1.6 Georgia, serif; margin: 4rem; background: #fdf6f0; color: #333; }
button { text-transform: uppercase; background: hotpink; border-radius: 0; } div, section { float: left; }
p { margin: 3em; letter-spacing: .1em; } * { color: #333; }
@media (prefers-color-scheme: dark) { body { background: #241c18; } * { color: #eee; } button { color: #333; } }"""


def policy(chat: str, *, sockets: bool) -> str:
    """The strictest policy under which a chat can be: our script and our connections, nothing else."""
    socket = chat.replace("http", "ws", 1) if sockets else ""
    return (
        f"default-src 'none'; script-src {chat}; connect-src {chat} {socket}; style-src 'self'; base-uri 'none';"
        " form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


@asynccontextmanager
async def website(chat: str) -> AsyncIterator[str]:
    """Serve the website and return its origin.

    `?business=` and `?more=` fill its snippet, `?twice` has it twice, `?nosockets` forbids sockets.
    """
    app = FastAPI()

    @app.get("/")
    async def home(request: Request) -> HTMLResponse:
        asked = request.query_params
        page = PAGE.format(chat=chat, business=asked.get("business", "marigold"), more=asked.get("more", ""))
        if "twice" in asked:
            page = page.replace("</head>", page[page.index("<script") : page.index("</head>")] + "</head>")
        return HTMLResponse(page, headers={"Content-Security-Policy": policy(chat, sockets="nosockets" not in asked)})

    @app.get("/site.css")
    async def style() -> HTMLResponse:
        return HTMLResponse(STYLE, media_type="text/css")

    async with serve(app) as address:
        # A name instead of the number: another site, not only another port.
        yield f"http://localhost:{address.rpartition(':')[2]}"
