"""Where webhooks may go: only to the public internet, over TLS; a sandbox may also talk to its own machine.

An address is judged twice: as it is written when an endpoint is made, and as its name resolves each time
before we connect. We connect to the very address that was judged, so that a name that changes its mind
between the two gets nobody inside.
"""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass

import httpx

IP = ipaddress.IPv4Address | ipaddress.IPv6Address

#: IPv6 addresses that carry an IPv4 address at their end.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
LONGEST_URL = 2000


class AddressRefused(Exception):
    """An address that we do not send to; `why` is a key."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, and whom to ask for there."""

    #: With the address in place of the name.
    url: str
    #: The Host header.
    host: str
    #: The name on the certificate.
    name: str


def check_url(url: str, *, sandbox: bool) -> httpx.URL:
    """Return a URL that may be an endpoint's, as far as its text tells; raises AddressRefused."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        raise AddressRefused("not_a_url") from None
    if len(url) > LONGEST_URL or not parsed.host or parsed.scheme not in {"http", "https"}:
        raise AddressRefused("not_a_url")
    if parsed.userinfo:
        raise AddressRefused("credentials_in_url")
    if parsed.fragment or not 1 <= (parsed.port or 443) <= 65535:
        raise AddressRefused("not_a_url")
    host = parsed.host.rstrip(".")
    literal = _literal(host)
    ours = host == "localhost" or host.endswith(".localhost") or (literal is not None and literal.is_loopback)
    if parsed.scheme == "http" and not (sandbox and ours):
        raise AddressRefused("not_https")
    if (ours and not sandbox) or host.endswith((".local", ".internal")):
        raise AddressRefused("private_address")
    if literal is not None:
        _check(literal, sandbox=sandbox)
    return parsed


async def resolve(url: str, *, sandbox: bool) -> list[Target]:
    """Return where to connect for a URL, best first; refuses a name that leads inside by any of its addresses."""
    parsed = check_url(url, sandbox=sandbox)
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            parsed.host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    except (OSError, UnicodeError):
        raise AddressRefused("does_not_resolve") from None
    # A scope such as %eth0 says where a link-local address is; those are refused anyway.
    addresses = list(dict.fromkeys(ipaddress.ip_address(str(one[4][0]).split("%")[0]) for one in found))
    for address in addresses:
        _check(address, sandbox=sandbox)
        if parsed.scheme == "http" and not address.is_loopback:
            raise AddressRefused("not_https")
    host = parsed.netloc.decode()
    return [Target(str(parsed.copy_with(host=str(address))), host, parsed.host) for address in addresses]


def _literal(host: str) -> IP | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check(address: IP, *, sandbox: bool) -> None:
    if not (is_public(address) or (sandbox and address.is_loopback)):
        raise AddressRefused("private_address")


def is_public(address: IP) -> bool:
    """Whether an address is on the public internet, by whatever way it writes an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
