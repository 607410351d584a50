"""E-mail: letters out by SMTP, nothing in. Answers go to the business's own mailbox (Reply-To)."""

import asyncio
import re
import ssl
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime

import aiosmtplib
from fastapi import Request

from channels.access import MailAccess
from channels.contract import Event, Letter, OutgoingMessage, ProviderId, SendError, Unauthentic
from channels.mail_address import clean_address
from channels.smtp_errors import refusal, trouble

NAME = "email"
#: Seconds for each step; all of them fit into what delivery waits for.
_PATIENCE = 10.0
#: A whole letter takes longer: the server may look into it before it answers.
_PATIENCE_DATA = 25.0
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LONGEST_HEADER = 200


class Mail:
    """The adapter."""

    name = NAME
    quiet = timedelta(0)

    def __init__(self, access: MailAccess) -> None:
        self._access = access

    async def read(self, request: Request) -> list[Event]:
        """Nobody writes to us here: whatever comes is not from a mail server."""
        raise Unauthentic

    async def send(self, message: OutgoingMessage) -> ProviderId:
        """Hand a letter to the mail server, over TLS where the access says so; its Message-ID is the provider's id."""
        if message.letter is None:
            raise trouble("smtp_letter_missing")
        address = clean_address(message.address)
        if address is None:
            raise trouble("smtp_address")
        letter = compose(message.letter, key=message.key, sender=self._access.sender, address=address)
        client = self._client()
        try:
            await self._connect(client)
            await _hand_over(client, self._access.sender, address, letter.as_bytes(policy=WIRE))
        finally:
            await _leave(client)
        return ProviderId(str(letter["Message-ID"]))

    async def find_sent(self, message: OutgoingMessage) -> ProviderId | None:
        """A mail server lists nothing: nobody can tell."""
        raise trouble("smtp_no_answer", unsure=True)

    def _client(self) -> aiosmtplib.SMTP:
        access = self._access
        return aiosmtplib.SMTP(
            hostname=access.host,
            port=access.port,
            timeout=_PATIENCE,
            use_tls=access.security == "tls",
            start_tls=False,
            tls_context=_tls(access) if access.security != "none" else None,
            local_hostname=access.sender.rpartition("@")[2],
        )

    async def _connect(self, client: aiosmtplib.SMTP) -> None:
        """Connect, encrypt and sign in; nothing of a letter has been said when this fails."""
        access = self._access
        try:
            await client.connect()
            if access.security == "starttls":
                await client.ehlo()
                if not client.supports_extension("starttls"):
                    raise trouble("smtp_tls")
                await client.starttls()
            if access.username:
                await client.login(access.username, access.password)
        except aiosmtplib.SMTPNotSupported:
            raise trouble("smtp_tls") from None
        except aiosmtplib.SMTPResponseException as error:
            raise refusal(error.code, error.message) from None
        except ssl.SSLError:
            raise trouble("smtp_tls") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            tls = isinstance(error.__cause__ or error.__context__, ssl.SSLError)
            raise trouble("smtp_tls" if tls else "smtp_unreachable") from None


async def _hand_over(client: aiosmtplib.SMTP, sender: str, address: str, letter: bytes) -> None:
    try:
        await client.mail(sender)
        await client.rcpt(address)
    except aiosmtplib.SMTPSenderRefused as error:
        if error.code < 500:
            raise refusal(error.code, error.message) from None
        raise trouble("smtp_sender") from None
    except aiosmtplib.SMTPResponseException as error:
        raise refusal(error.code, error.message) from None
    except (aiosmtplib.SMTPException, OSError):
        raise trouble("smtp_lost") from None
    try:
        await client.data(letter, timeout=_PATIENCE_DATA)
    except aiosmtplib.SMTPResponseException as error:
        raise refusal(error.code, error.message) from None
    except (aiosmtplib.SMTPException, OSError):
        # The letter, or its end, was on its way: the server may have taken it.
        raise SendError("smtp_no_answer", retryable=True, unsure=True) from None


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye; whatever goes wrong now is no error, the letter is there or not."""
    try:
        async with asyncio.timeout(2):
            await client.quit()
    except (aiosmtplib.SMTPException, OSError):
        client.close()


def _tls(access: MailAccess) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=access.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def compose(letter: Letter, *, key: str, sender: str, address: str) -> EmailMessage:
    """Return a letter as it travels: text and HTML, and its calendar file. No value can begin another header."""
    domain = sender.rpartition("@")[2]
    mail = EmailMessage(policy=WIRE)
    mail["From"] = Address(display_name=one_line(letter.from_name), addr_spec=sender)
    mail["To"] = Address(addr_spec=address)
    reply_to = clean_address(letter.reply_to) if letter.reply_to else None
    if reply_to is not None:
        mail["Reply-To"] = Address(display_name=one_line(letter.from_name), addr_spec=reply_to)
    mail["Subject"] = one_line(letter.subject)
    mail["Date"] = format_datetime(letter.written_at)
    # The same on every attempt: a letter that comes twice is one to many mailboxes.
    mail["Message-ID"] = f"<{key}@{domain}>"
    mail["References"] = f"<{one_line(letter.about)}@{domain}>"
    # RFC 3834: nobody's absence note answers to it.
    mail["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe:
        mail["List-Unsubscribe"] = f"<{one_line(letter.unsubscribe)}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    if letter.calendar is not None:
        mail.add_attachment(
            letter.calendar.text.encode(),
            maintype="text",
            subtype="calendar",
            filename=one_line(letter.calendar.filename),
            params={"method": letter.calendar.method, "charset": "utf-8"},
        )
    return mail


def one_line(text: str) -> str:
    """Return text fit for a header: no line break and no control, of a sane length."""
    return _CONTROLS.sub(" ", text).strip()[:_LONGEST_HEADER]
