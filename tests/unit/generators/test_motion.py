import pytest

from generators.animation import MAX_FPS, MAX_FRAME_MS, MIN_FRAME_MS, frame_ms
from generators.errors import InvalidRecipe
from generators.motion import ACTIONS, SAID, action_in, action_named, actions_for, natural_frame_ms


def test_action_that_nobody_knows_is_answered_with_those_that_are() -> None:
    assert action_named("run").loops
    with pytest.raises(
        InvalidRecipe, match=r"There is no action 'fly'; use one of idle, walk, run, .* lava\."
    ):
        action_named("fly")


@pytest.mark.parametrize(
    ("prompt", "action"),
    [
        ("a knight in red armour, running", "run"),
        ("a knight who runs", "run"),
        ("a mage, casting a spell.", "cast"),
        ("a wizard holding a glowing staff", "idle"),
        ("water", "water"),
        ("a pond of flowing water", "water"),
        ("", "idle"),
        ("a red potion spinning", "spin"),
    ],
)
def test_prompt_says_what_it_ends_in(prompt: str, action: str) -> None:
    assert action_in(prompt).name == action


def test_every_kind_of_thing_does_something() -> None:
    assert actions_for("character")[0] == "idle"
    assert actions_for("item")[0] == "float"
    assert actions_for("tile") == ["water", "lava"]
    assert set(SAID.values()) <= set(ACTIONS)
    assert {action.subject for action in ACTIONS.values()} == {"character", "item", "tile"}


@pytest.mark.parametrize(
    ("fps", "milliseconds"),
    [(12, 80), (12.5, 80), (10, 100), (60, 20), (MAX_FPS, MIN_FRAME_MS), (0.1, MAX_FRAME_MS)],
)
def test_frames_stand_for_multiples_of_ten_milliseconds(fps: float, milliseconds: int) -> None:
    assert frame_ms(fps) == milliseconds


def test_natural_speeds_are_ones_that_files_can_hold() -> None:
    for action in ACTIONS.values():
        assert natural_frame_ms(action, 16) == action.frame_ms
        assert natural_frame_ms(action, 8) == 2 * action.frame_ms, "the same time in 8 frames"
