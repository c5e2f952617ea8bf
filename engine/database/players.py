"""Players as rows, and the sessions that their wallets began. Only a digest of a session's secret is kept."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine.database.clock import clock_ms, now
from engine.database.tables import players, sessions, wallet_nonces
from engine.errors import UnknownRecord

NONCE_LIFE_S: Final = 300
SESSION_LIFE_S: Final = 30 * 24 * 3600  # from its last use
# A session's end moves when it is this much nearer, so that not every request writes.
SLIDES_AFTER_S: Final = 24 * 3600
_SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 16


@dataclass(frozen=True)
class Player:
    """``address`` is checksummed."""

    id: str
    address: str
    created_at: str


@dataclass(frozen=True)
class Session:
    """Of a signed-in player. ``slid`` says that this use moved its end."""

    player: Player
    digest: str
    expires_at_ms: int
    slid: bool


# ------------------------------------------------------------------ nonces


def add_nonce(connection: Connection) -> str:
    """A nonce for one sign-in message, of letters and digits (EIP-4361); removes those that expired."""
    table = wallet_nonces
    connection.execute(delete(table).where(table.c.expires_at_ms <= clock_ms(connection)))
    nonce = secrets.token_hex(_NONCE_BYTES)
    expires_at_ms = clock_ms(connection) + NONCE_LIFE_S * 1000
    connection.execute(insert(table).values(nonce=nonce, expires_at_ms=expires_at_ms))
    return nonce


def use_nonce(connection: Connection, nonce: str) -> bool:
    """Whether the nonce was given out, has not expired and was not used before; now it is."""
    table = wallet_nonces
    usable = (table.c.nonce == nonce) & (table.c.expires_at_ms > clock_ms(connection))
    return connection.execute(delete(table).where(usable)).rowcount > 0


# ------------------------------------------------------------------ players


def player_at(connection: Connection, address: str) -> Player:
    """The player of that account, made at the first time."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(players)
        .values(id=f"player-{uuid4().hex[:20]}", address=address, created_at=now())
        .on_conflict_do_nothing(index_elements=["address"])
    )
    row = connection.execute(select(players).where(players.c.address == address)).one()
    return Player(**row._mapping)


def known_player(connection: Connection, player_id: str) -> Player:
    """Raises UnknownRecord."""
    query = select(players).where(players.c.id == player_id)
    # PostgreSQL takes no NUL in a text.
    row = connection.execute(query).one_or_none() if player_id.isprintable() else None
    if row is None:
        raise UnknownRecord(
            f"There is no player {player_id[:80]!r}; a player's id is in the answer to their sign-in."
        )
    return Player(**row._mapping)


# ------------------------------------------------------------------ sessions


def add_session(connection: Connection, player: Player) -> tuple[str, Session]:
    """Begins a session; returns its secret, which is kept nowhere. Removes sessions that expired."""
    table = sessions
    connection.execute(delete(table).where(table.c.expires_at_ms <= clock_ms(connection)))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    digest = digest_of(secret)
    expires_at_ms = connection.scalar(
        insert(table)
        .values(
            digest=digest,
            player_id=player.id,
            created_at=now(),
            expires_at_ms=clock_ms(connection) + SESSION_LIFE_S * 1000,
        )
        .returning(table.c.expires_at_ms)
    )
    assert expires_at_ms is not None, "a row that was inserted is returned"
    return secret, Session(player, digest, expires_at_ms, slid=True)


def living_session(connection: Connection, secret: str) -> Session | None:
    """The session of that secret; None where it ended, or there never was one. Does not move its end."""
    table = sessions
    row = connection.execute(
        select(players, table.c.digest, table.c.expires_at_ms)
        .join(table, table.c.player_id == players.c.id)
        .where(table.c.digest == digest_of(secret), table.c.expires_at_ms > clock_ms(connection))
    ).one_or_none()
    if row is None:
        return None
    return Session(Player(row.id, row.address, row.created_at), row.digest, row.expires_at_ms, slid=False)


def slide(connection: Connection, session: Session) -> Session:
    """Moves the session's end to 30 days from now where its last use lies a day or more back."""
    table = sessions
    later_ms = clock_ms(connection) + SESSION_LIFE_S * 1000
    due = table.c.expires_at_ms < later_ms - SLIDES_AFTER_S * 1000
    expires_at_ms = connection.scalar(
        update(table)
        .where(table.c.digest == session.digest, due)
        .values(expires_at_ms=later_ms)
        .returning(table.c.expires_at_ms)
    )
    if expires_at_ms is None:
        return session
    return Session(session.player, session.digest, expires_at_ms, slid=True)


def end_session(connection: Connection, session: Session, everywhere: bool = False) -> None:
    """Ends the session, or with ``everywhere`` all of its player's."""
    table = sessions
    which = table.c.player_id == session.player.id if everywhere else table.c.digest == session.digest
    connection.execute(delete(table).where(which))


def digest_of(secret: str) -> str:
    """What is kept of a secret of 256 random bits: nobody finds it by trying, so no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()
