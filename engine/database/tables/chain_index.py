"""What the chain's logs say. All of it can be read again; what a reorganisation removed goes by its block."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, String, Table

from engine.database.tables.metadata import metadata

# What the chain's logs say. All of it can be read again; what a reorganisation removed goes by its block.
indexed_chains = Table(
    "indexed_chains",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column(
        "version", BigInteger, nullable=False
    ),  # counts every change; of two writers at once one gives way
    Column("head_block", BigInteger, nullable=False),  # the newest that the node told of
)

indexed_contracts = Table(
    "indexed_contracts",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column("address", String(42), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("first_block", BigInteger, nullable=False),  # no log of the contract is older
    Column("next_block", BigInteger, nullable=False),  # what is older was read
    Column("found_block", BigInteger),  # where a factory made it; None: who runs the server named it
    Column("creator", String(42)),  # who asked the factory
    CheckConstraint("kind in ('assets', 'collections', 'vouchers')", name="kind"),
)

# The newest blocks that were read: those with logs, and the last of each batch.
indexed_blocks = Table(
    "indexed_blocks",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("hash", String(66), nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column("contract", String(42), primary_key=True),
    Column("token_id", String(80), primary_key=True),  # decimal, as everywhere
    Column("owner", String(42)),  # None: burned
    Column("digest", String(64)),  # sha256 of the metadata as it is now, in hex; None where it cannot be read
    Column("minted_digest", String(64)),
    Column("frozen", Boolean, nullable=False),  # the metadata never changes again
    Column("minted_block", BigInteger, nullable=False),
    Column("minted_index", Integer, nullable=False),  # of the log, within its block
    Column("minted_tx", String(66), nullable=False),
    Column("minted_at", String(32), nullable=False),  # by the block
    Column("changed_block", BigInteger, nullable=False),  # the newest that says anything of it
)
Index("ix_tokens_minted", tokens.c.chain_id, tokens.c.minted_block, tokens.c.minted_index)
Index("ix_tokens_owner", tokens.c.chain_id, tokens.c.owner, tokens.c.minted_block, tokens.c.minted_index)
Index(
    "ix_tokens_contract", tokens.c.chain_id, tokens.c.contract, tokens.c.minted_block, tokens.c.minted_index
)
Index("ix_tokens_changed", tokens.c.chain_id, tokens.c.changed_block)

transfers = Table(
    "transfers",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column("block_number", BigInteger, primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Column("contract", String(42), nullable=False),
    Column("token_id", String(80), nullable=False),
    Column("sender", String(42), nullable=False),  # the zero address of a mint
    Column("receiver", String(42), nullable=False),  # the zero address of a burn
    Column("tx_hash", String(66), nullable=False),
    Column("at", String(32), nullable=False),
)
Index(
    "ix_transfers_token",
    transfers.c.chain_id,
    transfers.c.contract,
    transfers.c.token_id,
    transfers.c.block_number,
    transfers.c.log_index,
)

# What else happened to tokens: their metadata changed or was frozen, or a recipe was bound to them (ERC-7007).
token_changes = Table(
    "token_changes",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column("block_number", BigInteger, primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Column("contract", String(42), nullable=False),
    Column("token_id", String(80), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("digest", String(64)),  # of the metadata at the end of that block
    Column("prompt_hash", String(66)),  # keccak256, as the log has it
    Column("content_hash", String(66)),
    Column("tx_hash", String(66), nullable=False),
    Column("at", String(32), nullable=False),
    CheckConstraint("kind in ('metadata', 'frozen', 'recipe')", name="kind"),
)
Index(
    "ix_token_changes_token",
    token_changes.c.chain_id,
    token_changes.c.contract,
    token_changes.c.token_id,
    token_changes.c.block_number,
    token_changes.c.log_index,
)

voucher_events = Table(
    "voucher_events",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column("block_number", BigInteger, primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Column("contract", String(42), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("signer", String(42), nullable=False),
    Column("nonce", String(80), nullable=False),  # decimal
    Column("collection", String(42)),  # this and what follows None of a voucher that was cancelled
    Column("recipient", String(42)),
    Column("token_id", String(80)),
    Column("tx_hash", String(66), nullable=False),
    Column("at", String(32), nullable=False),
    CheckConstraint("kind in ('claimed', 'cancelled')", name="kind"),
)
Index("ix_voucher_events_signer", voucher_events.c.chain_id, voucher_events.c.signer, voucher_events.c.nonce)
