"""A customer's end of a thread: a sandbox phone, or a browser in the web chat."""

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

import httpx

#: Generous: the suite may share its machine; a reply usually takes 0.1 s.
PATIENCE = 20.0


class Phone(Protocol):
    """What a conversation needs of a channel."""

    channel: str

    async def say(self, text: str) -> None: ...
    async def choose(self, message: dict[str, Any], choice: dict[str, Any]) -> None: ...
    async def hear(self) -> dict[str, Any]: ...
    async def silence(self, seconds: float) -> list[dict[str, Any]]: ...


@dataclass
class SandboxPhone:
    """A stand-in phone: words and taps become signed webhooks to the real adapter."""

    http: httpx.AsyncClient
    channel: str
    address: str
    seen: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)

    @property
    def _base(self) -> str:
        return f"/sandbox/phones/{self.channel}/{self.address}"

    async def say(self, text: str) -> None:
        answer = await self.http.post(f"{self._base}/say", json={"text": text})
        assert answer.is_success, answer.text

    async def choose(self, message: dict[str, Any], choice: dict[str, Any]) -> None:
        if choice["id"] in message.get("numbers", ()):
            await self.say(choice["id"])
            return
        body = {"message": message["n"], "choice": choice["id"]}
        answer = await self.http.post(f"{self._base}/tap", json=body)
        assert answer.is_success, answer.text

    async def _fetch(self) -> None:
        answer = await self.http.get(f"{self._base}/messages", params={"after": self.seen})
        for message in answer.json()["messages"]:
            self.seen = max(self.seen, message["n"])
            if not message.get("choices"):
                # A text message has no buttons, nor has WhatsApp for long choices: they are numbered.
                numbered = re.findall(r"^(\d+)[.)]? (.+)$", message["text"], re.MULTILINE)
                message["choices"] = [{"id": number, "label": label} for number, label in numbered]
                message["numbers"] = [number for number, _ in numbered]
            if message.get("from", "business") not in {"customer", "me"}:
                self.waiting.append(message)

    async def hear(self) -> dict[str, Any]:
        return await _first(self)

    async def silence(self, seconds: float) -> list[dict[str, Any]]:
        await asyncio.sleep(seconds)
        await self._fetch()
        return self.waiting


@dataclass
class WebPhone:
    """A browser, by the web chat's own HTTP."""

    http: httpx.AsyncClient
    locale: str
    channel: str = "web"
    token: str | None = None
    seen: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)

    async def _headers(self) -> dict[str, str]:
        if self.token is None:
            answer = await self.http.post("/chat/session", json={"locale": self.locale})
            assert answer.is_success, answer.text
            self.token = answer.json()["token"]
        return {"Authorization": f"Bearer {self.token}"}

    async def say(self, text: str) -> None:
        await self._send({"client_id": str(uuid4()), "text": text})

    async def choose(self, message: dict[str, Any], choice: dict[str, Any]) -> None:
        await self._send({"client_id": str(uuid4()), "choice": choice["id"]})

    async def _send(self, body: dict[str, str]) -> None:
        answer = await self.http.post("/chat/messages", json=body, headers=await self._headers())
        while answer.status_code == 429:
            # A script writes faster than any customer: wait as the page does.
            await asyncio.sleep(answer.json()["retry_after"])
            answer = await self.http.post("/chat/messages", json=body, headers=await self._headers())
        assert answer.status_code == 202, answer.text

    async def _fetch(self) -> None:
        answer = await self.http.get(
            "/chat/messages", params={"after": self.seen, "wait": 0}, headers=await self._headers()
        )
        for message in answer.json()["messages"]:
            self.seen = max(self.seen, message["seq"])
            if message["from"] != "customer":
                self.waiting.append(message)

    async def hear(self) -> dict[str, Any]:
        return await _first(self)

    async def silence(self, seconds: float) -> list[dict[str, Any]]:
        await asyncio.sleep(seconds)
        await self._fetch()
        return self.waiting


async def _first(phone: SandboxPhone | WebPhone) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not phone.waiting:
            await phone._fetch()
        if phone.waiting:
            return phone.waiting.pop(0)
        await asyncio.sleep(0.05)
    raise AssertionError("no reply came")
