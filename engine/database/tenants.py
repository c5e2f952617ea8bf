"""Tenants and their API keys: who may ask for what. Only a hash of a key is kept."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from engine.api.account import Key, KeyWithSecret, Limits, NewKey, Scope
from engine.database.clock import now
from engine.database.tables import api_keys, tenants
from engine.errors import Conflict, UnknownRecord

KEY_PREFIX: Final = "lsk_"
_SECRET_BYTES: Final = 32
_SHOWN_CHARACTERS: Final = 12  # of a key in lists: the prefix and 48 of its 256 bits


@dataclass(frozen=True)
class Tenant:
    id: str
    name: str
    created_at: str


@dataclass(frozen=True)
class KnownKey:
    """A key as a request is checked against it."""

    id: str
    tenant_id: str
    scopes: frozenset[Scope]
    limits: Limits


def add_tenant(connection: Connection, name: str) -> Tenant:
    """Raises Conflict where the name is taken."""
    tenant = Tenant(f"tenant-{uuid4().hex[:20]}", name, now())
    try:
        with connection.begin_nested():
            connection.execute(insert(tenants).values(**vars(tenant)))
    except IntegrityError as error:
        raise Conflict(f"There is a tenant {name[:80]!r} already; choose another name.") from error
    return tenant


def tenant_named(connection: Connection, name: str) -> Tenant:
    """Raises UnknownRecord."""
    row = connection.execute(select(tenants).where(tenants.c.name == name)).one_or_none()
    if row is None:
        raise UnknownRecord(
            f"There is no tenant {name[:80]!r}; `lorespark api-key list` shows those there are."
        )
    return Tenant(**row._mapping)


def tenant_with(connection: Connection, tenant_id: str) -> Tenant:
    """The tenant with this id, which is there."""
    return Tenant(**connection.execute(select(tenants).where(tenants.c.id == tenant_id)).one()._mapping)


def add_key(connection: Connection, tenant_id: str, wanted: NewKey) -> KeyWithSecret:
    """Makes a key. Its secret is in the answer and nowhere else."""
    secret = _new_secret()
    key = KeyWithSecret(
        id=f"key-{uuid4().hex[:20]}",
        name=wanted.name,
        prefix=secret[:_SHOWN_CHARACTERS],
        scopes=tuple(dict.fromkeys(wanted.scopes)),
        limits=wanted.limits,
        created_at=now(),
        revoked_at=None,
        secret=secret,
    )
    connection.execute(
        insert(api_keys).values(
            id=key.id,
            tenant_id=tenant_id,
            name=key.name,
            digest=key_digest(secret),
            prefix=key.prefix,
            scopes=[scope.value for scope in key.scopes],
            **key.limits.model_dump(),
            created_at=key.created_at,
        )
    )
    return key


def known_key(connection: Connection, secret: str) -> KnownKey | None:
    """The living key with this secret."""
    return known_key_of_digest(connection, key_digest(secret))


def known_key_of_digest(connection: Connection, digest: str) -> KnownKey | None:
    """The living key whose secret has this digest."""
    table = api_keys
    query = select(table).where(table.c.digest == digest, table.c.revoked_at.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return KnownKey(row.id, row.tenant_id, frozenset(map(Scope, row.scopes)), _limits(row))


def keys_of(connection: Connection, tenant_id: str) -> list[Key]:
    """All keys of a tenant, revoked ones included, newest first."""
    table = api_keys
    query = select(table).where(table.c.tenant_id == tenant_id)
    return [_key(row) for row in connection.execute(query.order_by(table.c.created_at.desc(), table.c.id))]


def key_of(connection: Connection, tenant_id: str, key_id: str) -> Key:
    """A key of the tenant's, revoked or not. Raises UnknownRecord."""
    table = api_keys
    query = select(table).where(table.c.id == key_id, table.c.tenant_id == tenant_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise UnknownRecord(f"There is no key {key_id[:80]!r}; list the keys to see those there are.")
    return _key(row)


def all_keys(connection: Connection) -> list[tuple[str, Key]]:
    """The keys of all tenants, newest first, each with its tenant's name."""
    query = select(api_keys, tenants.c.name.label("tenant")).join(
        tenants, tenants.c.id == api_keys.c.tenant_id
    )
    ordered = query.order_by(api_keys.c.created_at.desc(), api_keys.c.id)
    return [(row.tenant, _key(row)) for row in connection.execute(ordered)]


def tenant_of_key(connection: Connection, key_id: str) -> Tenant:
    """Whose key it is. Raises UnknownRecord."""
    query = (
        select(tenants).join(api_keys, api_keys.c.tenant_id == tenants.c.id).where(api_keys.c.id == key_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise UnknownRecord(
            f"There is no key {key_id[:80]!r}; `lorespark api-key list` shows those there are."
        )
    return Tenant(**row._mapping)


def revoke_key(connection: Connection, tenant_id: str, key_id: str, *, even_last_admin: bool = False) -> Key:
    """Ends a key's life; again is the same as once.

    Raises UnknownRecord, and Conflict for the last living key of the tenant that manages keys: without it nobody
    could make another over HTTP.
    """
    _hold_keys(connection, tenant_id)
    key = key_of(connection, tenant_id, key_id)
    if key.revoked_at is not None:
        return key
    if not even_last_admin and _is_last_admin(connection, tenant_id, key):
        raise Conflict(
            "This is the last key with the scope `admin`; make another first, or run `lorespark api-key revoke` on "
            "the server."
        )
    connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(revoked_at=now()))
    return key_of(connection, tenant_id, key_id)


def rotate_key(connection: Connection, tenant_id: str, key_id: str) -> KeyWithSecret:
    """Gives a key another secret; the old one is dead at once.

    Raises UnknownRecord, and Conflict where it was revoked.
    """
    _hold_keys(connection, tenant_id)
    key = key_of(connection, tenant_id, key_id)
    if key.revoked_at is not None:
        raise Conflict("The key was revoked, which is for good; make a new one.")
    secret = _new_secret()
    renewed = {"digest": key_digest(secret), "prefix": secret[:_SHOWN_CHARACTERS]}
    connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(**renewed))
    return KeyWithSecret(**key.model_dump() | {"prefix": renewed["prefix"]}, secret=secret)


def _hold_keys(connection: Connection, tenant_id: str) -> None:
    """Lets no other transaction that changes keys go on, so that two cannot each revoke the last but one."""
    connection.execute(select(tenants.c.id).where(tenants.c.id == tenant_id).with_for_update())


def _is_last_admin(connection: Connection, tenant_id: str, key: Key) -> bool:
    others = [
        found for found in keys_of(connection, tenant_id) if found.id != key.id and not found.revoked_at
    ]
    return Scope.ADMIN in key.scopes and not any(Scope.ADMIN in other.scopes for other in others)


def _new_secret() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def key_digest(secret: str) -> str:
    """What is kept of a key. A plain hash is enough: nobody guesses 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        scopes=tuple(row.scopes),
        limits=_limits(row),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )


def _limits(row: Row[Any]) -> Limits:
    return Limits(per_minute=row.per_minute, per_day=row.per_day, concurrent=row.concurrent)
