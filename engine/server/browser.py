"""Creators' browsers: the cookie that names their session, and the token that proves a request comes from a page.

Source: OWASP, Cross-Site Request Forgery Prevention Cheat Sheet (HMAC-based token).
"""

import hashlib
import hmac
from typing import Final

from fastapi import Request

from engine.app import Application
from engine.database.browsers import SESSION_LIFE_S, key_of_browser
from engine.database.tenants import KnownKey
from engine.errors import OriginRefused
from engine.server.site import check_origin, site_of
from engine.server.site_cookie import SiteCookie

CSRF_HEADER: Final = "X-CSRF-Token"
CREATOR_COOKIE: Final = SiteCookie("lorespark_creator", SESSION_LIFE_S)
_READING: Final = ("GET", "HEAD")


def browser_secret(request: Request) -> str | None:
    """The secret of the session that the request's cookie names, living or not."""
    application: Application = request.app.state.application
    return CREATOR_COOKIE.secret(request, application.settings)


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
