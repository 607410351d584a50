"""Many senders at once, each waiting for its answer before it writes again: raw HTTP, so that sending costs little."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, cycle
from urllib.parse import urlencode
from uuid import uuid4

from twilio.request_validator import RequestValidator

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from channels.access import TelegramAccess, TwilioAccess
from channels.web_threads import find_account, open_thread

#: So many messages a number writes before the next one does: most of a conversation's are not its first.
A_THREAD = 4
_numbers = count(1)

#: Returns path, headers and body of the next message of a sender's `n`-th thread.
Writer = Callable[[int], tuple[str, dict[str, str], bytes]]


def sms_writer(access: TwilioAccess) -> Writer:
    """Return who writes as Twilio does, signed."""
    signer = RequestValidator(access.auth_token)
    url = f"{access.webhook_base}/webhooks/sms"

    def write(thread: int) -> tuple[str, dict[str, str], bytes]:
        form = {
            "MessageSid": f"SM{uuid4().hex}",
            "AccountSid": access.account_sid,
            "From": f"+34{thread:09d}",
            "To": access.sms_number,
            "Body": "can Ana do a haircut tomorrow after 4?",
            "NumMedia": "0",
            "NumSegments": "1",
            "FromCountry": "ES",
            "ApiVersion": "2010-04-01",
        }
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signer.compute_signature(url, form),
        }
        return "/webhooks/sms", headers, urlencode(form).encode()

    return write


def telegram_writer(access: TelegramAccess) -> Writer:
    """Return who writes as Telegram does, with the secret."""
    headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": access.secret}

    def write(thread: int) -> tuple[str, dict[str, str], bytes]:
        number = next(_numbers)
        person = {"id": thread, "is_bot": False, "first_name": "Maria", "language_code": "es"}
        message = {
            "message_id": number,
            "date": 1_800_000_000,
            "from": person,
            "chat": {"id": thread, "type": "private", "first_name": "Maria"},
            "text": "can Ana do a haircut tomorrow after 4?",
        }
        return "/webhooks/telegram", headers, json.dumps({"update_id": number, "message": message}).encode()

    return write


async def open_threads(url: str, wanted: int) -> list[str]:
    """Begin threads of web chat, and return their tokens: pages begin them before anybody writes."""
    db = Database(url, pool_size=1)
    try:
        async with db.transaction() as session:
            account = await find_account(session, None)
            if account is None:
                raise LookupError("no business has web chat")
            now = await current_time(session)
            return [await open_thread(session, account, "es", now=now) for _ in range(wanted)]
    finally:
        await db.close()


def web_writer(tokens: Sequence[str]) -> Writer:
    """Return who writes as a page of ours does, with a thread's token; there must be more than write in ten seconds."""
    unused = cycle(tokens)
    token_of: dict[int, str] = {}

    def write(thread: int) -> tuple[str, dict[str, str], bytes]:
        if thread not in token_of:
            token_of[thread] = next(unused)
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {token_of[thread]}",
            "Origin": "http://127.0.0.1",
        }
        body = {"client_id": uuid4().hex, "text": "can Ana do a haircut tomorrow after 4?"}
        return "/chat/messages", headers, json.dumps(body).encode()

    return write


@dataclass(frozen=True)
class Sent:
    """What came of a round: seconds until each answer, and how long the round took."""

    waits: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Messages acknowledged per second."""
        return len(self.waits) / self.seconds


async def send_for(seconds: float, port: int, write: Writer, *, senders: int) -> Sent:
    """Let so many senders write for so long; any answer but 200 and 202 ends the measurement."""
    waits: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(_sender(began + seconds, port, write, waits) for _ in range(senders)))
    return Sent(waits, time.perf_counter() - began)


async def _sender(until: float, port: int, write: Writer, waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    thread = 0
    try:
        for number in count():
            if number % A_THREAD == 0:
                thread = next(_numbers)
            path, headers, body = write(thread)
            lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            began = time.perf_counter()
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await _acknowledged(reader)
            ended = time.perf_counter()
            waits.append(ended - began)
            if ended > until:
                return
    finally:
        writer.close()
        await writer.wait_closed()


async def _acknowledged(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith((b"http/1.1 200", b"http/1.1 202")):
        raise RuntimeError(f"not acknowledged: {head.split(maxsplit=2)[1].decode()}")
    _, _, length = head.partition(b"content-length:")
    await reader.readexactly(int(length.split(b"\r\n")[0]))
