"""What was made, and what is said of it."""

from sqlalchemy import (
    JSON,
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
Index("ix_assets_metadata_cid", assets.c.metadata_cid)
