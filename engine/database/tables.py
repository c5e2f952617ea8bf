"""The tables of the records database. Migrations make them; a test compares the two."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
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

# Who owns what: a studio, or LOCAL_TENANT for the command line over its own data folder.
tenants = Table(
    "tenants",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("created_at", String(32), nullable=False),  # RFC 3339, UTC, as every text that is a time
)
LOCAL_TENANT = "tenant-local"

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),  # sha256 of the whole key, in hex
    Column("prefix", String(16), nullable=False),  # its first characters, by which people tell keys apart
    Column("scopes", JSON, nullable=False),  # list of create, mint, read, admin
    Column("per_minute", Integer, nullable=False),  # requests
    Column("per_day", Integer, nullable=False),  # assets, from midnight UTC
    Column("concurrent", Integer, nullable=False),  # creations that have not ended
    Column("created_at", String(32), nullable=False),
    Column("revoked_at", String(32)),
)
Index("ix_api_keys_tenant_id", api_keys.c.tenant_id)

collections = Table(
    "collections",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
)
Index("ix_collections_tenant_id", collections.c.tenant_id, collections.c.created_at)

creations = Table(
    "creations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("key_id", String(40), ForeignKey("api_keys.id")),  # None: asked for on the command line
    Column("status", String(12), nullable=False),
    Column("request", JSON(none_as_null=True)),  # as engine.api.creation.CreationRequest; None: recipes alone
    Column(
        "recipes", JSON, nullable=False
    ),  # list of recipe objects, one an asset; empty until they are made
    Column("count", Integer, nullable=False),  # assets asked for
    Column("collection_id", String(40), ForeignKey("collections.id", ondelete="SET NULL")),
    Column("error", Text),
    Column("events", Integer, nullable=False, server_default="0"),  # how many there are in creation_events
    Column("created_at", String(32), nullable=False),
    Column("started_at", String(32)),
    Column("finished_at", String(32)),
    CheckConstraint("status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="status"),
)
Index("ix_creations_tenant_id", creations.c.tenant_id, creations.c.created_at, creations.c.id)
Index("ix_creations_key_id", creations.c.key_id, creations.c.status)

# What happened to a creation, in order; what the server-sent events repeat.
creation_events = Table(
    "creation_events",
    metadata,
    Column("creation_id", String(40), ForeignKey("creations.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1
    Column("type", String(24), nullable=False),
    Column("data", JSON, nullable=False),
    Column("created_at", String(32), nullable=False),
)

# How long the newest draws took, for estimates; a few of each model and kind are kept.
drawing_times = Table(
    "drawing_times",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("model", String(200), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("assets", Integer, nullable=False),
    Column("steps", Integer, nullable=False),  # of denoising, over all of them
    Column("ms", Integer, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_drawing_times_model", drawing_times.c.model, drawing_times.c.kind, drawing_times.c.number)

assets = Table(
    "assets",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("creation_id", String(40), ForeignKey("creations.id")),  # None of an upload
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
    # Whose it is within the game, at most one of the two: who signs in by a wallet, or whom the studio knows.
    Column("holder_player_id", String(40), ForeignKey("players.id")),
    Column("holder_reference", String(200)),
    UniqueConstraint("creation_id", "position"),
)
Index(
    "ix_assets_holder_player_id",
    assets.c.holder_player_id,
    assets.c.created_at,
    assets.c.id,
)
Index(
    "ix_assets_holder_reference",
    assets.c.tenant_id,
    assets.c.holder_reference,
    assets.c.created_at,
    assets.c.id,
)
Index("ix_assets_tenant_id", assets.c.tenant_id, assets.c.created_at, assets.c.id)
# One for each filter of a list that few assets may pass; each gives the list's order as well.
Index("ix_assets_kind", assets.c.tenant_id, assets.c.kind, assets.c.created_at, assets.c.id)
Index("ix_assets_creation", assets.c.tenant_id, assets.c.creation_id, assets.c.created_at, assets.c.id)
Index("ix_assets_owner", assets.c.tenant_id, assets.c.owner, assets.c.created_at, assets.c.id)

asset_tags = Table(
    "asset_tags",
    metadata,
    Column("asset_id", String(40), ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(64), primary_key=True),
)
Index("ix_asset_tags_tag", asset_tags.c.tag, asset_tags.c.asset_id)

# What the text of an asset's prompt means, for search.
asset_vectors = Table(
    "asset_vectors",
    metadata,
    Column(
        "number", Integer, primary_key=True, autoincrement=True
    ),  # the order in which a tenant's were written
    Column("asset_id", String(40), ForeignKey("assets.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("tenant_id", String(40), nullable=False),
    Column("vector", LargeBinary, nullable=False),  # 384 float16, of length 1, little-endian
    sqlite_autoincrement=True,
)
Index("ix_asset_vectors_tenant_id", asset_vectors.c.tenant_id, asset_vectors.c.number)

collection_assets = Table(
    "collection_assets",
    metadata,
    Column("collection_id", String(40), ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True),
    Column("asset_id", String(40), ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),  # the order in which they were added
)
Index("ix_collection_assets_asset_id", collection_assets.c.asset_id)

# Assets that their creator marked; of the tenant, as the assets are.
favourites = Table(
    "favourites",
    metadata,
    Column("asset_id", String(40), ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True),
    Column("at", String(32), nullable=False),
)

# The newest verification of each asset: what was checked, and the pictures to compare.
verifications = Table(
    "verifications",
    metadata,
    Column("asset_id", String(40), ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True),
    Column("status", String(12), nullable=False),
    Column("checks", JSON, nullable=False),  # list of {name, ok, detail}
    Column("error", Text),  # why it could not be checked
    Column("total", Integer),  # pixels, of all frames; this and what follows: None until it was drawn again
    Column("differing", Integer),
    Column("visible", Integer),
    Column("largest", Integer),  # difference of a channel, of 255
    Column("frame", Integer),  # of a clip: which one the pictures show, from 0
    Column("original", LargeBinary),  # these three are PNG
    Column("regenerated", LargeBinary),
    Column("difference", LargeBinary),
    Column("created_at", String(32), nullable=False),
    Column("finished_at", String(32)),
    CheckConstraint("status in ('queued', 'running', 'done', 'failed')", name="status"),
)

# Blocks of deleted assets, which the next start removes where nothing else needs them.
released_blocks = Table(
    "released_blocks",
    metadata,
    Column("cid", String(80), primary_key=True),  # CIDv1
)

# The block store where several hosts share one database; empty where blocks lie in a folder.
blocks = Table(
    "blocks",
    metadata,
    Column("cid", String(80), primary_key=True),  # CIDv1
    Column("data", LargeBinary, nullable=False),
)

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

# Browsers of creators, each with the API key that it acts for.
browser_sessions = Table(
    "browser_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),  # sha256 of the cookie's value, in hex
    Column("key_id", String(40), ForeignKey("api_keys.id"), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),  # Unix time
)
Index("ix_browser_sessions_expires_at_ms", browser_sessions.c.expires_at_ms)

# Links that sign a browser in, once; a row goes when its link is followed, or some time after it expired.
entry_links = Table(
    "entry_links",
    metadata,
    Column("digest", String(64), primary_key=True),  # sha256 of the link's token, in hex
    Column("expires_at_ms", BigInteger, nullable=False),  # Unix time
)
Index("ix_entry_links_expires_at_ms", entry_links.c.expires_at_ms)

# Two models draw one prompt with one seed, and somebody says which drew it better.
duels = Table(
    "duels",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("left_model", String(200), nullable=False),
    Column("right_model", String(200), nullable=False),
    Column("left_creation_id", String(40), ForeignKey("creations.id"), nullable=False),
    Column("right_creation_id", String(40), ForeignKey("creations.id"), nullable=False),
    Column("verdict", String(8)),  # left, right, both, neither; NULL until somebody said
    Column("created_at", String(32), nullable=False),
    Column("decided_at", String(32)),
    CheckConstraint("verdict in ('left', 'right', 'both', 'neither')", name="verdict"),
)
Index("ix_duels_tenant_id", duels.c.tenant_id, duels.c.created_at, duels.c.id)

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

# What waits for a worker or is in one's hands. A row goes when its work has ended; what became of it says its record.
jobs = Table(
    "jobs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),  # the order of arrival
    Column("queue", String(16), nullable=False),  # as engine.database.jobs.QUEUES
    Column("record_id", String(80), nullable=False),  # of what it is about
    Column("tenant_id", String(40), nullable=False),
    Column("model", String(200), nullable=False, server_default=""),  # who takes it must have it; "" anybody
    Column("priority", Integer, nullable=False, server_default="0"),  # within its tenant; higher goes first
    Column("state", String(12), nullable=False),
    Column("worker_id", String(40)),  # in whose hands it is
    Column("run", Integer, nullable=False, server_default="0"),  # how often it was begun anew
    Column("deaths", Integer, nullable=False, server_default="0"),  # workers that ended while they had it
    Column("run_after_ms", BigInteger, nullable=False),  # Unix time
    Column("created_at", String(32), nullable=False),
    UniqueConstraint("queue", "record_id"),
    CheckConstraint("state in ('queued', 'running', 'set_aside')", name="state"),
    sqlite_autoincrement=True,
)
Index("ix_jobs_waiting", jobs.c.queue, jobs.c.state, jobs.c.tenant_id, jobs.c.priority.desc(), jobs.c.number)
Index("ix_jobs_due", jobs.c.queue, jobs.c.state, jobs.c.run_after_ms)
Index("ix_jobs_worker_id", jobs.c.worker_id)

# Where each asset is kept on IPFS besides here: one row for each service that the settings list.
pins = Table(
    "pins",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("asset_id", String(40), ForeignKey("assets.id", ondelete="CASCADE"), nullable=False),
    Column("service", String(64), nullable=False),  # its name in the settings
    Column("metadata_cid", String(80), nullable=False),  # the asset's, as it is pinned
    Column("root", String(80)),  # of the asset's directory; None until it was put together
    Column("status", String(12), nullable=False),
    Column("request_id", String(200)),  # the service's own name for the pin
    Column("bytes", BigInteger),  # of all blocks
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("repairs", Integer, nullable=False, server_default="0"),  # how often it was lost and pinned anew
    Column("error", Text),
    Column("requested_at", String(32), nullable=False),
    Column("pinned_at", String(32)),
    Column("checked_at", String(32)),  # when the service was last asked about it
    Column("read_at", String(32)),  # when all of it last came back from the service
    UniqueConstraint("asset_id", "service"),
    CheckConstraint("status in ('queued', 'pinning', 'pinned', 'failed', 'lost')", name="status"),
)
Index("ix_pins_root", pins.c.root)
Index("ix_pins_tenant_id", pins.c.tenant_id, pins.c.requested_at, pins.c.id)
Index("ix_pins_metadata_cid", pins.c.metadata_cid)
Index("ix_pins_service", pins.c.service, pins.c.status, pins.c.checked_at)
Index("ix_assets_metadata_cid", assets.c.metadata_cid)

# Mints that go on without a pin, because who asked for them wants it so.
pin_waivers = Table(
    "pin_waivers",
    metadata,
    Column("mint_id", String(48), ForeignKey("mints.id", ondelete="CASCADE"), primary_key=True),
)

# When each tenant was last served from a queue: the next job comes from who was served longest ago.
turns = Table(
    "turns",
    metadata,
    Column("queue", String(16), primary_key=True),
    Column("tenant_id", String(40), primary_key=True),
    Column("served", BigInteger, nullable=False),  # counts up over the queue
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("session", String(64), nullable=False),  # application name of its connections to PostgreSQL
    Column("queues", JSON, nullable=False),
    Column("models", JSON, nullable=False),  # what it can draw with, as engine.api.account.Model
    Column("started_at", String(32), nullable=False),
    Column("beat_at_ms", BigInteger, nullable=False),  # Unix time of its last sign of life, by the database
)

# Answers to POSTs, given again when the same is asked with the same Idempotency-Key.
idempotency = Table(
    "idempotency",
    metadata,
    Column("tenant_id", String(40), ForeignKey("tenants.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),  # sha256 of method, path and body
    Column("status", Integer, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("sealed", Boolean, nullable=False),  # encrypted, because it holds a secret
    Column("created_at", String(32), nullable=False),
)
Index("ix_idempotency_created_at", idempotency.c.created_at)

# What each key used on a day (UTC).
usage = Table(
    "usage",
    metadata,
    Column("key_id", String(40), ForeignKey("api_keys.id"), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("creations", Integer, nullable=False, server_default="0"),
    Column("assets", Integer, nullable=False, server_default="0"),
    Column("steps", BigInteger, nullable=False, server_default="0"),  # of denoising, over all assets
    Column("mints", Integer, nullable=False, server_default="0"),
    Column("upload_bytes", BigInteger, nullable=False, server_default="0"),
)

# Which prompts were checked and what was found; never the prompt itself.
moderations = Table(
    "moderations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("digest", String(64), nullable=False),  # sha256 of the prompt in plain form
    Column("allowed", Boolean, nullable=False),
    Column("reason", String(200)),  # which list or category refused it
    Column("created_at", String(32), nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_moderations_tenant_id", moderations.c.tenant_id, moderations.c.number)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", String(80), nullable=False),  # what deliveries are signed with; shown once
    Column("former_secret", String(80)),  # signs along until former_until
    Column("former_until", String(32)),
    Column("events", JSON, nullable=False),  # list of event types; empty: all
    Column("created_at", String(32), nullable=False),
)
Index("ix_webhooks_tenant_id", webhooks.c.tenant_id)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant_id", String(40), ForeignKey("tenants.id"), nullable=False),
    Column("webhook_id", String(40), ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", String(40), nullable=False),
    Column("event", String(32), nullable=False),
    Column("body", Text, nullable=False),  # the JSON that is sent and signed
    Column("status", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("earlier", Integer, nullable=False, server_default="0"),  # attempts before it was begun anew
    Column("begun_at", String(32), nullable=False),  # a day later it is given up
    Column("created_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    CheckConstraint("status in ('pending', 'delivered', 'failed')", name="status"),
)
Index("ix_deliveries_tenant_id", deliveries.c.tenant_id, deliveries.c.created_at, deliveries.c.id)
Index("ix_deliveries_webhook_id", deliveries.c.webhook_id, deliveries.c.created_at, deliveries.c.id)

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    Column("delivery_id", String(40), ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1
    Column("at", String(32), nullable=False),
    Column("status", Integer),  # of the HTTP answer; None where there was none
    Column("error", Text),
    Column("took_ms", Integer, nullable=False),
)

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
