"""Who asks, and what they may and did ask: tenants, keys, browsers, uses."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from engine.database.tables.metadata import metadata

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
