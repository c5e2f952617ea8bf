"""Creators' browsers: the cookie that names their session, and the token that proves a request comes from a page.

Source: OWASP, Cross-Site Request Forgery Prevention Cheat Sheet (HMAC-based token); RFC 6265bis for the cookie.
"""

import hashlib
import hmac
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from engine.app import Application
from engine.database.browsers import SESSION_LIFE_S, key_of_browser
from engine.database.tenants import KnownKey
from engine.errors import OriginRefused
from engine.server.site import Site, check_origin, site_of

CSRF_HEADER: Final = "X-CSRF-Token"
_COOKIE: Final = "lorespark_creator"
# Browsers take a cookie of this name only from the very host, over HTTPS and for all of its paths.
_HOST_COOKIE: Final = f"__Host-{_COOKIE}"
_MAX_SECRET_CHARACTERS: Final = 100
_READING: Final = ("GET", "HEAD")


def browser_secret(request: Request) -> str | None:
    """The secret of the session that the request's cookie names, living or not."""
    secret = request.cookies.get(_HOST_COOKIE) or request.cookies.get(_COOKIE)
    return secret if secret and len(secret) <= _MAX_SECRET_CHARACTERS else None


def csrf_token(secret: str) -> str:
    """What a page of the session sends with whatever changes something; nobody else can make it."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def browser_key(application: Application, request: Request, secret: str) -> KnownKey | None:
    """The key that the session acts for; None where it has ended.

    Raises SignInUnavailable where the server knows no address of its own, and OriginRefused for a request by another
    name (DNS rebinding) and for a change that does not come from a page of this session.
    """
    site = site_of(application.settings, request)
    if request.method not in _READING:
        check_origin(site, request)
        sent = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(sent.encode(), csrf_token(secret).encode()):
            raise OriginRefused("The page does not belong to this session any more; reload it and try again.")
    with application.records.database.reading() as connection:
        return key_of_browser(connection, secret)


def set_browser_cookie(response: Response, site: Site, secret: str) -> None:
    response.set_cookie(
        _HOST_COOKIE if site.is_secure else _COOKIE,
        secret,
        max_age=SESSION_LIFE_S,
        path="/",
        secure=site.is_secure,
        httponly=True,
        samesite="lax",
    )


def forget_browser_cookie(response: Response, site: Site) -> None:
    name = _HOST_COOKIE if site.is_secure else _COOKIE
    response.delete_cookie(name, path="/", secure=site.is_secure, httponly=True, samesite="lax")
