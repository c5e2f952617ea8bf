"""What a variation of an asset keeps of it."""

from typing import Any, Final

from assets.asset import Asset, AssetKind
from engine.clips import source_size_px
from engine.errors import InvalidRequest
from engine.upload import drawn_recipe, is_upload
from generators.recipe import Kind
from generators.source_picture import PictureReader

_KEPT: Final = ("kind", "negative_prompt", "palette", "outline", "background", "style", "seamless")


def varied_fields(asset: Asset, prompt: str | None, read: PictureReader) -> tuple[dict[str, Any], int]:
    """The fields of a recipe that draws ``asset`` again, and its size in pixels. An uploaded one is drawn by
    ``prompt``, or else by its name; ``read`` gives its bytes.

    Raises InvalidRequest for what has no variations, InvalidPicture.
    """
    if asset.kind is AssetKind.CLIP:
        raise InvalidRequest(
            f"The asset {asset.asset_id} is a clip, and only pictures have variations; vary a picture and "
            "animate that."
        )
    if is_upload(asset):
        if asset.kind is AssetKind.ILLUSTRATION:
            raise InvalidRequest(
                f"The asset {asset.asset_id} was uploaded as an illustration, and the bundled models draw "
                "characters, items and tiles; upload it as one of those."
            )
        kind = Kind(asset.kind.value)
        return {"prompt": prompt or asset.name, "kind": kind}, source_size_px(asset, read)
    own = drawn_recipe(asset)
    if own.kind is Kind.ILLUSTRATION or own.drawn_px is not None:
        raise InvalidRequest(
            f"The asset was drawn by {own.model}, and only the bundled models draw variations; "
            "create it again with another seed."
        )
    return {"prompt": prompt or own.prompt} | {name: getattr(own, name) for name in _KEPT}, own.size
