"""Large drawings become pixel art: on their own grid where they have one, with whole outlines where they have none."""

import io
import sys
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from generators.cutout import cut_out, plain_background
from generators.errors import PackageMissing
from generators.palette import oklab
from generators.pixel_grid import find_grid, sample
from generators.pixelise import fit, pixelise, pixelise_frames, shrink


@pytest.fixture
def art() -> np.ndarray:
    """A mushroom of 48 pixels on a light ground, shaded and outlined: 64 64 4, uint8."""
    y, x = np.mgrid[:64, :64]
    out = np.full((64, 64, 4), (214, 226, 232, 255), np.uint8)
    noise = np.random.default_rng(4).integers(0, 3, (64, 64))
    cap = ((x - 31.5) ** 2 / 500 + (y - 26) ** 2 / 260 < 1) & (y < 34)
    stem = (np.abs(x - 31.5) < 8) & (y >= 34) & (y < 54)
    for shape, colours in (
        (cap, [(190, 40, 50), (220, 80, 70), (150, 30, 60)]),
        (stem, [(230, 220, 190), (200, 190, 160), (240, 235, 215)]),
    ):
        out[shape, :3] = np.array(colours, np.uint8)[noise][shape]
    body = cap | stem
    inner = body.copy()
    inner[1:-1, 1:-1] = body[:-2, 1:-1] & body[2:, 1:-1] & body[1:-1, :-2] & body[1:-1, 2:]
    out[body & ~inner, :3] = (30, 20, 40)
    return out


def enlarged(art: np.ndarray, cell_px: float, left: float, top: float) -> np.ndarray:
    """The art in cells of that size on 512 px, blurred, noisy and saved as JPEG."""
    side = round(cell_px * len(art) * 4)
    cells = Image.fromarray(art).convert("RGB").resize((side, side), Image.Resampling.NEAREST)
    canvas = Image.new("RGB", (2048, 2048), tuple(int(part) for part in art[0, 0, :3]))
    canvas.paste(cells, (round(left * 4), round(top * 4)))
    blurred = canvas.resize((512, 512), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1))
    noisy = np.asarray(blurred, np.float32) + np.random.default_rng(1).normal(0, 4, (512, 512, 3))
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=80)
    return np.asarray(Image.open(file).convert("RGBA"))


def same_share(first: np.ndarray, second: np.ndarray) -> float:
    """Share of pixels the same to the eye at the best shift by up to four."""
    labs = [oklab(p[..., :3].reshape(-1, 3)).reshape(*p.shape[:2], 3) for p in (first, second)]
    shifts = [(y, x) for y in range(-4, 5) for x in range(-4, 5)]
    near = [((np.roll(labs[0], at, (0, 1)) - labs[1]) ** 2).sum(-1) < 0.05**2 for at in shifts]
    return float(max(one.mean() for one in near))


@pytest.mark.parametrize(("cell_px", "left", "top"), [(8, 0, 0), (7.5, 13.25, 20.5), (6.7, 40, 8.75)])
def test_the_grid_is_found_and_the_pixels_with_it(
    art: np.ndarray, cell_px: float, left: float, top: float
) -> None:
    large = enlarged(art, cell_px, left, top)
    grid = find_grid(large)
    assert grid is not None
    assert grid.cell_px == pytest.approx(cell_px, rel=0.01)
    found = pixelise(large, 64)
    assert found.shape == (64, 64, 4)
    assert same_share(found, art) > 0.97
    assert same_share(found, art) >= same_share(np.asarray(Image.fromarray(large).resize((64, 64))), art)


def test_drawings_without_a_grid_have_none() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        image = Image.new("RGB", (1024, 1024), (220, 220, 210))
        draw = ImageDraw.Draw(image)
        for _ in range(12):
            x, y, w, h = (int(v) for v in rng.integers(40, 600, 4))
            draw.ellipse((x, y, x + w, y + h), fill=tuple(int(v) for v in rng.integers(0, 255, 3)))
        assert (
            find_grid(np.asarray(image.resize((512, 512), Image.Resampling.LANCZOS).convert("RGBA"))) is None
        )
    assert find_grid(np.full((512, 512, 4), 128, np.uint8)) is None
    assert find_grid(np.zeros((20, 20, 4), np.uint8)) is None


def test_a_thin_outline_stays_whole_where_box_filters_break_it() -> None:
    image = Image.new("RGBA", (512, 512), (230, 220, 200, 255))
    ImageDraw.Draw(image).rectangle((20, 258, 492, 263), fill=(20, 10, 30, 255))
    small = shrink(np.asarray(image), 32)
    dark = small[..., :3].sum(-1) < 150
    assert dark[16, 2:30].all()
    assert dark.sum() <= 31
    assert not (np.asarray(image.resize((32, 32), Image.Resampling.BOX))[..., :3].sum(-1) < 150).any()


def test_no_colour_arises_between_two() -> None:
    large = np.zeros((90, 90, 4), np.uint8)
    large[:, :41], large[:, 41:] = (255, 0, 0, 255), (0, 0, 255, 255)
    colours = {tuple(pixel) for pixel in shrink(large, 9).reshape(-1, 4)}
    assert colours == {(255, 0, 0, 255), (0, 0, 255, 255)}


@pytest.mark.parametrize("size_px", [8, 31, 48, 64])
def test_any_size_comes_out_with_hard_alpha(size_px: int) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (100, 100, 4), np.uint8)
    small = pixelise(pixels, size_px)
    assert small.shape == (size_px, size_px, 4)
    assert set(np.unique(small[..., 3])) <= {0, 255}
    assert not small[small[..., 3] == 0].any()


def test_art_of_another_size_is_framed_without_changing_a_pixel(art: np.ndarray) -> None:
    wider = fit(art, 72)
    assert wider is not None
    assert np.array_equal(wider[4:68, 4:68], art)
    cropped = fit(art, 60)
    assert cropped is not None
    assert same_share(np.pad(cropped, ((2, 2), (2, 2), (0, 0)), mode="edge"), art) == 1.0
    assert fit(art, 32) is None
    doubled = fit(art[:32, :32], 64)
    assert doubled is not None
    assert np.array_equal(doubled[::2, ::2], art[:32, :32])


def test_a_grid_is_sampled_from_the_middle_of_its_cells(art: np.ndarray) -> None:
    large = art.repeat(8, 0).repeat(8, 1)
    grid = find_grid(large)
    assert grid is not None
    assert np.array_equal(sample(large, grid), art)


def test_a_plain_background_is_cleared_and_what_it_encloses_is_kept(art: np.ndarray) -> None:
    art[24:27, 24:27] = art[0, 0]  # a hole of the ground's colour inside the motif
    clear = cut_out(art)
    body = (art != art[0, 0]).any(-1)
    assert not clear[0].any()
    assert (clear[body] == art[body]).all()
    assert (clear[24:27, 24:27, 3] == 255).all()
    assert np.array_equal(cut_out(clear), clear)


def test_flooding_follows_a_maze() -> None:
    maze = np.full((41, 41, 4), (240, 240, 240, 255), np.uint8)
    for turn in range(2, 40, 4):
        maze[turn, 1:] = maze[turn + 2, :-1] = (0, 0, 0, 255)
    framed = np.pad(maze, ((3, 3), (3, 3), (0, 0)), mode="constant", constant_values=240)
    background = plain_background(framed)
    assert background is not None
    assert np.array_equal(background, framed[..., 0] == 240)


def test_any_other_background_needs_rembg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rembg", None)
    with pytest.raises(PackageMissing, match=r"pip install 'rembg\[cpu\]'"):
        cut_out(
            np.random.default_rng(1).integers(0, 256, (32, 32, 4), np.uint8)
            | np.array([0, 0, 0, 255], np.uint8)
        )


def test_frames_of_a_clip_share_one_grid_and_one_margin(art: np.ndarray) -> None:
    steps = [np.roll(art, shift, axis=1) for shift in (-4, 0, 4)]
    clip = np.stack([enlarged(step, 7.3, 2, 5) for step in steps])
    frames = pixelise_frames(clip, 64)
    for before, after in pairwise(frames):
        moved, still = np.roll(before, 4, axis=1), before
        inside = np.s_[8:56, 12:52]
        nearer = np.abs(moved[inside].astype(int) - after[inside]).mean()
        assert nearer < np.abs(still[inside].astype(int) - after[inside]).mean() / 4
    assert np.array_equal(pixelise_frames(clip[1:2], 64)[0], pixelise(clip[1], 64))


def test_frames_without_a_grid_are_all_shrunk() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (3, 100, 100, 4), np.uint8)
    noise[..., 3] = 255
    frames = pixelise_frames(noise, 32)
    assert all(np.array_equal(frame, shrink(one, 32)) for frame, one in zip(frames, noise, strict=True))
