"""How well pixel art is found again in large, spoilt drawings of it: the table of docs/decisions/0004-pixelisation.md.

``python -m tools.evaluate_pixelisation`` takes held-out sprites of runs/dataset, draws them large as diffusion models
do, and compares ways of making them small again with the sprites themselves.
"""

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from generators.palette import oklab
from generators.pixelise import pixelise, shrink
from tools.sprites.dataset import read_set

LARGE_PX = 512
SAME = 0.05  # Oklab distance below which two pixels are the same to the eye
EDGE = 0.1  # Oklab distance between neighbours that is an edge
Way = Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]


def enlarged(sprite: NDArray[np.uint8], rng: np.random.Generator, spoil: str) -> NDArray[np.uint8]:
    """A sprite (s s 3) drawn at 512 px: "grid" in blurred cells on the grid, "shifted" in cells of an odd size beside
    it, "smooth" with its staircases rounded (EPX); all with blur, noise and JPEG's artefacts."""
    size = len(sprite)
    if spoil == "smooth":
        large = sprite
        while len(large) < LARGE_PX:
            large = _epx(large)
        canvas = Image.fromarray(large)
    else:
        cell = LARGE_PX / size if spoil == "grid" else rng.uniform(0.85, 0.97) * LARGE_PX / size
        side = round(cell * size)
        cells = Image.fromarray(sprite).resize((side * 2, side * 2), Image.Resampling.NEAREST)
        canvas = Image.new("RGB", (LARGE_PX, LARGE_PX), tuple(int(part) for part in sprite[0, 0]))
        place = (LARGE_PX - side) * rng.uniform(0, 1, 2)
        # Half pixels come from pasting at twice the size.
        double = canvas.resize((LARGE_PX * 2, LARGE_PX * 2))
        double.paste(cells, (round(place[0] * 2), round(place[1] * 2)))
        canvas = double.resize((LARGE_PX, LARGE_PX), Image.Resampling.BICUBIC)
    blurred = canvas.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.6, 1.6))))
    noisy = np.asarray(blurred, np.float32) + rng.normal(0, 5, (LARGE_PX, LARGE_PX, 3))
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=80)
    return np.asarray(Image.open(file).convert("RGBA"))


def _epx(art: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Twice the size with corners rounded (Johnston 1992, Scale2x)."""
    padded = np.pad(art.astype(np.int32), ((1, 1), (1, 1), (0, 0)), mode="edge")
    up, down, left, right = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]

    def same(a: NDArray[np.int32], b: NDArray[np.int32]) -> NDArray[np.bool_]:
        return (a == b).all(-1)

    out = np.empty((len(art) * 2, len(art) * 2, 3), np.uint8)
    corners = ((0, 0, left, up, right, down), (0, 1, up, right, down, left))
    corners += ((1, 0, down, left, up, right), (1, 1, right, down, left, up))
    for y, x, first, second, third, fourth in corners:
        take = same(first, second) & ~same(first, fourth) & ~same(second, third)
        out[y::2, x::2] = np.where(take[..., None], second, art)
    return out


def measured(found: NDArray[np.uint8], truth: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    """Share of pixels the same to the eye, mean Oklab distance, edges found (IoU), dark outline found (IoU): at the
    best of the shifts by up to a quarter, since a drawing may stand elsewhere on its canvas."""
    lab, wanted = (oklab(p.reshape(-1, 3)).reshape(p.shape) for p in (found[..., :3], truth))
    reach = len(truth) // 4
    moved = [
        (((np.roll(lab, (y, x), (0, 1)) - wanted) ** 2).sum(-1).mean(), y, x)
        for y in range(-reach, reach + 1)
        for x in range(-reach, reach + 1)
    ]
    _, y, x = min(moved)
    lab = np.roll(lab, (y, x), (0, 1))
    distance = np.sqrt(((lab - wanted) ** 2).sum(-1))
    return (
        float((distance < SAME).mean()),
        float(distance.mean()),
        _overlap(_edges(lab), _edges(wanted)),
        _overlap(lab[..., 0] < 0.35, wanted[..., 0] < 0.35),
    )


def _edges(lab: NDArray[np.float32]) -> NDArray[np.bool_]:
    across = np.sqrt((np.diff(lab, axis=1) ** 2).sum(-1)) > EDGE
    down = np.sqrt((np.diff(lab, axis=0) ** 2).sum(-1)) > EDGE
    return np.concatenate([across.ravel(), down.ravel()])


def _overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    either = (first | second).sum()
    return float((first & second).sum() / either) if either else 1.0


def resized(filter_: Image.Resampling) -> Way:
    return lambda large, size: np.asarray(Image.fromarray(large).resize((size, size), filter_))


def median(large: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    cell = len(large) // size
    cells = large.reshape(size, cell, size, cell, 4).transpose(0, 2, 1, 3, 4).reshape(size, size, -1, 4)
    return np.median(cells, 2).astype(np.uint8)


def ways() -> dict[str, Way]:
    found: dict[str, Way] = {
        "nearest": resized(Image.Resampling.NEAREST),
        "box": resized(Image.Resampling.BOX),
        "Lanczos": resized(Image.Resampling.LANCZOS),
        "median of cells": median,
    }
    try:
        # Compared with where it is installed; it is no dependency (see the decision).
        from pixeloe.legacy.pixelize import pixelize  # noqa: PLC0415
    except ImportError as error:
        print(f"pixeloe is left out: {error}", file=sys.stderr)
    else:

        def pixeloe(mode: str) -> Way:
            def draw(large: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
                small = pixelize(
                    np.ascontiguousarray(large[..., 2::-1]),
                    mode=mode,
                    target_size=size,
                    patch_size=len(large) // size,
                    thickness=2,
                    no_upscale=True,
                )
                return np.asarray(Image.fromarray(np.ascontiguousarray(small[..., ::-1])).convert("RGBA"))

            return draw

        found |= {f"pixeloe, {mode}": pixeloe(mode) for mode in ("contrast", "k-centroid", "center")}
    return found | {"ours without its grid": shrink, "ours": pixelise}


def sprites(folder: Path, size: int, count: int, seed: int) -> list[NDArray[np.uint8]]:
    """Held-out sprites on a light ground of one colour (s s 3, uint8)."""
    data, rng = read_set(folder, size), np.random.default_rng(seed)
    chosen = rng.permutation(np.flatnonzero(data.held_out))[:count]
    out = []
    for index in chosen:
        pixels = data.pixels[index].astype(np.float32)
        ground = rng.integers(150, 256, 3).astype(np.float32)
        alpha = pixels[..., 3:] / 255
        out.append((pixels[..., :3] * alpha + ground * (1 - alpha)).round().astype(np.uint8))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("runs/dataset"))
    parser.add_argument("--count", type=int, default=40, help="sprites of each size")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(
        "| drawing | way | same to the eye | mean error | edges | outline |\n| --- | --- | --- | --- | --- | --- |"
    )
    for size in (64, 32):
        art = sprites(options.data, size, options.count, options.seed)
        for spoil in ("grid", "shifted", "smooth"):
            large = [enlarged(sprite, np.random.default_rng(n), spoil) for n, sprite in enumerate(art)]
            for name, way in ways().items():
                rows = [measured(way(big, size), sprite) for big, sprite in zip(large, art, strict=True)]
                same, error, edges, outline = np.mean(rows, 0)
                cells = f"{100 * same:.1f} % | {error:.4f} | {edges:.3f} | {outline:.3f}"
                print(f"| {size} px, {spoil} | {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
