"""Who signs in by a wallet."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table

from engine.database.tables.metadata import metadata

# Who signs in by a wallet; of no tenant, since one wallet plays the games of many studios.
players = Table(
    "players",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("address", String(42), nullable=False, unique=True),  # checksummed
    Column("created_at", String(32), nullable=False),
)

# Given out for sign-in messages; a row goes when its nonce is used, or some time after it expired.
wallet_nonces = Table(
    "wallet_nonces",
    metadata,
    Column("nonce", String(40), primary_key=True),
    Column("expires_at_ms", BigInteger, nullable=False),  # Unix time
)
Index("ix_wallet_nonces_expires_at_ms", wallet_nonces.c.expires_at_ms)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),  # sha256 of the cookie's value, in hex
    Column("player_id", String(40), ForeignKey("players.id"), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),  # Unix time; later with each day of use
)
Index("ix_sessions_player_id", sessions.c.player_id)
Index("ix_sessions_expires_at_ms", sessions.c.expires_at_ms)
