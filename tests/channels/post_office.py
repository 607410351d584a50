"""A real mail server on loopback (aiosmtpd), which refuses, breaks off and falls silent where it is told to."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from channels.access import MailAccess
from channels.contract import CalendarFile, Letter, OutgoingMessage
from channels.mail import Mail

SENDER = "bookings@threadbook.example"
USER, PASSWORD = "threadbook", "a long password"
ICS = "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nEND:VCALENDAR\r\n"


@dataclass
class PostOffice:
    """What the server does, and what it took."""

    port: int = 0
    sender_reply: str = ""
    recipient_reply: str = ""
    letter_reply: str = ""
    #: After the whole letter: keep it and say nothing, or keep it and hang up.
    silent: float = 0.0
    hang_up: bool = False
    letters: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender_reply:
            return self.sender_reply
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient_reply:
            return self.recipient_reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.letter_reply:
            return self.letter_reply
        content = envelope.content
        assert isinstance(content, bytes)
        self.raw.append(content)
        self.letters.append(message_from_bytes(content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        self.encrypted.append(session.ssl is not None)
        if self.hang_up:
            server.transport.close()
        await asyncio.sleep(self.silent)
        return "250 kept"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        if right:
            self.signed_in.append(USER)
        return AuthResult(success=right, handled=False)


@contextlib.asynccontextmanager
async def open_office(
    tls: ssl.SSLContext | None = None, *, at_once: bool = False, auth: bool = False
) -> AsyncIterator[PostOffice]:
    """Serve until the end: in the open, with STARTTLS, or with TLS from the first byte."""
    office = PostOffice()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(
            office,
            loop=loop,
            hostname="office.example",
            tls_context=None if at_once else tls,
            require_starttls=tls is not None and not at_once,
            authenticator=office.authenticate if auth else None,
            auth_required=auth,
            auth_require_tls=not at_once,
        ),
        "127.0.0.1",
        0,
        ssl=tls if at_once else None,
    )
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()


def mail_to(office: PostOffice, security: str = "none", **more: str) -> Mail:
    host = "127.0.0.1" if security == "none" else "localhost"
    return Mail(MailAccess(host, office.port, SENDER, security, **more))


def a_letter(**more: Any) -> Letter:
    values: dict[str, Any] = {
        "subject": "Booked: Haircut, Tue 24 Nov, 15:00",
        "from_name": "Marigold Studio",
        "reply_to": "hello@marigold.example",
        "text": "Your appointment is booked.\n",
        "html": "<p>Your appointment is booked.</p>",
        "about": "018f",
        "written_at": datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
        "calendar": CalendarFile("PUBLISH", ICS, "K7Q4.ics"),
    }
    return Letter(**(values | more))


def a_message(letter: Letter | None = None, *, to: str = "ana@mail.example", key: str = "aa.bb") -> OutgoingMessage:
    return OutgoingMessage(key, "marigold", to, "Your appointment is booked.", letter=letter or a_letter())
