"""Which site this server is to its players' browsers and wallets.

A sign-in message holds for one site (EIP-4361). Were that the one that a request names, a page elsewhere could have its
visitors sign for itself and pass their messages on to here; so the site is a setting. Without it the server is this
machine's own, which no page elsewhere can be.
"""

from dataclasses import dataclass
from typing import Final

from fastapi import Request

from engine.errors import OriginRefused, SignInUnavailable
from engine.settings import Settings

_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")


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
    """The site that the settings name, or this machine's. Raises SignInUnavailable where it is neither."""
    if settings.public_url is not None:
        scheme, _, authority = settings.public_url.partition("://")
        usual = ":443" if scheme == "https" else ":80"
        return Site(scheme, authority.removesuffix(usual))
    host = request.headers.get("host", "").lower()
    name, _, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "")
    if name not in _LOCAL or not (port == "" or port.isdecimal()):
        raise SignInUnavailable(
            "The server does not know under which address people reach it; its operator sets LORESPARK_PUBLIC_URL, as "
            "in https://play.example."
        )
    return Site("http", host.removesuffix(":80"))


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
