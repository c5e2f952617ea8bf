from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from generators.clip_finishing import finished_frames, halved, new_colours, reduced
from generators.errors import InvalidPicture
from generators.outline import draw_outline, outline_share, remove_outline
from generators.palette import hex_colour, rgb_values
from generators.recipe import Recipe
from tests.unit.generators.moving import OUTLINE, SIDE_PX, decoded, knight, moving_knight

GAME_BOY = ["#0f380f", "#306230", "#8bac0f", "#9bbc0f"]


@pytest.fixture
def clip_recipe(fields: dict[str, Any]) -> Callable[..., Recipe]:
    def make(**changes: Any) -> Recipe:
        return Recipe.make(
            **fields | {"kind": "clip", "size": SIDE_PX, "frames": 16, "frame_ms": 60} | changes
        )

    return make


def colours_of(frames: np.ndarray) -> set[str]:
    return {hex_colour(rgb) for rgb in np.unique(frames[frames[..., 3] > 0][:, :3], axis=0)}


def changes(frames: np.ndarray) -> np.ndarray:
    """Which pixels differ from the frame before (f-1 h w)."""
    return (frames[1:] != frames[:-1]).any(-1)


def test_moving_sprite_comes_back_from_what_was_decoded(clip_recipe: Callable[..., Recipe]) -> None:
    frames = moving_knight()
    made = finished_frames(decoded(frames), knight(), clip_recipe())
    figure = (frames[..., 3] > 0) | (made[..., 3] > 0)
    assert (made == frames).all(-1)[figure].mean() > 0.97
    assert set(np.unique(made[..., 3])) == {0, 255}
    assert not made[made[..., 3] == 0].any()


def test_what_stands_still_is_the_reference_to_the_bit_and_does_not_flicker(
    clip_recipe: Callable[..., Recipe],
) -> None:
    frames = np.repeat(knight()[None], 16, 0)
    drawn = decoded(frames, noise=25)
    made = finished_frames(drawn, knight(), clip_recipe())
    assert (made == frames).all(-1).mean() > 0.999
    assert changes(made).mean() < 0.001


def test_a_jump_stays_a_jump(clip_recipe: Callable[..., Recipe]) -> None:
    frames = np.repeat(knight()[None], 6, 0)
    frames[3] = np.roll(frames[3], -6, 0)
    made = finished_frames(decoded(frames, noise=8), knight(), clip_recipe())
    lowest = [int(np.flatnonzero(frame[..., 3].any(1))[-1]) for frame in made]
    assert lowest == [lowest[0]] * 3 + [lowest[0] - 6] + [lowest[0]] * 2


def test_all_frames_have_the_colours_of_the_reference(clip_recipe: Callable[..., Recipe]) -> None:
    made = finished_frames(decoded(moving_knight()), knight(), clip_recipe())
    assert colours_of(made) <= colours_of(knight()[None])


def with_flame(count: int = 16) -> np.ndarray:
    frames = moving_knight(count)
    for index in range(4, 10):
        frames[index, 2:14, 2 : 8 + index] = (60, 220, 255, 255)
    return frames


def test_colour_that_the_frames_need_is_added_where_there_is_room(clip_recipe: Callable[..., Recipe]) -> None:
    own = colours_of(knight()[None])
    made = finished_frames(decoded(with_flame()), knight(), clip_recipe(palette=16))
    added = colours_of(made) - own
    assert 1 <= len(added) <= 16 - len(own)
    flame = made[7, 3:13, 3:13, :3].astype(int)
    assert np.abs(flame - (60, 220, 255)).mean() < 30
    full = finished_frames(decoded(with_flame()), knight(), clip_recipe(palette=len(own)))
    assert colours_of(full) <= own


def test_noise_is_no_reason_for_a_new_colour() -> None:
    frames = moving_knight()
    drawn, opaque = decoded(frames, noise=20), frames[..., 3] > 0
    known = np.unique(knight()[knight()[..., 3] > 0][:, :3], axis=0)
    assert not len(new_colours(drawn[..., :3], opaque, known, 8))
    assert not len(new_colours(drawn[..., :3], opaque, known, 0))


def test_fewer_colours_than_the_reference_has_are_the_same_in_all_frames(
    clip_recipe: Callable[..., Recipe],
) -> None:
    frames = np.repeat(knight()[None], 8, 0)
    made = finished_frames(decoded(frames, noise=5), knight(), clip_recipe(palette=4))
    assert len(colours_of(made)) == 4
    assert not changes(made).any()


def test_fixed_palette_is_obeyed(clip_recipe: Callable[..., Recipe]) -> None:
    made = finished_frames(decoded(moving_knight()), knight(), clip_recipe(palette=GAME_BOY))
    assert colours_of(made) <= set(GAME_BOY)
    assert len(colours_of(made)) >= 3  # the shading is kept


def test_reference_of_the_fixed_palette_keeps_its_colours_and_others_may_be_used(
    clip_recipe: Callable[..., Recipe],
) -> None:
    palette = [*sorted(colours_of(knight()[None])), "#3cdcff"]
    made = finished_frames(decoded(with_flame()), knight(), clip_recipe(palette=palette))
    assert colours_of(made) == set(palette)
    assert (made[0] == knight()).all(-1).mean() > 0.999


def test_outline_is_closed_in_every_frame_beside_the_palette(clip_recipe: Callable[..., Recipe]) -> None:
    own = colours_of(knight()[None]) - {OUTLINE}
    recipe = clip_recipe(outline=OUTLINE, palette=len(own))
    made = finished_frames(decoded(moving_knight()), knight(), recipe)
    assert all(outline_share(frame, OUTLINE) == 1 for frame in made)
    assert colours_of(made) == own | {OUTLINE}


def test_dark_outline_is_removed_where_the_recipe_says_so(clip_recipe: Callable[..., Recipe]) -> None:
    frames, reference = moving_knight(), remove_outline(knight())
    made = finished_frames(decoded(frames, noise=5), reference, clip_recipe(outline="none"))
    assert max(outline_share(frame, "none") for frame in frames) < 0.5
    assert min(outline_share(frame, "none") for frame in made) > 0.95


def test_background_lies_behind_every_frame(clip_recipe: Callable[..., Recipe]) -> None:
    behind = "#204060"
    solid = knight()
    solid[solid[..., 3] == 0] = (*rgb_values((behind,))[0], 255)
    frames = moving_knight()
    frames[frames[..., 3] == 0] = (*rgb_values((behind,))[0], 255)
    recipe = clip_recipe(background=behind, palette=16)
    for drawn, reference in ((decoded(frames), solid), (decoded(moving_knight()), knight())):
        made = finished_frames(drawn, reference, recipe)
        assert (made[..., 3] == 255).all()
        assert (made == frames).all(-1).mean() > 0.98


def test_art_drawn_at_twice_its_size_is_brought_to_it(clip_recipe: Callable[..., Recipe]) -> None:
    frames = moving_knight()[:, 8:40, 24:56]
    frames = np.stack([draw_outline(frame, OUTLINE) for frame in frames])
    drawn = decoded(frames.repeat(2, 1).repeat(2, 2))
    made = finished_frames(drawn, frames[0].repeat(2, 0).repeat(2, 1), clip_recipe(size=32))
    assert made.shape == (16, 32, 32, 4)
    assert (made == frames).all(-1).mean() > 0.96


def test_cells_of_a_doubled_picture_are_exact() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 4), np.uint8)
    frames[..., 3] = np.where(frames[..., 3] > 90, 255, 0)
    frames[frames[..., 3] == 0] = 0
    assert np.array_equal(halved(frames.repeat(2, 1).repeat(2, 2)), frames)


def test_cells_across_an_edge_are_not_mixed() -> None:
    cell = np.zeros((1, 2, 2, 4), np.uint8)
    cell[0, 0, 0], cell[0, 0, 1], cell[0, 1] = (250, 0, 0, 255), (240, 10, 0, 255), (0, 0, 250, 255)
    cell[0, 1, 1] = (245, 5, 0, 255)
    assert halved(cell)[0, 0, 0].tolist() == [245, 5, 0, 255]


def test_kept_colours_stay_beside_a_reduced_palette() -> None:
    colours = np.array([[10, 10, 10], [200, 0, 0], [210, 5, 0], [0, 0, 200]], np.uint8)
    used = np.repeat(np.arange(4), 5)
    made = reduced(colours, used, 2, colours[:1])
    assert made[0].tolist() == [10, 10, 10]
    assert len(np.unique(made[1:], axis=0)) == 2
    assert made[3].tolist() == [0, 0, 200]


def test_empty_picture_gives_empty_frames(clip_recipe: Callable[..., Recipe]) -> None:
    nothing = np.zeros((4, SIDE_PX, SIDE_PX, 4), np.uint8)
    for palette in (None, 4, GAME_BOY):
        assert not finished_frames(nothing, nothing[0], clip_recipe(palette=palette)).any()


def test_empty_reference_takes_the_colours_that_were_drawn(clip_recipe: Callable[..., Recipe]) -> None:
    made = finished_frames(moving_knight(4), np.zeros_like(knight()), clip_recipe(palette=16))
    assert (made == moving_knight(4)).all(-1).mean() > 0.99
    assert colours_of(made) == colours_of(moving_knight(4))


def test_same_values_give_the_same_frames_and_nothing_given_is_changed(
    clip_recipe: Callable[..., Recipe],
) -> None:
    drawn, reference = decoded(moving_knight()), knight()
    before = drawn.copy(), reference.copy()
    first = finished_frames(drawn, reference, clip_recipe())
    assert np.array_equal(first, finished_frames(drawn, reference, clip_recipe()))
    assert np.array_equal(drawn, before[0])
    assert np.array_equal(reference, before[1])


@pytest.mark.parametrize(
    ("side", "reference_side", "size", "sentence"),
    [
        (
            64,
            32,
            64,
            "Frames of 64 x 64 pixels do not fit a picture of 32 x 32 pixels; give both in one size.",
        ),
        (
            48,
            48,
            64,
            "Frames of 48 x 48 pixels do not give a clip of 64 pixels; draw them at that size, or at twice",
        ),
    ],
)
def test_sizes_that_do_not_fit_are_told(
    clip_recipe: Callable[..., Recipe], side: int, reference_side: int, size: int, sentence: str
) -> None:
    drawn = np.zeros((2, side, side, 4), np.uint8)
    with pytest.raises(InvalidPicture) as caught:
        finished_frames(
            drawn, np.zeros((reference_side, reference_side, 4), np.uint8), clip_recipe(size=size)
        )
    assert sentence in str(caught.value)


def test_a_dark_sea_flows_as_a_bright_one_does(clip_recipe: Callable[..., Recipe]) -> None:
    """What moves costs a little; in a picture of little contrast it once cost more than any difference."""
    draw = np.random.default_rng(4)
    shades = draw.integers(0, 5, (32, 32))
    for low, step in ((20, 5), (20, 40)):
        sea = np.zeros((32, 32, 4), np.uint8)
        sea[..., 2], sea[..., 3] = low + step * shades, 255
        moved = np.stack([np.roll(sea, k, 1) for k in range(3)])
        noisy = moved.astype(int)
        noisy[..., :3] += draw.integers(-1, 2, (*noisy.shape[:3], 3))
        recipe = clip_recipe(size=32, action="water")
        made = finished_frames(noisy.clip(0, 255).astype(np.uint8), sea, recipe)
        inside = np.s_[:, :, 4:-4]
        assert (made[inside] == moved[inside]).all(-1).mean() > 0.9, (
            low,
            step,
        )  # of one that stands, a third
