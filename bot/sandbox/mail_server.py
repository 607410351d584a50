"""A mail server that delivers nothing: what it takes is shown on /sandbox/mail. Real SMTP, by aiosmtpd.

`bounce550@anywhere` is refused with that code, `busy450@...` too, so that refusals can be tried.
"""

import asyncio
import logging
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.models import SandboxMessage
from bot.sandbox.stage import Stage

log = logging.getLogger(__name__)
CHANNEL = "email"
_REFUSED = re.compile(r"^(?:bounce|busy)([45]\d\d)@")
_LARGEST = 1 << 20


class Takes:
    """What aiosmtpd asks: take a recipient, take a letter."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take every recipient but those whose name asks for a refusal."""
        if refused := _REFUSED.match(address):
            return f"{refused[1]} {refused[1][0]}.1.1 as this address asks for"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a letter, once for each recipient."""
        content = envelope.content or b""
        letter = message_from_bytes(content if isinstance(content, bytes) else content.encode(), policy=policy.default)
        async with self._stage.db.transaction() as database:
            for address in envelope.rcpt_tos:
                await keep(database, address, letter)
        return "250 2.0.0 kept"


async def keep(session: AsyncSession, address: str, letter: EmailMessage) -> None:
    """Keep a letter as it arrived."""
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    calendar = next((part for part in letter.walk() if part.get_content_type() == "text/calendar"), None)
    session.add(
        SandboxMessage(
            channel=CHANNEL,
            phone=address,
            account=str(letter["From"]),
            direction="out",
            vendor_id=str(letter["Message-ID"]),
            text=text.get_content() if text is not None else "",
            vendor={
                "subject": str(letter["Subject"]),
                "reply_to": str(letter["Reply-To"] or ""),
                "stop": str(letter["List-Unsubscribe"] or ""),
                "html": html.get_content() if html is not None else "",
                "calendar": calendar.get_content() if isinstance(calendar, EmailMessage) else "",
                "method": str(calendar.get_param("method") or "") if calendar is not None else "",
                "file": str(calendar.get_filename() or "") if calendar is not None else "",
            },
            at=await current_time(session),
        )
    )


async def run_mail(stage: Stage) -> None:
    """Take letters until cancelled; a port that is taken is said once, and letters wait."""
    takes = Takes(stage)
    port = stage.settings.sandbox_smtp_port
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            lambda: SMTP(takes, data_size_limit=_LARGEST, hostname="sandbox.threadbook.example", loop=loop),
            # Who reaches the phones may reach the letters: on a laptop nobody else, in containers the workers.
            stage.settings.host,
            port,
        )
    except OSError as error:
        log.warning("the sandbox's mail server cannot listen on %s: %s", port, type(error).__name__)
        return
    async with server:
        await server.serve_forever()
