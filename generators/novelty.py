"""Whether a picture is a near copy of one that the bundled models were trained on."""

import hashlib
import json
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from generators.bundle import SIZES_PX, WEIGHTS_FOLDER, check_digest
from generators.errors import WeightsUnavailable

if TYPE_CHECKING:
    from generators.judge import Judge

NOVELTY_FOLDER = WEIGHTS_FOLDER / "novelty"
CONFIG, INDEX = "config.json", "index.safetensors"
THUMB_PX = 16
LEVELS = 15  # of a thumbnail's channel: four bits


@dataclass(frozen=True)
class Nearest:
    """How near the nearest known pictures are; each measure finds its own.

    ``pixel_distance``: root mean square difference of a channel over the drawn area, 0 to about 1;
    ``feature_distance``: between the judge's unit vectors, 0 to 2.
    """

    pixel_distance: float
    feature_distance: float


@dataclass(frozen=True)
class Limits:
    """A picture nearer than both is a near copy."""

    pixel_distance: float
    feature_distance: float


class NoveltyIndex:
    """Thumbnails (n 16 16 4, uint8 of 0 to 15) and judge features (n d, float32) of known pictures."""

    def __init__(
        self,
        thumbs: NDArray[np.uint8],
        features: NDArray[np.float32],
        limits: dict[int, Limits],
        judge: "Judge | None" = None,
    ) -> None:
        self._levels = np.ascontiguousarray(thumbs.reshape(len(thumbs), -1), np.float32) / LEVELS
        self._squares = (self._levels**2).sum(1)
        self._areas = self._levels[:, 3::4].sum(1)
        self._features, self.limits, self._given_judge = features.astype(np.float32), limits, judge

    @cached_property
    def _judge(self) -> "Judge":
        # It needs torch, which takes seconds to import, and most pictures are told apart by their pixels alone.
        from generators.judge import load_judge  # noqa: PLC0415

        return self._given_judge or load_judge()

    def __len__(self) -> int:
        return len(self._levels)

    @classmethod
    def load(cls, folder: Path = NOVELTY_FOLDER, judge: "Judge | None" = None) -> "NoveltyIndex":
        """The index of a folder, after checking its digest; the bundled judge unless another is given.

        Raises WeightsUnavailable where a file is missing, altered or damaged.
        """
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            check_digest(folder / INDEX, config["files"][INDEX])
            arrays = load_file(folder / INDEX)
            features = arrays["features"].astype(np.float32) * arrays["units"] + arrays["means"]
            features /= np.linalg.norm(features, axis=1, keepdims=True)
            limits = {int(size): Limits(**limit) for size, limit in config["limits"].items()}
            thumbs = unpacked(arrays["thumbs"], len(features))
            return cls(thumbs, features, limits, judge)
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            SafetensorError,
            zlib.error,
        ) as error:
            raise WeightsUnavailable(
                f"The index of training pictures in {folder} is missing or damaged; reinstall Lorespark."
            ) from error

    def nearest(self, pixels: NDArray[np.uint8]) -> Nearest:
        """The distances of a picture (h w 4, uint8, straight alpha) or its mirror image, whichever is nearer.

        Another size than 32 or 64 px is first reduced or enlarged to 32 px.
        """
        seen = fitted(pixels)
        sides = np.stack([seen, seen[:, ::-1]])
        return Nearest(
            float(self.pixel_distances(sides).min(initial=np.inf)),
            float(self.feature_distances(self._judge.see(sides)).min(initial=np.inf)),
        )

    def is_near_copy(self, pixels: NDArray[np.uint8]) -> bool:
        """Whether a picture (as for ``nearest``) is a near copy."""
        seen = fitted(pixels)
        sides = np.stack([seen, seen[:, ::-1]])
        far = self.pixel_distances(sides).min(initial=np.inf) >= self.limits[len(seen)].pixel_distance
        return not far and self.counts_as_copy(self.nearest(pixels), len(seen))

    def counts_as_copy(self, found: Nearest, size_px: int) -> bool:
        """Whether both distances of a picture of 32 or 64 px are below the limits of that size."""
        limit = self.limits[size_px]
        return found.pixel_distance < limit.pixel_distance and found.feature_distance < limit.feature_distance

    def pixel_distances(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """From each picture (b s s 4) to each known one: b n."""
        levels = np.stack([thumbnail(one) for one in pixels]).reshape(len(pixels), -1).astype(np.float32)
        levels /= LEVELS
        squares = (levels**2).sum(1)[:, None] + self._squares - 2 * levels @ self._levels.T
        area = (levels[:, 3::4].sum(1)[:, None] + self._areas) / 2
        return np.sqrt(np.maximum(squares, 0) / (4 * np.maximum(area, 1)))

    def feature_distances(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """From each unit vector (b d) to each known picture's: b n."""
        return np.sqrt(np.maximum(2 - 2 * features @ self._features.T, 0))


def fitted(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture as the judge can see it: 32 or 64 px as it is, any other on a square and averaged to 32 px."""
    height, width = pixels.shape[:2]
    if height == width and height in SIZES_PX:
        return pixels
    side = max(height, width)
    square = np.zeros((side, side, 4), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = pixels
    # Pillow weighs colours by alpha only in the premultiplied mode.
    reduced = Image.fromarray(square).convert("RGBa").resize((SIZES_PX[0], SIZES_PX[0]), Image.Resampling.BOX)
    return np.asarray(reduced.convert("RGBA"))


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (s s 4, s a multiple of 16) as premultiplied 16 16 4 in 16 levels, its centre of mass in the middle:
    a copy that was only moved looks the same."""
    size = len(pixels)
    scaled = pixels.astype(np.float32) / 255
    scaled[..., :3] *= scaled[..., 3:]
    weight = scaled[..., 3]
    if (total := float(weight.sum())) > 0:
        places = np.arange(size) + 0.5
        down = round(size / 2 - float((weight.sum(1) * places).sum()) / total)
        right = round(size / 2 - float((weight.sum(0) * places).sum()) / total)
        scaled = np.roll(scaled, (down, right), (0, 1))
    cell = size // THUMB_PX
    reduced = scaled.reshape(THUMB_PX, cell, THUMB_PX, cell, 4).mean((1, 3))
    return np.asarray((reduced * LEVELS).round(), np.uint8)


def packed(thumbs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two levels a byte, compressed (most of a canvas is clear): n 16 16 4 -> bytes."""
    flat = thumbs.reshape(len(thumbs), -1)
    return np.frombuffer(zlib.compress((flat[:, ::2] << 4 | flat[:, 1::2]).tobytes(), 9), np.uint8)


def unpacked(data: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """The inverse of ``packed``. Raises ValueError where the bytes are not ``count`` thumbnails, and zlib.error."""
    wanted = count * THUMB_PX * THUMB_PX * 2
    pairs = np.frombuffer(zlib.decompressobj().decompress(data.tobytes(), wanted + 1), np.uint8)
    if len(pairs) != wanted:
        raise ValueError(f"{len(pairs)} bytes of thumbnails, not {wanted}")
    return np.stack([pairs >> 4, pairs & 15], -1).reshape(count, THUMB_PX, THUMB_PX, 4)


def write_index(
    folder: Path, thumbs: NDArray[np.uint8], features: NDArray[np.float32], config: dict[str, object]
) -> None:
    """Writes thumbnails and features (as int8) to ``folder``, with ``config`` (which has ``limits``) and digests."""
    folder.mkdir(parents=True, exist_ok=True)
    means = (features.max(0) + features.min(0)) / 2
    units = np.maximum(np.abs(features - means).max(0), 1e-6) / 127
    arrays = {
        "thumbs": packed(thumbs),
        "features": ((features - means) / units).round().astype(np.int8),
        "means": means.astype(np.float32),
        "units": units.astype(np.float32),
    }
    save_file(arrays, folder / INDEX)
    (folder / INDEX).chmod(0o644)
    files = {INDEX: hashlib.sha256((folder / INDEX).read_bytes()).hexdigest()}
    text = json.dumps(config | {"files": files}, indent=1, sort_keys=True)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")
