"""Builds the index of training pictures that novelty is checked against, and finds its limits in the data.

    python -m tools.build_novelty_index            # generators/weights/novelty, with a sample of the composed dolls
    python -m tools.build_novelty_index --dolls 0 --out runs/novelty

A limit is the first percentile of how near held-out real pictures come to the training pictures: what is nearer in
both measures is nearer than new art of the same artists comes. Held-out dolls do not count, for they are composed of
the very layers that were trained on. Held-out pictures are few, so the share of training pictures that have a picture
of *another* subject within the limits is printed beside: variants and recolourings in the art itself.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generators.bundle import SIZES_PX
from generators.judge import JUDGE_FOLDER, Judge, load_judge
from generators.novelty import CONFIG, NOVELTY_FOLDER, Limits, NoveltyIndex, thumbnail, write_index
from tools.sprites.dataset import SpriteSet, read_set

MAX_BYTES = 6_000_000
SAME_FRAME = 0.06  # pixel distance under which another frame of one subject adds nothing to the index
PERCENTILE = 1.0
PROBES = 200  # training pictures of each size whose nearest other subject is looked up


def chosen_rows(pictures: SpriteSet, dolls: int) -> list[int]:
    """Training pictures, of the composed dolls only ``dolls``, without frames that are nearly the last one kept."""
    kinds = np.array(pictures.kinds)
    rows = np.flatnonzero(~pictures.held_out & (kinds != "doll")).tolist()
    composed = np.flatnonzero(~pictures.held_out & (kinds == "doll"))
    rows += np.random.default_rng(0).permutation(composed)[:dolls].tolist()
    kept: list[int] = []
    by_subject: dict[str, list[NDArray[np.uint8]]] = {}
    for row in rows:
        thumb = thumbnail(pictures.pixels[row])
        same = by_subject.setdefault(pictures.subjects[row], [])
        if all(_apart(thumb, other) >= SAME_FRAME for other in same):
            same.append(thumb)
            kept.append(row)
    return kept


def _apart(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """As ``NoveltyIndex.pixel_distances``, of two thumbnails."""
    one, two = first.astype(np.float32) / 15, second.astype(np.float32) / 15
    area = max(float(one[..., 3].sum() + two[..., 3].sum()) / 2, 1.0)
    return float(np.sqrt(((one - two) ** 2).sum() / (4 * area)))


def built(
    data: Path, judge: Judge, dolls: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32], dict[int, Limits]]:
    """Thumbnails and features of all sizes together, and the limits of each size."""
    thumbs: list[NDArray[np.uint8]] = []
    features: list[NDArray[np.float32]] = []
    subjects: list[str] = []
    sets = {size: read_set(data, size) for size in SIZES_PX}
    for size, pictures in sets.items():
        rows = chosen_rows(pictures, dolls)
        thumbs += [thumbnail(pictures.pixels[row]) for row in rows]
        features.append(judge.see(np.stack([pictures.pixels[row] for row in rows])))
        subjects += [pictures.subjects[row] for row in rows]
        print(f"{size} px: {len(rows):,d} pictures kept", flush=True)
    stacked, seen = np.stack(thumbs), np.concatenate(features)
    index = NoveltyIndex(stacked, seen, {}, judge)
    names = np.array(subjects)
    limits = {}
    for size, pictures in sets.items():
        limits[size] = limit_of(pictures, names, index, judge)
    return stacked, seen, limits


def limit_of(pictures: SpriteSet, names: NDArray[np.str_], index: NoveltyIndex, judge: Judge) -> Limits:
    """The percentiles of the held-out pictures' nearest distances; prints what they mean for training pictures."""
    plain = np.array(pictures.kinds) != "doll"
    held = np.flatnonzero(pictures.held_out & plain).tolist()
    real = np.array(list(_nearest_others(pictures, held, names, index, judge)))
    pixel, feature = np.percentile(real, PERCENTILE, axis=0).tolist()
    probes = np.random.default_rng(1).permutation(np.flatnonzero(~pictures.held_out & plain))[:PROBES]
    near = np.array(list(_nearest_others(pictures, probes.tolist(), names, index, judge)))
    under = float(((near[:, 0] < pixel) & (near[:, 1] < feature)).mean())
    print(
        f"{len(held)} held-out pictures: limits {pixel:.4f} and {feature:.4f}, medians "
        f"{np.median(real[:, 0]):.4f} and {np.median(real[:, 1]):.4f}; {100 * under:.1f} % of training pictures are "
        f"as near to another subject (medians {np.median(near[:, 0]):.4f} and {np.median(near[:, 1]):.4f})",
        flush=True,
    )
    return Limits(pixel, feature)


def _nearest_others(
    pictures: SpriteSet, rows: list[int], names: NDArray[np.str_], index: NoveltyIndex, judge: Judge
) -> Iterator[tuple[float, float]]:
    for row in rows:
        pixels = np.asarray(pictures.pixels[row])
        sides = np.stack([pixels, pixels[:, ::-1]])
        other = names != pictures.subjects[row]
        yield (
            float(index.pixel_distances(sides)[:, other].min()),
            float(index.feature_distances(judge.see(sides))[:, other].min()),
        )


def training_index(data: Path, judge: Judge, digest: str) -> NoveltyIndex:
    """All training pictures, every composed doll among them, under the limits of the bundled index.

    Kept beside the set for the judge with this ``digest``: seeing 25,000 pictures takes minutes.
    """
    folder = data / f"novelty-{digest[:12]}"
    if not (folder / CONFIG).exists():
        sets = [read_set(data, size) for size in SIZES_PX]
        pixels = [p.pixels[row] for p in sets for row in np.flatnonzero(~p.held_out)]
        features = np.concatenate(
            [judge.see(np.stack([p.pixels[row] for row in np.flatnonzero(~p.held_out)])) for p in sets]
        )
        write_index(folder, np.stack([thumbnail(one) for one in pixels]), features, {"limits": {}})
    index = NoveltyIndex.load(folder, judge)
    index.limits = NoveltyIndex.load(judge=judge).limits
    return index


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the index of training pictures.")
    parser.add_argument("--data", type=Path, default=Path("runs/dataset"))
    parser.add_argument("--judge", type=Path, default=JUDGE_FOLDER)
    parser.add_argument("--out", type=Path, default=NOVELTY_FOLDER)
    parser.add_argument("--dolls", type=int, default=1_000, help="composed dolls to keep, drawn at random")
    args = parser.parse_args()
    thumbs, features, limits = built(args.data, load_judge(args.judge), args.dolls)
    config: dict[str, object] = {
        "licence": "CC0-1.0",
        "limits": {str(size): asdict(limit) for size, limit in limits.items()},
        "pictures": len(thumbs),
    }
    write_index(args.out, thumbs, features, config)
    size = sum(path.stat().st_size for path in args.out.iterdir())
    print(f"{len(thumbs):,d} pictures, {size / 1e6:.2f} MB in {args.out}")
    if size > MAX_BYTES and args.out == NOVELTY_FOLDER:
        raise SystemExit(f"The index is over {MAX_BYTES / 1e6:.0f} MB; lower --dolls or raise SAME_FRAME.")


if __name__ == "__main__":
    main()
