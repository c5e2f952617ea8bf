"""Where a webhook's URL leads, and whether this server may send anything there.

A tenant chooses the URL and the server stands inside a network that the tenant does not see. So the host's addresses
are looked up here, all are checked, and the connection is made to one of these and not to the name.
Source: OWASP, Server-Side Request Forgery Prevention Cheat Sheet, case 2.
"""

import re
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Protocol

import httpx2

from engine.errors import TargetRefused

RESOLVE_TIMEOUT_S: Final = 5.0
MAX_ADDRESSES: Final = 16  # that a name may have; more than any receiver has, and each is checked
_PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.(?!-)[a-z0-9_-]{1,63})*")
_SHARED: Final = IPv4Network("100.64.0.0/10")  # of carriers' address translation, RFC 6598
_RELAYS: Final = IPv4Network("192.88.99.0/24")  # once of 6to4, RFC 7526
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")  # all that RFC 4291 lets the public network use
_DOCUMENTATION: Final = IPv6Network("3fff::/20")  # RFC 9637
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052
Address = IPv4Address | IPv6Address


class Resolver(Protocol):
    """Looks a host's addresses up."""

    def __call__(self, host: str, port: int) -> Sequence[str]:
        """All addresses of ``host``. Raises OSError where it has none, TimeoutError where nobody answers."""


@dataclass(frozen=True)
class Target:
    """A checked URL: the parts of the request, and the ``addresses`` that it may be sent to, in their order."""

    scheme: str
    host: str
    port: int
    path: bytes
    addresses: tuple[str, ...]

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def is_public(address: Address) -> bool:
    """Whether ``address`` belongs to one host of the public network, also where it carries an IPv4 address inside."""
    if isinstance(address, IPv4Address):
        # is_global does not say no to multicast, and its list grew with Python's patch releases.
        return (
            address.is_global
            and not (address.is_multicast or address.is_reserved or address.is_loopback)
            and not (address.is_link_local or address.is_unspecified)
            and address not in _SHARED
            and address not in _RELAYS
        )
    if (carried := _carried(address)) is not None:
        return all(is_public(inner) for inner in carried)
    return (
        address.scope_id is None
        and address in _GLOBAL_UNICAST
        and address not in _DOCUMENTATION
        and address.is_global
    )


def _carried(address: IPv6Address) -> tuple[IPv4Address, ...] | None:
    """The IPv4 addresses to which a gateway may send what is sent to ``address``."""
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return None


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Asks the operating system, for at most RESOLVE_TIMEOUT_S."""
    found: list[str] = []
    failed: list[Exception] = []

    def ask() -> None:
        try:
            for *_, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                found.append(str(where[0]))
        except (OSError, UnicodeError) as error:  # the latter of names that DNS cannot hold
            failed.append(error)

    # The call itself cannot be given a limit; the system ends it by itself within a minute.
    asking = threading.Thread(target=ask, name="lorespark-resolving", daemon=True)
    asking.start()
    asking.join(RESOLVE_TIMEOUT_S)
    if asking.is_alive():
        raise TimeoutError(f"no answer within {RESOLVE_TIMEOUT_S:g} s")
    if failed:
        raise failed[0]
    return list(dict.fromkeys(found))


class Targets:
    """Checks URLs. ``allow_private`` also lets plain http and addresses inside the network pass."""

    def __init__(self, allow_private: bool = False, resolve: Resolver = system_resolver) -> None:
        self._allow_private, self._resolve = allow_private, resolve

    def checked(self, url: str) -> Target:
        """Looks the URL's host up and checks every address that it has.

        Raises TargetRefused; the message repeats neither the URL nor an address.
        """
        try:
            parsed = httpx2.URL(url)
            host = parsed.raw_host.decode("ascii").lower().removesuffix(".")
        except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
            raise TargetRefused(
                "The webhook's URL cannot be read; give one as in https://host/path."
            ) from error
        if parsed.scheme not in _PORTS or not host:
            raise TargetRefused("The webhook's URL is not of the form https://host/path; correct it.")
        if parsed.scheme == "http" and not self._allow_private:
            raise TargetRefused(
                "The webhook's URL is not https, so anyone could read what is sent; use https."
            )
        if parsed.userinfo:
            raise TargetRefused(
                "The webhook's URL holds a name or a password; leave it out and check the signature instead."
            )
        port = _PORTS[parsed.scheme] if parsed.port is None else parsed.port
        if not 1 <= port <= 65_535:
            raise TargetRefused("The webhook's URL has a port that there is not; use one from 1 to 65535.")
        addresses = self._addresses(host, port)
        if not self._allow_private and not all(map(is_public, addresses)):
            raise TargetRefused(
                "The webhook's URL leads to an address that is not public; give one that can be reached from the "
                "internet."
            )
        return Target(parsed.scheme, host, port, parsed.raw_path, tuple(map(str, addresses)))

    def _addresses(self, host: str, port: int) -> list[Address]:
        literal = ":" in host
        if len(host) > 253 or not (literal or _NAME.fullmatch(host)):
            raise TargetRefused("The webhook's URL has a host that cannot be; correct it.")
        try:
            found = [host] if literal else list(self._resolve(host, port))
            addresses = [ip_address(address) for address in found]
        except (OSError, ValueError) as error:
            raise TargetRefused(
                "The host of the webhook's URL cannot be found; correct it, or try again when its name is known."
            ) from error
        if not 1 <= len(addresses) <= MAX_ADDRESSES:
            raise TargetRefused("The host of the webhook's URL has no address, or too many; correct it.")
        return addresses
