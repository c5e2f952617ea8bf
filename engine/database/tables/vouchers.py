"""Promises that assets can be claimed on the chain, and drops of them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from engine.database.tables.metadata import metadata

# Promises that an asset can be claimed on the chain.
vouchers = Table(
    "vouchers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("key_id", String(40), ForeignKey("api_keys.id")),  # None: the player asked for it
    Column("player_id", String(40), ForeignKey("players.id")),  # who may read it beside the studio
    Column("asset_id", String(40), ForeignKey("assets.id"), nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("recipient", String(42)),  # None: whoever has the voucher
    Column(
        "price_wei", String(80), nullable=False, server_default="0"
    ),  # decimal; a uint256 fits no integer column
    Column("digest", String(64), nullable=False),  # of the metadata, in hex
    Column("deadline_s", BigInteger, nullable=False),  # Unix time
    Column("status", String(12), nullable=False),
    Column("collection", String(42)),  # this and what follows: None until it is signed
    Column("contract", String(42)),  # of the vouchers
    Column("signer", String(42)),
    Column("nonce", String(80), unique=True),  # decimal, as a token's id
    Column("signature", String(140)),  # in hex
    Column("from_block", BigInteger),  # it was not used before this block
    Column("handed_out_at", String(32)),  # when its signature was first read
    Column("token_id", String(80)),
    Column("error", Text),
    Column("created_at", String(32), nullable=False),
    CheckConstraint(
        "status in ('prepared', 'signed', 'claimed', 'cancelling', 'cancelled', 'expired', 'failed')",
        name="status",
    ),
)

# One living voucher for an asset on a chain.
Index(
    "uq_vouchers_living",
    vouchers.c.asset_id,
    vouchers.c.chain_id,
    unique=True,
    sqlite_where=vouchers.c.status.in_(("prepared", "signed", "cancelling")),
    postgresql_where=vouchers.c.status.in_(("prepared", "signed", "cancelling")),
)
Index("ix_vouchers_asset_id", vouchers.c.asset_id)
Index("ix_vouchers_recipient", vouchers.c.recipient, vouchers.c.created_at, vouchers.c.id)
Index("ix_vouchers_player_id", vouchers.c.player_id, vouchers.c.created_at, vouchers.c.id)
Index("ix_vouchers_tenant_id", vouchers.c.tenant_id, vouchers.c.created_at, vouchers.c.id)

# Collections whose assets people claim by their wallets, one voucher each.
drops = Table(
    "drops",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column(
        "collection_id",
        String(40),
        ForeignKey("collections.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    Column("per_address", Integer, nullable=False),  # claims
    Column("listed_only", Boolean, nullable=False),  # to those in drop_addresses; else to anybody
    Column("closed", Boolean, nullable=False),
    Column("starts_at_s", BigInteger, nullable=False),  # Unix time
    Column("ends_at_s", BigInteger, nullable=False),  # Unix time; nothing is claimed from here on
    Column("created_at", String(32), nullable=False),
)
Index("ix_drops_tenant_id", drops.c.tenant_id, drops.c.created_at, drops.c.id)

drop_addresses = Table(
    "drop_addresses",
    metadata,
    Column("drop_id", String(40), ForeignKey("drops.id", ondelete="CASCADE"), primary_key=True),
    Column("address", String(42), primary_key=True),  # checksummed
)

# Which vouchers a drop gave to whom; how it stands with each says the voucher.
drop_claims = Table(
    "drop_claims",
    metadata,
    Column("voucher_id", String(40), ForeignKey("vouchers.id"), primary_key=True),
    Column("drop_id", String(40), ForeignKey("drops.id", ondelete="CASCADE"), nullable=False),
    Column("address", String(42), nullable=False),  # checksummed
)
Index("ix_drop_claims_drop_id", drop_claims.c.drop_id, drop_claims.c.address)

# The contract that claims vouchers, where this server deployed it.
voucher_contracts = Table(
    "voucher_contracts",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column("address", String(42), nullable=False),
    Column("created_at", String(32), nullable=False),
)
