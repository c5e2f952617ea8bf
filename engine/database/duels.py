"""Duels as rows: who drew what against whom, and who was preferred."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, Row, Select, insert, select, update

from engine.arena.ranking import Bout
from engine.database.clock import now
from engine.database.tables import duels
from engine.errors import Conflict, UnknownRecord

NEWEST_FIRST = (duels.c.created_at, duels.c.id)
_MOST_RANKED: Final = 100_000  # the newest, of a tenant: a second of fitting


class Verdict(StrEnum):
    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"
    NEITHER = "neither"


_SHARES: Final = {Verdict.LEFT.value: 1.0, Verdict.RIGHT.value: 0.0, Verdict.BOTH.value: 0.5}


@dataclass(frozen=True)
class Duel:
    id: str
    tenant_id: str
    kind: str
    prompt: str
    left_model: str
    right_model: str
    left_creation_id: str
    right_creation_id: str
    verdict: str | None
    created_at: str
    decided_at: str | None


def add_duel(
    connection: Connection,
    tenant_id: str,
    kind: str,
    prompt: str,
    models: tuple[str, str],
    creation_ids: tuple[str, str],
) -> Duel:
    made = Duel(
        f"duel-{uuid4().hex[:20]}", tenant_id, kind, prompt, *models, *creation_ids, None, now(), None
    )
    connection.execute(insert(duels).values(**vars(made)))
    return made


def own_duel(connection: Connection, tenant_id: str, duel_id: str) -> Duel:
    """Raises UnknownRecord."""
    query = duels_of(tenant_id).where(duels.c.id == duel_id)
    # PostgreSQL takes no NUL in a text.
    row = connection.execute(query).one_or_none() if duel_id.isprintable() else None
    if row is None:
        raise UnknownRecord(f"There is no duel {duel_id[:80]!r}; the arena shows the newest.")
    return duel_of(row)


def duels_of(tenant_id: str) -> Select[Any]:
    """The rows of a tenant's duels, in no order."""
    return select(duels).where(duels.c.tenant_id == tenant_id)


def duel_of(row: Row[Any]) -> Duel:
    return Duel(**row._mapping)


def decide(connection: Connection, tenant_id: str, duel_id: str, verdict: Verdict) -> Duel:
    """Writes down who was preferred, once; the same again is the same as once.

    Raises UnknownRecord, and Conflict where the verdict was another.
    """
    own_duel(connection, tenant_id, duel_id)
    undecided = (duels.c.id == duel_id) & duels.c.verdict.is_(None)
    connection.execute(update(duels).where(undecided).values(verdict=verdict.value, decided_at=now()))
    decided = own_duel(connection, tenant_id, duel_id)
    if decided.verdict != verdict.value:
        raise Conflict("This duel was decided before, and the models were named; start another.")
    return decided


def bouts_of(connection: Connection, tenant_id: str, kind: str | None = None) -> list[Bout]:
    """The tenant's decided duels; those in which neither was good say nothing about who is better."""
    query = duels_of(tenant_id).where(duels.c.verdict.in_(_SHARES))
    if kind is not None:
        query = query.where(duels.c.kind == kind)
    rows = connection.execute(query.order_by(duels.c.created_at.desc()).limit(_MOST_RANKED))
    return [Bout(row.left_model, row.right_model, _SHARES[row.verdict]) for row in rows]


def times_met(connection: Connection, tenant_id: str, kind: str) -> Counter[frozenset[str]]:
    """How often each two models were set against each other, decided or not."""
    query = select(duels.c.left_model, duels.c.right_model).where(
        duels.c.tenant_id == tenant_id, duels.c.kind == kind
    )
    return Counter(frozenset(pair) for pair in connection.execute(query))
