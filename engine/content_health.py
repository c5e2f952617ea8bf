"""Whether an asset's content is whole here, and who else holds it."""

from collections.abc import Iterable, Sequence

from assets.asset import Asset
from assets.car import export_dag
from assets.cid import Cid
from assets.errors import BlockDamaged, BlockMissing
from engine.api.health import Health, PinHolder
from engine.asset_files import AssetFiles
from engine.database.pins import PinRecord

_TOLD = tuple(PinHolder.model_fields)


def health(asset: Asset, pins: Sequence[PinRecord], files: AssetFiles) -> Health:
    """Reads and hashes every block of the asset. Raises StorageFailed."""
    root = next(
        (each.root for each in pins if each.root and each.metadata_cid == str(asset.metadata_cid)), None
    )
    blocks = size = 0
    fault = None
    try:
        for _, data in export_dag(roots(asset, root, files), files.blocks):
            blocks += 1
            size += len(data)
    except (BlockMissing, BlockDamaged) as error:
        fault = str(error)
    here = f"/v1/assets/{asset.asset_id}"
    links = {"self": f"{here}/health", "asset": here, "car": f"{here}/car"}
    if any(each.status == "pinned" for each in pins):
        links["page"] = f"/health/{asset.metadata_cid}"
    return Health(
        asset=asset.asset_id,
        root=root,
        metadata_cid=str(asset.metadata_cid),
        whole=fault is None,
        blocks=blocks,
        bytes=size,
        fault=fault,
        holders=tuple(holder(each) for each in pins),
        links=links,
    )


def holder(pin: PinRecord) -> PinHolder:
    return PinHolder(**{name: getattr(pin, name) for name in _TOLD})


def roots(asset: Asset, root: str | None, files: AssetFiles) -> Iterable[Cid]:
    """What the asset is made of; first what a damaged store would keep from being listed."""
    if root is not None:
        yield Cid.parse(root)
    yield from (asset.metadata_cid, asset.media_cid, asset.image_cid)
    for name in ("source_cid", "mask_cid"):
        if isinstance(cid := asset.recipe.get(name), str):
            yield Cid.parse(cid)
    yield from files.listed(asset.metadata_cid).values()
