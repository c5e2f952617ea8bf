"""Drops and what was claimed from them, as the API tells them."""

from typing import Any

from sqlalchemy import Connection, Row

from engine.api.drop import MAX_SHOWN, Drop, DropAsset, DropClaim, PublicDrop
from engine.database.collections import own_collection
from engine.database.drops import DropRecord, drop_counts, shown_assets, time_text


def drop_view(connection: Connection, drop: DropRecord, chain_id: int) -> Drop:
    counts = drop_counts(connection, drop, chain_id)
    return Drop(
        id=drop.id,
        collection=drop.collection_id,
        state=drop.state(counts.left),
        per_address=drop.per_address,
        listed_only=drop.listed_only,
        addresses=counts.addresses,
        starts_at=time_text(drop.starts_at_s),
        ends_at=time_text(drop.ends_at_s),
        closed=drop.closed,
        total=counts.total,
        left=counts.left,
        promised=counts.promised,
        claimed=counts.claimed,
        created_at=drop.created_at,
        links={
            "self": f"/v1/drops/{drop.id}",
            "page": f"/drops/{drop.id}",
            "collection": f"/v1/collections/{drop.collection_id}",
        },
    )


def public_view(connection: Connection, drop: DropRecord, chain_id: int) -> PublicDrop:
    counts = drop_counts(connection, drop, chain_id)
    collection = own_collection(connection, drop.tenant_id, drop.collection_id)
    here = f"/v1/drops/{drop.id}"
    return PublicDrop(
        id=drop.id,
        name=collection.name,
        description=collection.description,
        state=drop.state(counts.left),
        per_address=drop.per_address,
        listed_only=drop.listed_only,
        starts_at=time_text(drop.starts_at_s),
        ends_at=time_text(drop.ends_at_s),
        total=counts.total,
        left=counts.left,
        chain_id=chain_id,
        assets=tuple(
            DropAsset(
                name=row.name,
                kind=row.kind,
                size=_size_px(row.recipe),
                image=f"/ipfs/{row.image_cid}",
                free=bool(row.is_free),
            )
            for row in shown_assets(connection, drop, chain_id, MAX_SHOWN)
        ),
        links={
            "self": here,
            "page": f"/drops/{drop.id}",
            "claim": f"{here}/claim",
            "claims": f"{here}/claims",
        },
    )


def claim_view(row: Row[Any]) -> DropClaim:
    """A row of ``engine.database.drops.claims_of``."""
    return DropClaim(
        voucher=row.id,
        asset=row.asset_id,
        name=row.name,
        image=f"/ipfs/{row.image_cid}",
        size=_size_px(row.recipe),
        status=row.status,
        expires_at=time_text(row.deadline_s),
        chain_id=row.chain_id,
        collection=row.collection,
        token_id=row.token_id,
        error=row.error,
        links={"voucher": f"/v1/vouchers/{row.id}"},
    )


def _size_px(recipe: dict[str, Any]) -> int:
    return int(recipe.get("size") or max(recipe["width"], recipe["height"]))
