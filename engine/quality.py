"""The quality gate over an asset: what its picture fails, and the record that it was minted all the same."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from assets.asset import Asset
from assets.canonical_json import JsonObject
from engine.asset_files import AssetFiles
from engine.errors import QualityRefused
from engine.upload import drawn_recipe, is_upload
from generators.apng import read_apng
from generators.clip_gate import inspect_clip
from generators.finishing import read_png
from generators.quality_gate import NearCopies, PictureRules, QualityCheck, Rules, failed, inspect
from generators.recipe import Kind
from generators.source_picture import fitted, read_picture

UPLOAD_SEEN_PX = 256


class QualityGate:
    """Looks at assets as they are stored; draws nothing."""

    def __init__(self, files: AssetFiles, near_copies: "Callable[[], NearCopies | None]") -> None:
        self._files, self._near_copies = files, near_copies

    def inspect(self, asset: Asset) -> list[QualityCheck]:
        """Every check of the asset's picture or clip. Raises BlockMissing and BlockDamaged where it cannot be read."""
        media = self._files.read(asset.media_cid)
        if is_upload(asset):
            # The rules are about what the models draw; whoever uploads answers for how it looks. Seen small, so that a
            # picture of 16 million pixels takes no longer than one that was drawn.
            picture = read_picture(media, f"The asset {asset.asset_id}")
            seen = fitted(picture, min(max(picture.shape[:2]), UPLOAD_SEEN_PX))
            return inspect(seen, Rules(Kind.ILLUSTRATION), self._near_copies())
        recipe = drawn_recipe(asset)
        if recipe.kind is Kind.CLIP:
            return inspect_clip(read_apng(media)[0].frames, recipe, self._near_copies())
        # Within a mask nothing may be drawn over what stays: its colours and edges are the source's.
        rules: PictureRules = (
            recipe if recipe.mask_cid is None else Rules(recipe.kind, seamless=recipe.seamless)
        )
        return inspect(read_png(media)[0], rules, self._near_copies())

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
            raise QualityRefused(refusal(asset.asset_id, broken, is_upload(asset)))
        quality = JsonObject({"failed": [check.name for check in broken], "forced": True})
        metadata = self._files.metadata(asset)
        told = replace(metadata, properties=JsonObject({**metadata.properties, "quality": quality}))
        package = self._files.package(asset, told.to_bytes())
        return replace(asset, metadata_cid=package.metadata_cid, quality=quality)


def refusal(asset_id: str, broken: Sequence[QualityCheck], uploaded: bool = False) -> str:
    """The sentence for an asset that the gate keeps from being minted."""
    told = "; ".join(f"{check.name} ({check.detail})" for check in broken)
    if uploaded:
        remedy = "upload another picture"
    elif all(check.repairable for check in broken):
        remedy = "draw it again, which mends it"
    else:
        remedy = "draw it with another seed"
    return (
        f"The asset {asset_id} is not minted, because it fails: {told}. Please {remedy}, or mint it all the same: "
        "with --force, or `force` over HTTP."
    )
