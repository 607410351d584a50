"""What browsers load: kept by hand in `pages/`, put together and made smaller when the web process starts."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import Request, Response

_HERE: Final = Path(__file__).resolve().parent / "pages"
_ROOT_FONT: Final = 16


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served, and its short digest."""

    content: bytes
    packed: bytes
    media_type: str
    version: str

    @classmethod
    def of(cls, text: str, media_type: str) -> "Asset":
        """Return the asset of a text."""
        content = text.encode()
        return cls(content, gzip.compress(content, mtime=0), media_type, hashlib.sha256(content).hexdigest()[:12])

    def response(self, request: Request, **headers: str) -> Response:
        """Return the file, packed for whoever takes that, or 304 for whoever has it."""
        tag = f'W/"{self.version}"'
        headers |= {"ETag": tag, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
        if tag in request.headers.get("If-None-Match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return Response(self.packed, media_type=self.media_type, headers=headers | {"Content-Encoding": "gzip"})
        return Response(self.content, media_type=self.media_type, headers=headers)


def script(*names: str, before: str = "") -> str:
    """Return files of `pages/` as one script that leaves nothing in the page's own scope."""
    return f'"use strict";(()=>{{\n{before}{"".join(_script(name) for name in names)}}})();\n'


def style(*names: str) -> str:
    """Return files of `pages/` as one style."""
    return "".join(_style(name) for name in names)


def in_pixels(css: str) -> str:
    """Return a style whose sizes do not follow the page around it: its `rem` is whatever that page says it is."""
    return re.sub(r"(\d*\.?\d+)rem\b", lambda found: f"{float(found[1]) * _ROOT_FONT:g}px", css)


def _script(name: str) -> str:
    """Drop indentation, comments, needless spaces and ends of lines.

    That is plain text work: no string or template goes over several lines, or has spaces beside `=`, `+`, `{` and the
    like that matter.
    """
    text = (_HERE / f"{name}.js").read_text(encoding="utf-8")
    text = re.sub(r"^[ \t]*(//.*)?\n?|[ \t]+// .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r" (=>|[<>!]=|={1,3}|&&|\|\||\?\?|[-+*/<>?:]) | ?([{}]) ?", r"\1\2", text)
    return re.sub(r"([;{,(\[])\n", r"\1", text)


def _style(name: str) -> str:
    text = re.sub(r"\s+", " ", (_HERE / f"{name}.css").read_text(encoding="utf-8"))
    return re.sub(r"([{};,:]) ", r"\1", text).replace(" {", "{").replace(";}", "}")
