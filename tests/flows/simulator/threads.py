"""A browser's end of a thread with one business, by the web chat's own HTTP."""

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

#: Nobody answers for so long: the talk is dead.
SILENCE = 60.0
#: A kept connection was closed just as it was used again; a browser tries again, too.
_DROPPED = (httpx.RemoteProtocolError, httpx.ReadError)


class Silent(Exception):
    """No reply came."""


@dataclass
class Thread:
    http: httpx.AsyncClient
    token: str
    seen: int = 0
    answer_times: list[float] = field(default_factory=list)
    _asked_at: float = 0.0

    @classmethod
    async def begin(cls, http: httpx.AsyncClient, business: str, locale: str) -> "Thread":
        answer = await _patiently(http, "/chat/session", {"locale": locale, "business": business}, {})
        return cls(http, answer.json()["token"])

    @property
    def address(self) -> str:
        """Return the thread's address in the database: a token is kept as its hash only."""
        return hashlib.sha256(self.token.encode()).hexdigest()

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def say(self, text: str) -> None:
        await self._send({"text": text})

    async def tap(self, choice: str) -> None:
        await self._send({"choice": choice})

    async def _send(self, what: dict[str, str]) -> None:
        self._asked_at = time.monotonic()
        await _patiently(self.http, "/chat/messages", what | {"client_id": str(uuid4())}, self._headers)

    async def hear(self) -> list[dict[str, Any]]:
        """Return what was said since, once nobody types any more; raises Silent."""
        until = time.monotonic() + SILENCE
        heard: list[dict[str, Any]] = []
        while time.monotonic() < until:
            news = await self._news(wait=0 if heard else 5)
            self.seen = max([self.seen, *(message["seq"] for message in news["messages"])])
            heard += [message for message in news["messages"] if message["from"] != "customer"]
            if heard and not news["typing"]:
                self.answer_times.append(time.monotonic() - self._asked_at)
                return heard
            if heard:
                await asyncio.sleep(0.1)
        raise Silent

    async def _news(self, wait: int) -> dict[str, Any]:
        params = {"after": self.seen, "wait": wait}
        while True:
            try:
                answer = await self.http.get("/chat/messages", params=params, headers=self._headers)
            except _DROPPED:
                await asyncio.sleep(0.1)
                continue
            news: dict[str, Any] = answer.raise_for_status().json()
            return news


async def _patiently(
    http: httpx.AsyncClient, address: str, body: dict[str, str], headers: dict[str, str]
) -> httpx.Response:
    """Post, and wait where we are told to slow down: so do people who type."""
    while True:
        try:
            answer = await http.post(address, json=body, headers=headers)
        except _DROPPED:
            await asyncio.sleep(0.1)
            continue  # the same `client_id` again changes nothing
        if answer.status_code != 429:
            answer.raise_for_status()
            return answer
        await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
