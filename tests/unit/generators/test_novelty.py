from pathlib import Path

import numpy as np
import pytest
import torch

from generators.errors import WeightsUnavailable
from generators.judge import Judge, JudgeShape
from generators.novelty import CONFIG, INDEX, NoveltyIndex, fitted, packed, thumbnail, unpacked, write_index

LIMITS = {"pixel_distance": 0.12, "feature_distance": 0.25}


def sprite(seed: int, size: int = 32) -> np.ndarray:
    """A figure of a few coloured blocks on a clear ground."""
    draw = np.random.default_rng(seed)
    pixels = np.zeros((size, size, 4), np.uint8)
    for _ in range(7):
        top, left = draw.integers(size // 8, size // 2, 2)
        tall, wide = draw.integers(size // 8, size // 3, 2)
        pixels[top : top + tall, left : left + wide] = (*draw.integers(0, 256, 3), 255)
    return pixels


@pytest.fixture(scope="module")
def judge() -> Judge:
    torch.manual_seed(0)
    return Judge(JudgeShape(widths=(8, 16), features=16)).eval()


@pytest.fixture
def folder(judge: Judge, tmp_path: Path) -> Path:
    """An index of forty figures of each size."""
    thumbs, features = [], []
    for size in (32, 64):
        pictures = [sprite(seed, size) for seed in range(40)]
        thumbs += [thumbnail(one) for one in pictures]
        features.append(judge.see(np.stack(pictures)))
    limits = {"32": LIMITS, "64": LIMITS}
    write_index(tmp_path, np.stack(thumbs), np.concatenate(features), {"limits": limits})
    return tmp_path


@pytest.fixture
def index(folder: Path, judge: Judge) -> NoveltyIndex:
    return NoveltyIndex.load(folder, judge)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("seed", [0, 13, 39])
def test_known_picture_and_its_mirror_image_are_near_copies(
    index: NoveltyIndex, seed: int, size: int
) -> None:
    known = sprite(seed, size)
    for pixels in (known, known[:, ::-1]):
        found = index.nearest(pixels)
        assert found.pixel_distance < 0.03
        assert found.feature_distance < 0.08
        assert index.is_near_copy(pixels)


@pytest.mark.parametrize("size", [32, 64])
def test_known_picture_moved_or_with_a_few_pixels_changed_is_a_near_copy(
    index: NoveltyIndex, size: int
) -> None:
    known = sprite(3, size)
    moved = np.roll(known, (-2, 3), (0, 1))
    assert index.nearest(moved).pixel_distance < 0.03
    changed = known.copy()
    places = np.random.default_rng(9).integers(0, size, (6, 2))
    changed[places[:, 0], places[:, 1]] = (250, 250, 10, 255)
    assert index.is_near_copy(changed)


@pytest.mark.parametrize("size", [32, 64])
def test_new_pictures_are_no_near_copies(index: NoveltyIndex, size: int) -> None:
    assert not any(index.is_near_copy(sprite(seed, size)) for seed in range(100, 120))
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 4), np.uint8)
    assert not index.is_near_copy(noise)


def test_both_distances_must_be_small(index: NoveltyIndex) -> None:
    known = index.nearest(sprite(0))
    index.limits[32] = type(index.limits[32])(pixel_distance=0.0, feature_distance=2.0)
    assert not index.counts_as_copy(known, 32)
    index.limits[32] = type(index.limits[32])(pixel_distance=1.0, feature_distance=0.0)
    assert not index.counts_as_copy(known, 32)


@pytest.mark.parametrize("scale", [4, 16])
def test_enlarged_copy_is_found(index: NoveltyIndex, scale: int) -> None:
    large = sprite(5).repeat(scale, 0).repeat(scale, 1)
    assert index.is_near_copy(large)
    assert not index.is_near_copy(sprite(105).repeat(scale, 0).repeat(scale, 1))


@pytest.mark.parametrize("shape", [(32, 32), (64, 64)])
def test_empty_picture_is_measured(index: NoveltyIndex, shape: tuple[int, int]) -> None:
    found = index.nearest(np.zeros((*shape, 4), np.uint8))
    assert np.isfinite([found.pixel_distance, found.feature_distance]).all()


def test_other_shapes_are_put_on_a_square_without_bleeding_hidden_colours() -> None:
    wide = np.zeros((64, 128, 4), np.uint8)
    wide[..., :3] = 255
    wide[16:48, 32:96] = (200, 10, 10, 255)
    seen = fitted(wide)
    assert seen.shape == (32, 32, 4)
    assert (seen[..., 3] > 0).sum() == 8 * 16
    assert {tuple(colour) for colour in seen[seen[..., 3] > 0]} == {(200, 10, 10, 255)}


def test_packed_thumbnails_are_read_back_and_a_wrong_number_is_refused() -> None:
    thumbs = np.random.default_rng(0).integers(0, 16, (3, 16, 16, 4), np.uint8)
    np.testing.assert_array_equal(unpacked(packed(thumbs), 3), thumbs)
    for count in (2, 4):
        with pytest.raises(ValueError, match="bytes of thumbnails"):
            unpacked(packed(thumbs), count)


def test_index_counts_what_it_holds(index: NoveltyIndex) -> None:
    assert len(index) == 80


@pytest.mark.parametrize("harm", ["altered", "missing", "no config", "no limits"])
def test_damaged_index_is_refused(folder: Path, judge: Judge, harm: str) -> None:
    if harm == "altered":
        data = bytearray((folder / INDEX).read_bytes())
        data[-1] ^= 1
        (folder / INDEX).write_bytes(data)
    elif harm == "missing":
        (folder / INDEX).unlink()
    elif harm == "no config":
        (folder / CONFIG).unlink()
    else:
        (folder / CONFIG).write_text((folder / CONFIG).read_text().replace("limits", "bounds"))
    with pytest.raises(WeightsUnavailable, match="reinstall"):
        NoveltyIndex.load(folder, judge)
