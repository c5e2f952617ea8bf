"""What is brought to the chain, and all that was signed for it."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from engine.database.tables.metadata import metadata

mints = Table(
    "mints",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("key_id", String(40), ForeignKey("api_keys.id")),
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
Index("ix_mints_asset_id", mints.c.asset_id, mints.c.status)
Index("ix_mints_token_id", mints.c.contract, mints.c.token_id)
Index("ix_mints_tenant_id", mints.c.tenant_id, mints.c.created_at, mints.c.id)

# Each change of a mint's status, and why.
mint_changes = Table(
    "mint_changes",
    metadata,
    Column("mint_id", String(48), ForeignKey("mints.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1
    Column("status", String(12), nullable=False),
    Column("reason", Text),
    Column("tx_hash", String(66)),
    Column("block_number", BigInteger),
    Column("at", String(32), nullable=False),
)

# Mints that share one transaction, written before it is signed.
mint_batches = Table(
    "mint_batches",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("contract", String(42), nullable=False),
    Column("recipient", String(42), nullable=False),
    Column("half_of", String(64)),  # the batch that the chain refused and that was split into this one
    Column("created_at", String(32), nullable=False),
)

# A mint is in one batch at most, whatever happens.
batch_mints = Table(
    "batch_mints",
    metadata,
    Column("mint_id", String(48), ForeignKey("mints.id", ondelete="CASCADE"), primary_key=True),
    Column("batch_id", String(64), ForeignKey("mint_batches.id"), nullable=False),
    Column("position", Integer, nullable=False),  # of its token on the page
)
Index("ix_batch_mints_batch_id", batch_mints.c.batch_id, batch_mints.c.position)

# The accounts that sign, each with the nonce that it gives out next.
signers = Table(
    "signers",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column("address", String(42), primary_key=True),
    Column("next_nonce", BigInteger, nullable=False),
)

# All that was ever signed. Those of one sender and nonce are versions, of which the chain takes one at most.
transactions = Table(
    "transactions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),  # the order in which they were signed
    Column("chain_id", BigInteger, nullable=False),
    Column("purpose", String(80), nullable=False),  # "deploy", a batch's id …; "empty" only fills its nonce
    Column("sender", String(42), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("hash", String(66), nullable=False),
    Column("raw", LargeBinary, nullable=False),  # signed; written before it is sent
    Column("status", String(12), nullable=False, server_default="signed"),  # see engine.database.transactions
    Column("reason", Text),  # why the node refused it for good
    Column("replaces", String(66)),  # the version before it, which was stuck or could never be mined
    Column("gas", BigInteger, nullable=False, server_default="0"),
    Column("max_fee_per_gas_wei", BigInteger, nullable=False, server_default="0"),
    Column("max_priority_fee_per_gas_wei", BigInteger, nullable=False, server_default="0"),
    Column(
        "since_ms", BigInteger
    ),  # Unix time of when it was sent, or of when its nonce was seen to be taken
    Column("block_number", BigInteger),  # where it is mined; of "overtaken" where that was noticed
    Column("block_hash", String(66)),
    Column("created_at", String(32), nullable=False),
    UniqueConstraint("chain_id", "hash"),
    CheckConstraint(
        "status in ('signed', 'sent', 'mined', 'confirmed', 'refused', 'overtaken', 'lost')", name="status"
    ),
    sqlite_autoincrement=True,
)

# Nothing is signed for two nonces at once, whoever asks for it.
_first_of_purpose = (
    transactions.c.replaces.is_(None)
    & (transactions.c.status != "lost")
    & (transactions.c.purpose != "empty")
)
Index(
    "uq_transactions_purpose",
    transactions.c.chain_id,
    transactions.c.purpose,
    unique=True,
    sqlite_where=_first_of_purpose,
    postgresql_where=_first_of_purpose,
)
Index("ix_transactions_purpose", transactions.c.chain_id, transactions.c.purpose)
Index("ix_transactions_sender", transactions.c.chain_id, transactions.c.sender, transactions.c.nonce)
Index("ix_transactions_status", transactions.c.chain_id, transactions.c.status, transactions.c.block_number)

contracts = Table(
    "contracts",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column("address", String(42), nullable=False),
    Column("created_at", String(32), nullable=False),
)
