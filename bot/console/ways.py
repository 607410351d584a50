"""How customers reach a business: a link for each of its addresses, and the code that a camera reads it from."""

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

import phonenumbers
import segno
from markupsafe import Markup, escape

from channels.models import ChannelAccount
from channels.web_origins import read_origin

#: In which order they are shown: what most people have comes first.
ORDER = ("whatsapp", "sms", "telegram", "web")
#: Behind Telegram's /start: makes its button appear whenever the link is opened. It is nobody's token, and joins nobody
#: to anybody; those are made for one customer each (`channels/thread_links.py`).
TELEGRAM_START = "hello"
#: Modules of white around a code; with fewer many cameras find no code (ISO/IEC 18004, 9.1).
QUIET = 4
#: Pixels of one module in a picture: a code of usual length is about 1,000 wide, enough for a window or a post.
PNG_SCALE = 20
_NUMBER = re.compile(r"\+?[0-9]{3,15}")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to write to a business."""

    account_id: UUID
    channel: str
    #: What is opened, copied and encoded; empty where it is not known yet.
    link: str
    #: The address as people read it: `+34 600 11 12 22`, `@marigold_bot`, `chat.example.com/chat/marigold`.
    shown: str
    #: Of a web chat: the line for the business's own website.
    snippet: str = ""


def ways_for(accounts: Iterable[ChannelAccount], *, base_url: str, greeting: str) -> list[Way]:
    """Return the ways to a business by its accounts; `greeting` is what WhatsApp has ready to send.

    What customers cannot write to (a mailbox that only sends, a sender without a number) is left out.
    """
    found = [way for one in accounts if (way := _way(one, base_url, greeting)) is not None]
    return sorted(found, key=lambda way: ORDER.index(way.channel))


def _way(account: ChannelAccount, base_url: str, greeting: str) -> Way | None:
    address = account.address.removeprefix("whatsapp:")
    match account.channel:
        case "sms" if _NUMBER.fullmatch(address):
            # No text in it: phones do not agree on how a link says one.
            return Way(account.id, "sms", f"sms:{address}", spaced(address))
        case "whatsapp" if _NUMBER.fullmatch(address):
            link = f"https://wa.me/{address.removeprefix('+')}?text={quote(greeting, safe='')}"
            return Way(account.id, "whatsapp", link, spaced(address))
        case "telegram":
            name = account.handle or ""
            link = f"https://t.me/{quote(name, safe='')}?start={TELEGRAM_START}" if name else ""
            return Way(account.id, "telegram", link, f"@{name}" if name else "")
        case "web":
            link = f"{base_url}/chat/{quote(account.address, safe='')}"
            script = (
                f'<script src="{base_url}/chat/widget.js" data-business="{escape(account.address)}" async></script>'
            )
            return Way(account.id, "web", link, link.partition("://")[2], script)
        case _:
            return None


def websites(settings: Mapping[str, object]) -> list[str]:
    """Return the websites that may show a business's chat; what is listed and is none is left out."""
    listed = settings.get("chat_origins")
    return [site for one in (listed if isinstance(listed, list) else ()) if (site := read_origin(one))]


def spaced(number: str) -> str:
    """Return a number as its country writes it; a short code as it is."""
    try:
        return str(phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL))
    except phonenumbers.NumberParseException:
        return number


def code_in_page(link: str) -> Markup:
    """Return a link's code as an SVG element: black on white in every scheme, since cameras want that."""
    return Markup(  # noqa: S704 - drawn here: numbers and letters of a path
        _code(link).svg_inline(omitsize=True, dark="#000", light="#fff", border=QUIET, svgclass="qr", lineclass=None)
    )


def code_as_svg(link: str) -> bytes:
    """Return a link's code as a file for a printer."""
    return _file(link, kind="svg", scale=PNG_SCALE, light="#fff", border=QUIET, svgclass=None, lineclass=None)


def code_as_png(link: str) -> bytes:
    """Return a link's code as a picture for a post or a page."""
    return _file(link, kind="png", scale=PNG_SCALE, border=QUIET)


def _code(link: str) -> segno.QRCode:
    # `m` can be read with a seventh of it gone, which a sheet on a counter soon has; more where it costs nothing.
    return segno.make_qr(link, error="m", boost_error=True)


def _file(link: str, **options: Any) -> bytes:
    out = io.BytesIO()
    _code(link).save(out, **options)
    return out.getvalue()
