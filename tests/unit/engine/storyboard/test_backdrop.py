"""What is behind the cast."""

import numpy as np

from engine.storyboard.backdrop import colour_backdrop, picture_backdrop, sky_backdrop, tile_backdrop

SIZE = (50, 30)
TILE = np.zeros((8, 8, 4), np.uint8)
TILE[:] = (40, 160, 60, 255)
TILE[0, 0] = (250, 0, 0, 255)


def test_a_colour_fills_the_stage_and_its_floor_is_darker() -> None:
    assert (colour_backdrop("#204060", SIZE, None, None) == (0x20, 0x40, 0x60)).all()
    out = colour_backdrop("#204060", SIZE, 20, None)
    assert (out[:20] == (0x20, 0x40, 0x60)).all()
    assert (out[20:] < (0x20, 0x40, 0x60)).all()


def test_a_colour_below_a_sky_is_the_floor() -> None:
    out = colour_backdrop("#204060", SIZE, 20, "#808080")
    assert (out[0] == 0x80).all()
    assert (out[21:] == (0x20, 0x40, 0x60)).all()


def test_a_tile_repeats_over_everything_or_from_the_ground_down() -> None:
    whole = tile_backdrop(TILE, SIZE, None, None)
    assert (whole[::8, ::8] == (250, 0, 0)).all()
    assert ((whole == (250, 0, 0)).all(-1)).sum() == 7 * 4
    floor = tile_backdrop(TILE, SIZE, 14, None)
    assert (floor[14:].max((0, 1)) == whole.max((0, 1))).all()
    assert (floor[22, ::8] == (250, 0, 0)).all()
    assert (floor[:14] != (40, 160, 60)).any(-1).all()


def test_grass_is_darker_under_a_night_sky() -> None:
    day, night = (tile_backdrop(TILE, SIZE, 14, sky)[20].mean() for sky in ("#a0c0e0", "#101020"))
    assert night < day * 0.8
    assert day == tile_backdrop(TILE, SIZE, 14, None)[20].mean()


def test_what_is_clear_in_a_tile_shows_no_hole() -> None:
    holed = TILE.copy()
    holed[3] = 0
    assert (tile_backdrop(holed, SIZE, None, None).max(-1) > 0).all()
    assert tile_backdrop(np.zeros_like(TILE), SIZE, None, None).shape == (30, 50, 3)


def test_a_sky_lightens_towards_the_horizon_in_flat_bands() -> None:
    rows = sky_backdrop("#406090", (4, 90), 90)[:, 0].astype(int).sum(-1)
    assert (np.diff(rows) >= 0).all()
    assert 6 <= len(np.unique(rows)) <= 9
    assert (sky_backdrop("#406090", (4, 9), 0) == (0x40, 0x60, 0x90)).all()


def test_pixel_art_is_enlarged_by_whole_numbers_and_cut_around_its_middle() -> None:
    art = np.zeros((20, 20, 4), np.uint8)
    art[..., 3] = 255
    art[:, ::2, 0] = 255
    out = picture_backdrop(art.repeat(5, 0).repeat(5, 1), SIZE)
    assert out.shape == (30, 50, 3)
    assert set(np.unique(out)) == {0, 255}
    runs = np.diff(np.flatnonzero(np.diff(out[0, :, 0].astype(int))))
    assert set(runs) == {3}


def test_a_photo_is_reduced_until_it_just_covers_the_stage() -> None:
    photo = np.random.default_rng(1).integers(0, 256, (400, 300, 4), np.uint8)
    photo[..., 3] = 255
    out = picture_backdrop(photo, SIZE)
    assert out.shape == (30, 50, 3)
    assert out.std() < photo[..., :3].std() / 2  # averaged by area, not picked
