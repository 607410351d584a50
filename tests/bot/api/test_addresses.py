"""Where webhooks may go: nobody can have us talk to what is inside."""

import asyncio
import contextlib
import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.api.addresses import AddressRefused, check_url, is_public, resolve
from tests.bot.api.conftest import Api

INSIDE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1",
    "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressRefused) as refused:
        check_url(f"https://{host}/hook", sandbox=False)
    assert refused.value.why == "private_address"


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_outside_is_public(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    for sandbox in (True, False):
        assert check_url(f"https://{host}:8443/hook", sandbox=sandbox).host == address


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.org/hook", "not_https"),
        ("http://127.0.0.1/hook", "not_https"),
        ("https://localhost/hook", "private_address"),
        ("https://LOCALHOST./hook", "private_address"),
        ("https://a.localhost/hook", "private_address"),
        ("https://printer.local/hook", "private_address"),
        ("https://metadata.google.internal/hook", "private_address"),
        ("https://user:word@example.org/hook", "credentials_in_url"),
        ("https://user@example.org/hook", "credentials_in_url"),
        ("https://example.org/hook#part", "not_a_url"),
        ("ftp://example.org/hook", "not_a_url"),
        ("file:///etc/passwd", "not_a_url"),
        ("gopher://example.org/", "not_a_url"),
        ("https:///hook", "not_a_url"),
        ("//example.org/hook", "not_a_url"),
        ("example.org", "not_a_url"),
        ("https://example.org:99999/", "not_a_url"),
        ("https://[::1/", "not_a_url"),
        ("https://exa\nmple.org/", "not_a_url"),
        ("https://example.org/" + "x" * 2000, "not_a_url"),
        ("", "not_a_url"),
    ],
)
def test_urls_that_no_endpoint_has(url: str, why: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        check_url(url, sandbox=False)
    assert refused.value.why == why


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/", "http://localhost:8000/", "http://[::1]/", "https://localhost/"]
)
def test_a_sandbox_may_talk_to_its_own_machine(url: str) -> None:
    assert check_url(url, sandbox=True).host in {"127.0.0.1", "localhost", "::1"}


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1/", "http://10.0.0.1/", "https://169.254.169.254/", "https://x.internal/"]
)
def test_a_sandbox_may_not_talk_to_its_neighbours(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url, sandbox=True)


@given(st.text(max_size=60))
def test_no_text_is_a_crash(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}/hook", f"https://example.org:{text}"):
        with contextlib.suppress(AddressRefused):
            check_url(url, sandbox=False)


#: Spellings of 127.0.0.1 that only resolving tells.
@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "localtest.invalid"])
async def test_names_are_judged_by_where_they_lead(host: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        await resolve(f"https://{host}/hook", sandbox=False)
    assert refused.value.why in {"private_address", "does_not_resolve", "not_a_url"}


class Resolver:
    """A DNS server that says what a test wants, each time something else."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def __call__(self, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in self.answers.pop(0)
        ]


async def test_one_bad_address_among_good_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(
        loop, "getaddrinfo", Resolver(["1.1.1.1", "10.0.0.1"], ["1.1.1.1"], ["127.0.0.1"]), raising=False
    )
    with pytest.raises(AddressRefused):
        await resolve("https://example.org/hook", sandbox=False)
    # We connect to the address that was judged, and ask for the name: a second answer changes nothing.
    (target,) = await resolve("https://example.org/hook?a=1", sandbox=False)
    assert (target.url, target.host, target.name) == ("https://1.1.1.1/hook?a=1", "example.org", "example.org")
    with pytest.raises(AddressRefused):
        await resolve("https://example.org/hook", sandbox=False)


async def test_without_tls_only_our_own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", Resolver(["1.1.1.1"]), raising=False)
    with pytest.raises(AddressRefused) as refused:
        await resolve("http://localhost/hook", sandbox=True)
    assert refused.value.why == "not_https"


async def test_refused_addresses_are_problems(api: Api) -> None:
    for url, why in (
        ("https://10.1.2.3/", "private_address"),
        ("http://example.org/", "not_https"),
        ("x", "not_a_url"),
    ):
        made = await api.post("/webhook-endpoints", {"url": url})
        assert (made.status_code, made.json()["reason"], made.json()["data"]) == (422, "address_refused", {"why": why})
    good = (await api.post("/webhook-endpoints", {"url": "https://example.org/"})).json()
    patched = await api.call("PATCH", f"/webhook-endpoints/{good['id']}", json={"url": "https://192.168.0.1/"})
    assert patched.json()["reason"] == "address_refused"
    assert (await api.get(f"/webhook-endpoints/{good['id']}")).json()["url"] == "https://example.org/"
