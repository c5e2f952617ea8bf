"""The quality gate over an asset: what its picture fails, and the record that it was minted all the same."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from assets.asset import Asset
from assets.canonical_json import JsonObject, thaw
from engine.asset_files import AssetFiles
from engine.errors import QualityRefused
from generators.finishing import read_png
from generators.quality_gate import NearCopies, PictureRules, QualityCheck, Rules, failed, inspect
from generators.recipe import Recipe


class QualityGate:
    """Looks at assets as they are stored; draws nothing."""

    def __init__(self, files: AssetFiles, near_copies: "Callable[[], NearCopies | None]") -> None:
        self._files, self._near_copies = files, near_copies

    def inspect(self, asset: Asset) -> list[QualityCheck]:
        """Every check of the asset's picture. Raises BlockMissing and BlockDamaged where it cannot be read."""
        recipe = Recipe.from_dict(thaw(asset.recipe))
        # Within a mask nothing may be drawn over what stays: its colours and edges are the source's.
        rules: PictureRules = (
            recipe if recipe.mask_cid is None else Rules(recipe.kind, seamless=recipe.seamless)
        )
        return inspect(read_png(self._files.read(asset.media_cid))[0], rules, self._near_copies())

    def passed(self, asset: Asset, force: bool) -> Asset:
        """The asset as it may be minted: itself where every check holds; with ``force`` one whose metadata names
        the checks that failed.

        Its blocks are stored when this returns; asked again it gives the same. Raises QualityRefused without
        ``force``.
        """
        broken = failed(self.inspect(asset))
        if not broken:
            return asset
        if not force:
            raise QualityRefused(refusal(asset.asset_id, broken))
        quality = JsonObject({"failed": [check.name for check in broken], "forced": True})
        metadata = self._files.metadata(asset)
        told = replace(metadata, properties=JsonObject({**metadata.properties, "quality": quality}))
        package = self._files.package(asset, told.to_bytes())
        return replace(asset, metadata_cid=package.metadata_cid, quality=quality)


def refusal(asset_id: str, broken: Sequence[QualityCheck]) -> str:
    """The sentence for an asset that the gate keeps from being minted."""
    told = "; ".join(f"{check.name} ({check.detail})" for check in broken)
    remedy = (
        "draw it again, which mends it"
        if all(check.repairable for check in broken)
        else "draw it with another seed"
    )
    return f"The asset {asset_id} is not minted, because it fails: {told}. Please {remedy}, or mint it with --force."
