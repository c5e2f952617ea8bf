"""Assets in motion for storyboards: drawn when they are asked for, and not recorded as assets of their own."""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assets.asset import Asset, AssetKind
from assets.cid import Cid
from engine.asset_files import AssetFiles, read_whole
from engine.clips import ClipRecipes
from generators.animation import Animation
from generators.apng import read_apng
from generators.clip import FinishedClip
from generators.drawer import Drawer
from generators.finishing import read_png
from generators.motion import Direction

if TYPE_CHECKING:  # it imports torch, which takes seconds
    from generators.picture_generator import PictureGenerator


class DrawnClips:
    """Implements ``engine.storyboard.clip_source.ClipSource``."""

    def __init__(
        self,
        generator: "Callable[[], PictureGenerator]",
        drawer: Callable[[], Drawer],
        files: AssetFiles,
        find: Callable[[str], Asset],
        recipes: ClipRecipes,
    ) -> None:
        self._generator, self._drawer, self._files = generator, drawer, files
        self._find, self._recipes = find, recipes

    @property
    def clip_model(self) -> str:
        """The bundled clip model's id and digest, and those of the models that its pictures come from."""
        bundled = {name: model.digest for name, model in self._generator().models.items()}
        return hashlib.sha256(repr(sorted(bundled.items())).encode()).hexdigest()

    def animation(
        self, asset_id: str, action: str, direction: str | None, frames: int, seed: int
    ) -> Animation:
        """The asset doing ``action``; of a clip asset its own frames, whatever else is asked for.

        Raises UnknownAsset, InvalidRequest for an asset that is no sprite, and what drawing raises.
        """
        asset = self._find(asset_id)
        if asset.kind is AssetKind.CLIP:
            return read_apng(self._files.read(asset.media_cid))[0]
        facing = None if direction is None else Direction(direction)
        (recipe,) = self._recipes(asset_id, [(action, facing)], seed, frames=frames)
        (clip,) = self._drawer().draw([recipe], pictures=self._picture)
        assert isinstance(clip, FinishedClip), "the recipe of a clip becomes a clip"
        return clip.animation

    def picture(self, asset_id: str) -> NDArray[np.uint8]:
        """The asset as it was drawn (h w 4, uint8); of a clip, its first frame. Raises UnknownAsset."""
        return read_png(self._files.read(self._find(asset_id).media_cid))[0]

    def _picture(self, cid: str) -> bytes:
        return read_whole(Cid.parse(cid), self._files.blocks)
