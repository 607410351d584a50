"""Signatures that others computed (twilio-python's own tests): the adapter accepts these and nothing else."""

from datetime import timedelta
from urllib.parse import urlencode, urlsplit

import pytest
from fastapi import Request
from twilio.request_validator import RequestValidator

from channels.access import TwilioAccess
from channels.contract import Malformed, Unauthentic
from channels.twilio import Twilio

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
OTHER_CALLER = [(key, "+12349013030" if key in ("From", "Caller") else value) for key, value in CALL]
REPEATED = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234")]
VECTORS = [
    (URL, CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    (URL.replace(".com", ".com:1234"), CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    (URL, OTHER_CALLER, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
    (URL.replace("https", "http").replace(".com", ".com:1234"), CALL, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    (URL, CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    (URL.replace("https", "http"), CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    (URL, REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
]


def adapter(base: str, token: str = "12345") -> Twilio:
    access = TwilioAccess("AC" + "1" * 32, token, "+1", "+2", None, base)
    return Twilio.sms(access, quiet=timedelta(0))


def a_request(url: str, body: str | bytes, signature: str | None) -> Request:
    parts = urlsplit(url)
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    if signature is not None:
        headers.append((b"x-twilio-signature", signature.encode("latin-1")))
    raw = body.encode() if isinstance(body, str) else body

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": raw, "more_body": False}

    # What a proxy leaves of it: another scheme, host and port.
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "server": ("10.0.0.7", 8000),
        "path": parts.path,
        "query_string": parts.query.encode(),
        "headers": headers,
    }
    return Request(scope, receive)


def base_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@pytest.mark.parametrize(("url", "form", "signature"), VECTORS)
async def test_a_published_signature_is_accepted(url: str, form: list[tuple[str, str]], signature: str) -> None:
    # A call, not a message: authentic, and then of the wrong form.
    with pytest.raises(Malformed):
        await adapter(base_of(url)).read(a_request(url, urlencode(form), signature))


@pytest.mark.parametrize(("url", "form", "signature"), VECTORS)
@pytest.mark.parametrize("spoil", ["token", "field", "value", "query", "host", "signature"])
async def test_anything_changed_is_refused(url: str, form: list[tuple[str, str]], signature: str, spoil: str) -> None:
    base, token = base_of(url), "12345"
    if spoil == "token":
        token = "12346"
    elif spoil == "field":
        form = [*form, ("Body", "")]
    elif spoil == "value":
        form = [(form[0][0], form[0][1] + "x"), *form[1:]]
    elif spoil == "query":
        url += "&x=1"
    elif spoil == "host":
        base = base.replace("mycompany", "theircompany")
    else:
        signature = signature[:-2] + ("A=" if signature[-2] != "A" else "B=")
    with pytest.raises(Unauthentic):
        await adapter(base, token).read(a_request(url, urlencode(form), signature))


@pytest.mark.parametrize("signature", [None, "", "x", "é" * 28, "RSOYDt4T1cUTdK1PDd93/VVr8B8= "])
async def test_no_signature_or_a_strange_one_is_refused(signature: str | None) -> None:
    with pytest.raises(Unauthentic):
        await adapter(base_of(URL)).read(a_request(URL, urlencode(CALL), signature))


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"%zz=%", b"a" * 100_000, b"{}", b"=&=&;"])
async def test_any_body_without_a_signature_is_refused(body: bytes) -> None:
    with pytest.raises(Unauthentic):
        await adapter(base_of(URL)).read(a_request(URL, body, "RSOYDt4T1cUTdK1PDd93/VVr8B8="))


async def test_more_fields_than_any_webhook_has_are_malformed() -> None:
    with pytest.raises(Malformed):
        await adapter(base_of(URL)).read(a_request(URL, "&".join(f"a{n}=" for n in range(600)), "x"))


def test_the_signed_json_vector_holds_too() -> None:
    digest = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
    validator = RequestValidator("12345")
    body = '{"property": "value", "boolean": true}'
    assert validator.validate(f"{URL}&bodySHA256={digest}", body, "a9nBmqA0ju/hNViExpshrM61xv4=")
