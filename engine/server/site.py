"""Which site this server is to its players' browsers and wallets.

A sign-in message holds for one site (EIP-4361). Were that the one that a request names, a page elsewhere could have its
visitors sign for itself and pass their messages on to here; so the site is a setting. Without it a server that listens
at this machine alone is the address that it listens at, which no page elsewhere can be.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from engine.errors import OriginRefused, SignInUnavailable
from engine.settings import Settings

# What this machine calls itself, whichever of the two it listens at.
_LOCALHOST: Final = ("127.0.0.1", "::1")
_HTTP_PORT: Final = 80


@dataclass(frozen=True)
class Site:
    """``authority`` is host and port, the latter only where it is not the scheme's usual one."""

    scheme: str
    authority: str

    @property
    def origin(self) -> str:
        """As browsers send it. Source: RFC 6454, section 6.2."""
        return f"{self.scheme}://{self.authority}"

    @property
    def is_secure(self) -> bool:
        return self.scheme == "https"


def site_of(settings: Settings, request: Request) -> Site:
    """The site that the settings name, or the address on this machine that the request came to.

    Raises SignInUnavailable where neither is known, and OriginRefused for a request by another name.
    """
    if settings.public_url is not None:
        scheme, _, authority = settings.public_url.partition("://")
        usual = ":443" if scheme == "https" else ":80"
        return Site(scheme, authority.removesuffix(usual))
    names = _own_names(request)
    if not names:
        raise SignInUnavailable(
            "The server does not know under which address people reach it; its operator sets LORESPARK_PUBLIC_URL, as "
            "in https://play.example."
        )
    hosts = request.headers.getlist("host")
    host = hosts[0].lower().removesuffix(f":{_HTTP_PORT}") if len(hosts) == 1 else ""
    if host not in names:
        raise OriginRefused(
            f"Players sign in here at http://{names[0]}; open that, or have the operator set LORESPARK_PUBLIC_URL."
        )
    return Site("http", host)


def _own_names(request: Request) -> tuple[str, ...]:
    """The authorities that reach this server from its own machine; none where others reach it too."""
    # Who serves the application says where it listens; one that does not is known by the connection's own end.
    bound = getattr(request.app.state, "listens_at", None) or request.scope.get("server")
    if bound is None or bound[1] is None:  # a socket of another kind than TCP
        return ()
    host, port = str(bound[0]), int(bound[1])
    place = "" if port == _HTTP_PORT else f":{port}"
    if host == "localhost":
        return (f"localhost{place}",)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ()
    if not address.is_loopback:
        return ()
    own = f"[{address}]{place}" if address.version == 6 else f"{address}{place}"
    return (own, f"localhost{place}") if str(address) in _LOCALHOST else (own,)


def check_origin(site: Site, request: Request, *, required: bool = True) -> None:
    """Raises OriginRefused for a request of another site's page (cross-site request forgery).

    Browsers send Origin with everything that may change something, and no page can write it otherwise. Where it is
    not ``required``, a request without one passes: it does nothing by a cookie.
    """
    origins = request.headers.getlist("origin")
    if (origins or required) and origins != [site.origin]:
        raise OriginRefused(
            f"The request's Origin is not {site.origin}; send it from the site's own page, or with that Origin."
        )
