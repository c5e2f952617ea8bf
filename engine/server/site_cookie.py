"""Cookies that name a session: read by no script, sent by no other site's page but with a link that is followed.

Source: RFC 6265bis, sections 4.1.2.7 (SameSite) and 4.1.3.2 (__Host-).
"""

from dataclasses import dataclass
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from engine.server.site import Site
from engine.settings import Settings

_MAX_SECRET_CHARACTERS: Final = 100


@dataclass(frozen=True)
class SiteCookie:
    """``name`` is that of a site without TLS. ``life_s`` is how long a browser keeps it."""

    name: str
    life_s: int

    def secret(self, request: Request, settings: Settings) -> str | None:
        """What the request's cookie holds, of a session that lives or not."""
        is_secure = settings.public_url is not None and settings.public_url.startswith("https:")
        held = request.cookies.get(self._name(is_secure), "")
        return held if 0 < len(held) <= _MAX_SECRET_CHARACTERS else None

    def is_sent(self, request: Request) -> bool:
        """Whether the request has such a cookie, whatever it holds."""
        return self._name(True) in request.cookies or self._name(False) in request.cookies

    def set(self, response: Response, site: Site, secret: str) -> None:
        response.set_cookie(
            self._name(site.is_secure),
            secret,
            max_age=self.life_s,
            path="/",
            secure=site.is_secure,
            httponly=True,
            samesite="lax",
        )

    def forget(self, response: Response, site: Site) -> None:
        name = self._name(site.is_secure)
        response.delete_cookie(name, path="/", secure=site.is_secure, httponly=True, samesite="lax")

    def _name(self, is_secure: bool) -> str:
        # Browsers take a cookie of that prefix only from the very host, over HTTPS and for all of its paths: no
        # neighbour below the same domain can plant one.
        return f"__Host-{self.name}" if is_secure else self.name
