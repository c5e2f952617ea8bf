"""The tables of the records database. Migrations make them; a test compares the two."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

creations = Table(
    "creations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("status", String(12), nullable=False),
    Column("recipes", JSON, nullable=False),  # list of recipe objects, one for each asset asked for
    Column("error", Text),
    Column("created_at", String(32), nullable=False),  # RFC 3339, UTC
    CheckConstraint("status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="status"),
)

assets = Table(
    "assets",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("creation_id", String(40), ForeignKey("creations.id"), nullable=False),
    Column("position", Integer, nullable=False),  # within its creation, from 0
    Column("kind", String(12), nullable=False),
    Column("name", Text, nullable=False),
    Column("recipe", JSON, nullable=False),
    Column("recipe_hash", String(64), nullable=False),
    Column("media_cid", String(80), nullable=False),
    Column("image_cid", String(80), nullable=False),
    Column("metadata_cid", String(80), nullable=False),
    Column("owner", String(42)),  # None until it is minted
    Column("parents", JSON, nullable=False),  # ids of the assets it was made from
    Column("created_at", String(32), nullable=False),
    Column("quality", JSON(none_as_null=True)),  # what its mint overruled; None where nothing was
    UniqueConstraint("creation_id", "position"),
)

mints = Table(
    "mints",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("asset_id", String(40), ForeignKey("assets.id"), nullable=False),
    Column("recipient", String(42), nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("contract", String(42)),
    Column("status", String(12), nullable=False),
    Column("token_id", String(80)),  # decimal; a uint256 fits no integer column
    Column("tx_hash", String(66)),
    Column("block_number", BigInteger),
    Column("error", Text),
    Column("created_at", String(32), nullable=False),
    CheckConstraint(
        "status in ('prepared', 'signed', 'sent', 'mined', 'confirmed', 'failed')", name="status"
    ),
)
# One living mint for an asset on a chain; a failed one may be followed by another.
Index(
    "uq_mints_living",
    mints.c.asset_id,
    mints.c.chain_id,
    unique=True,
    sqlite_where=mints.c.status != "failed",
    postgresql_where=mints.c.status != "failed",
)
Index("ix_mints_token_id", mints.c.contract, mints.c.token_id)

transactions = Table(
    "transactions",
    metadata,
    Column(
        "purpose", String(80), primary_key=True
    ),  # what it is for: "deploy" or a mint's id, with the attempt
    Column("chain_id", BigInteger, nullable=False),
    Column("sender", String(42), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("hash", String(66), nullable=False),
    Column("raw", LargeBinary, nullable=False),  # signed; written before it is sent
    Column("created_at", String(32), nullable=False),
    UniqueConstraint("chain_id", "hash"),
)

contracts = Table(
    "contracts",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column("address", String(42), nullable=False),
    Column("created_at", String(32), nullable=False),
)
