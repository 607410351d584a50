"""Letters by SMTP to a real server: how they look on the wire, over which lines they go, and what refusals mean."""

import asyncio
import ssl
from pathlib import Path

import pytest
from starlette.requests import Request

from channels import mail
from channels.access import MailAccess
from channels.contract import SendError, Unauthentic
from channels.mail import Mail, compose
from channels.mail_address import clean_address, find_address
from channels.provider_errors import meaning_of
from channels.smtp_errors import BASIC, ENHANCED, OWN
from tests.bot.api.certificates import serving, write_certificate
from tests.channels.post_office import ICS, PASSWORD, SENDER, USER, a_letter, a_message, mail_to, open_office


async def refused(channel: Mail, **more: str) -> SendError:
    with pytest.raises(SendError) as caught:
        await channel.send(a_message(**more))
    return caught.value


async def test_a_letter_arrives_with_its_texts_and_its_calendar_file() -> None:
    async with open_office() as office:
        provider_id = await mail_to(office).send(a_message())
    (letter,) = office.letters
    assert provider_id == letter["Message-ID"] == f"<aa.bb@{SENDER.partition('@')[2]}>"
    assert office.recipients == [["ana@mail.example"]]
    assert letter["From"] == f"Marigold Studio <{SENDER}>"
    assert letter["Reply-To"] == "Marigold Studio <hello@marigold.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in letter.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    calendar = next(iter(letter.iter_attachments()))
    assert calendar.get_filename() == "K7Q4.ics"
    assert dict(calendar["Content-Type"].params) == {"method": "PUBLISH", "charset": "utf-8"}
    assert calendar.get_payload(decode=True) == ICS.encode()


async def test_the_same_message_has_the_same_id_on_every_attempt() -> None:
    async with open_office() as office:
        channel = mail_to(office)
        assert await channel.send(a_message()) == await channel.send(a_message())


@pytest.mark.parametrize(
    "line", ["\r\nBcc: all@mail.example", "\nBcc: all@mail.example", "\r\n\r\n<script>", "\x85Bcc: x"]
)
async def test_no_value_begins_another_header(line: str) -> None:
    evil = a_letter(
        subject=f"Haircut{line}",
        from_name=f'Mari"gold{line}',
        about=f"018f{line}",
        unsubscribe=f"https://book.example/email/stop/x{line}",
        reply_to=f"hello@marigold.example{line}",
    )
    async with open_office() as office:
        await mail_to(office).send(a_message(evil))
    (letter,) = office.letters
    assert letter["Bcc"] is None
    assert office.recipients == [["ana@mail.example"]]
    assert letter["Reply-To"] is None  # it is no address any more
    assert b"\nBcc:" not in office.raw[0]
    ours = {"From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted", "MIME-Version"}
    assert set(letter.keys()) == ours | {"List-Unsubscribe", "List-Unsubscribe-Post", "Content-Type"}


async def test_words_of_every_script_arrive() -> None:
    letter = a_letter(subject="تأكيد: قص الشعر 💇", from_name="Frisör Ängelholm", text="¡Hola! 👋 שלום\n")
    async with open_office() as office:
        await mail_to(office).send(a_message(letter))
    (arrived,) = office.letters
    assert arrived["Subject"] == letter.subject
    assert arrived["From"].addresses[0].display_name == letter.from_name
    body = arrived.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == letter.text.splitlines()
    assert all(len(line) <= 998 for line in office.raw[0].split(b"\r\n"))


async def test_one_post_ends_what_nobody_has_just_asked_for() -> None:
    asked = compose(a_letter(), key="k", sender=SENDER, address="ana@mail.example")
    assert asked["List-Unsubscribe"] is None
    unasked = a_letter(unsubscribe="https://book.example/email/stop/x")
    letter = compose(unasked, key="k", sender=SENDER, address="ana@mail.example")
    assert letter["List-Unsubscribe"] == "<https://book.example/email/stop/x>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


async def test_starttls_and_a_password(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path, "localhost")
    async with open_office(serving(certificate), auth=True) as office:
        channel = mail_to(office, "starttls", username=USER, password=PASSWORD, ca_file=str(certificate))
        await channel.send(a_message())
        wrong = mail_to(office, "starttls", username=USER, password="guessed", ca_file=str(certificate))
        error = await refused(wrong)
    assert office.encrypted == [True]
    assert office.signed_in == [USER]
    assert error.code.startswith("smtp_535")
    assert error.retryable  # mended by hand, and meanwhile nothing is lost
    assert meaning_of(error.code).ours


async def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path, "localhost")
    async with open_office(serving(certificate), at_once=True) as office:
        await mail_to(office, "tls", ca_file=str(certificate)).send(a_message())
    assert len(office.letters) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_nobody_we_trust_has_signed_gets_no_letter(tmp_path: Path, security: str) -> None:
    certificate = write_certificate(tmp_path, "localhost")
    async with open_office(serving(certificate), at_once=security == "tls") as office:
        error = await refused(mail_to(office, security))
    assert (error.code, error.retryable, error.unsure) == ("smtp_tls", True, False)
    assert office.letters == []


async def test_a_certificate_of_another_name_gets_no_letter(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path, "elsewhere.example")
    async with open_office(serving(certificate)) as office:
        error = await refused(mail_to(office, "starttls", ca_file=str(certificate)))
    assert error.code == "smtp_tls"
    assert office.letters == []


async def test_a_server_without_tls_gets_no_letter_in_the_open(tmp_path: Path) -> None:
    async with open_office() as office:
        error = await refused(mail_to(office, "starttls"))
    assert error.code == "smtp_tls"
    assert office.letters == []


REFUSALS = [
    ("recipient_reply", "550 5.1.1 no such user", "smtp_550_5.1.1", False, "unreachable"),
    ("recipient_reply", "550 no such user", "smtp_550", False, "unreachable"),
    ("recipient_reply", "551 moved", "smtp_551", False, "unreachable"),
    ("recipient_reply", "556 5.1.10 null MX", "smtp_556_5.1.10", False, "unreachable"),
    ("recipient_reply", "550 5.7.1 not wanted", "smtp_550_5.7.1", False, ""),
    ("recipient_reply", "450 4.2.0 greylisted", "smtp_450_4.2.0", True, ""),
    ("recipient_reply", "451 4.7.1 try later", "smtp_451_4.7.1", True, ""),
    ("recipient_reply", "452 too full", "smtp_452", True, ""),
    ("letter_reply", "554 5.7.1 spam", "smtp_554_5.7.1", False, ""),
    ("letter_reply", "552 too large", "smtp_552", False, ""),
    ("letter_reply", "550 5.7.26 not authenticated", "smtp_550_5.7.26", False, "ours"),
    ("letter_reply", "451 local error", "smtp_451", True, ""),
    ("sender_reply", "553 5.7.1 not yours", "smtp_sender", False, "ours"),
    ("sender_reply", "451 later", "smtp_451", True, ""),
]


@pytest.mark.parametrize(("where", "reply", "code", "retryable", "meaning"), REFUSALS)
async def test_what_a_refusal_means(where: str, reply: str, code: str, retryable: bool, meaning: str) -> None:
    async with open_office() as office:
        setattr(office, where, reply)
        error = await refused(mail_to(office))
    assert (error.code, error.retryable, error.unsure) == (code, retryable, False)
    found = meaning_of(code)
    assert {name for name in ("unreachable", "ours") if getattr(found, name)} == ({meaning} if meaning else set())
    assert "not" not in error.code  # a server's words may quote an address: only its codes are kept


async def test_a_connection_that_breaks_after_the_letter_leaves_it_unsure() -> None:
    async with open_office() as office:
        office.hang_up = True
        error = await refused(mail_to(office))
    assert len(office.letters) == 1  # it has arrived, and nobody said so
    assert (error.code, error.unsure) == ("smtp_no_answer", True)


async def test_a_server_that_falls_silent_after_the_letter_leaves_it_unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "_PATIENCE_DATA", 0.3)
    async with open_office() as office:
        office.silent = 3.0
        error = await refused(mail_to(office))
    assert (error.code, error.unsure) == ("smtp_no_answer", True)


async def test_nobody_can_look_up_a_letter() -> None:
    async with open_office() as office:
        with pytest.raises(SendError) as caught:
            await mail_to(office).find_sent(a_message())
    assert (caught.value.retryable, caught.value.unsure) == (False, True)


async def test_a_server_that_is_away_gets_it_later() -> None:
    async with open_office() as office:
        channel = mail_to(office)
    error = await refused(channel)
    assert (error.code, error.retryable, error.unsure) == ("smtp_unreachable", True, False)


async def test_a_server_that_hangs_up_at_once_gets_it_later() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await refused(Mail(MailAccess("127.0.0.1", port, SENDER, "none")))
    assert (error.code, error.retryable, error.unsure) == ("smtp_unreachable", True, False)


async def test_a_server_that_is_busy_gets_it_later() -> None:
    async def busy(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"421 4.3.2 too many connections\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(busy, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await refused(Mail(MailAccess("127.0.0.1", port, SENDER, "none")))
    assert (error.code, error.retryable) == ("smtp_421_4.3.2", True)


@pytest.mark.parametrize(
    "address", ["", "ana", "ana@", "@mail.example", "a b@mail.example", "ana@mail", "ana@mail.example\r\nDATA",
                "ana@mail.example, eve@mail.example", "<ana@mail.example>", "añá@mail.example", "ana@-x.example",
                "a" * 65 + "@mail.example", "ana@" + "a." * 130 + "example", "ana@mail..example", "ana@[127.0.0.1]"],
)  # fmt: skip
async def test_what_is_no_address_is_never_written_to(address: str) -> None:
    assert clean_address(address) is None
    async with open_office() as office:
        error = await refused(mail_to(office), to=address)
    assert (error.code, office.letters) == ("smtp_address", [])
    assert meaning_of(error.code).unreachable


def test_an_address_is_kept_in_one_form() -> None:
    assert clean_address(" Ana.Maria+salon@MAIL.Example ") == "Ana.Maria+salon@mail.example"
    assert clean_address("ana@bücher.example") == "ana@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("my email is ana@mail.example.", ("ana@mail.example", "my email is")),
        ("ana@mail.example", ("ana@mail.example", "")),
        ("write to <ana@mail.example> please!", ("ana@mail.example", "write to < > please!")),
        ("a haircut @ 3 with Ana@", None),
        ("at three", None),
    ],
)
def test_an_address_in_a_text(text: str, found: tuple[str, str] | None) -> None:
    assert find_address(text) == found


async def test_nobody_writes_to_us_by_e_mail() -> None:
    async with open_office() as office:
        with pytest.raises(Unauthentic):
            await mail_to(office).read(Request({"type": "http"}))


def test_every_code_of_a_mail_server() -> None:
    for code in BASIC:
        meaning = meaning_of(f"smtp_{code}")
        assert meaning.retryable or code >= 500, code
    for enhanced in ENHANCED:
        assert meaning_of(f"smtp_550_{enhanced}") == ENHANCED[enhanced]
    for name in OWN:
        assert meaning_of(name) == OWN[name]
    # An enhanced code never makes a refusal that passes one for good.
    assert meaning_of("smtp_450_5.1.1").retryable
    assert meaning_of("smtp_499").retryable
    assert not meaning_of("smtp_599").retryable


def test_an_old_tls_is_not_spoken(tmp_path: Path) -> None:
    access = MailAccess("localhost", 25, SENDER, "starttls", ca_file=str(write_certificate(tmp_path, "localhost")))
    context = mail._tls(access)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
