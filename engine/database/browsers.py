"""Creators' browsers: the links that sign them in, and the sessions that follow. Only digests of secrets are kept."""

import secrets
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from engine.api.account import Limits, NewKey, Scope
from engine.database.clock import clock_ms, now
from engine.database.players import digest_of
from engine.database.tables import LOCAL_TENANT, api_keys, browser_sessions, entry_links
from engine.database.tenants import KnownKey, add_key, known_key_of_digest

ENTRY_LIFE_S: Final = 24 * 3600
SESSION_LIFE_S: Final = 30 * 24 * 3600
_SECRET_BYTES: Final = 32
_FORM_KEY: Final = "web form"
# Of the local tenant's own browser: a gallery asks for each of its pictures.
_FORM_LIMITS: Final = Limits(per_minute=12_000, per_day=1_000_000, concurrent=1_000)


def add_entry(connection: Connection) -> str:
    """The token of a link that signs one browser in as the local tenant; removes those that expired."""
    table = entry_links
    connection.execute(delete(table).where(table.c.expires_at_ms <= clock_ms(connection)))
    token = secrets.token_urlsafe(_SECRET_BYTES)
    expires_at_ms = clock_ms(connection) + ENTRY_LIFE_S * 1000
    connection.execute(insert(table).values(digest=digest_of(token), expires_at_ms=expires_at_ms))
    return token


def use_entry(connection: Connection, token: str) -> bool:
    """Whether the token was given out, has not expired and was not used before; now it is."""
    table = entry_links
    usable = (table.c.digest == digest_of(token)) & (table.c.expires_at_ms > clock_ms(connection))
    return connection.execute(delete(table).where(usable)).rowcount > 0


def form_key(connection: Connection) -> str:
    """The id of the key that browsers act for which came by a link; nobody knows its secret."""
    found = known_form_key(connection)
    if found is not None:
        return found
    return add_key(
        connection, LOCAL_TENANT, NewKey(name=_FORM_KEY, scopes=tuple(Scope), limits=_FORM_LIMITS)
    ).id


def known_form_key(connection: Connection) -> str | None:
    """The id of that key; None before a browser first came by a link."""
    table = api_keys
    living = (table.c.tenant_id == LOCAL_TENANT) & (table.c.name == _FORM_KEY) & table.c.revoked_at.is_(None)
    return connection.scalar(select(table.c.id).where(living).order_by(table.c.created_at).limit(1))


def add_browser(connection: Connection, key_id: str) -> str:
    """Begins a session of a browser that acts for that key; returns its secret. Removes sessions that expired."""
    table = browser_sessions
    connection.execute(delete(table).where(table.c.expires_at_ms <= clock_ms(connection)))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    connection.execute(
        insert(table).values(
            digest=digest_of(secret),
            key_id=key_id,
            created_at=now(),
            expires_at_ms=clock_ms(connection) + SESSION_LIFE_S * 1000,
        )
    )
    return secret


def key_of_browser(connection: Connection, secret: str) -> KnownKey | None:
    """The living key that the session of that secret acts for; None where either has ended."""
    table = browser_sessions
    living = (table.c.digest == digest_of(secret)) & (table.c.expires_at_ms > clock_ms(connection))
    digest = connection.scalar(
        select(api_keys.c.digest).join(table, table.c.key_id == api_keys.c.id).where(living)
    )
    return None if digest is None else known_key_of_digest(connection, digest)


def end_browser(connection: Connection, secret: str) -> None:
    """Ends the session; again is the same as once."""
    connection.execute(delete(browser_sessions).where(browser_sessions.c.digest == digest_of(secret)))
