import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel

from generators.clip_network import NOISE, SCENE_WIDTH, ClipNetwork, Shifts, frame_phases, places, scene
from generators.clip_pipeline import shifted
from generators.cpu_layers import fit_to_cpu
from generators.motion import ACTIONS, Direction
from generators.text_encoder import quiet_loading
from tests.unit.generators.tiny_clips import tiny_network, tiny_sprites

RUN, DIE = ACTIONS["run"], ACTIONS["die"]


def inputs(network: ClipNetwork, frames: int = 8) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(3)
    scenes = [scene(action, Direction.RIGHT, frame_phases(action, frames), 1) for action in (RUN, DIE)]
    width = network.config.cross_attention_dim
    moved = torch.randn(2, 16, 16, 8, 8, generator=draw)
    return {
        "noisy": torch.randn(2, frames, 16, 8, 8, generator=draw),
        "reference": moved[:, 0],
        "candidates": network.shifts.candidates(moved, torch.tensor([False, False])),
        "timestep": torch.tensor([300.0, 700.0]),
        "scenes": torch.stack(scenes),
        "encoder_hidden_states": torch.randn(2, 32, width, generator=draw),
        "encoder_attention_mask": torch.ones(2, 32, dtype=torch.long),
    }


def stirred(network: ClipNetwork) -> ClipNetwork:
    """What starts at zero made to count."""
    draw = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.1)
        network.unet.conv_in.weight.copy_(
            torch.randn(network.unet.conv_in.weight.shape, generator=draw) * 0.1
        )
    return network


def with_gate(network: ClipNetwork, value: float) -> ClipNetwork:
    with torch.no_grad():
        network.unet.conv_out.bias[-1] = value
    return network


@pytest.mark.parametrize("fitted", [False, True])
def test_untrained_network_draws_each_frame_as_the_sprite_network_does(fitted: bool) -> None:
    sprites: UNet2DConditionModel = tiny_sprites()
    network = with_gate(ClipNetwork.from_sprites(sprites).eval(), -40)
    if fitted:
        fit_to_cpu(network.unet)
    given = inputs(network)
    with torch.inference_mode():
        made = network(*given.values())
        at = given["timestep"] / 1000
        level = at * NOISE / (1 + at * NOISE)
        under_noise = given["noisy"] * (1 - level).view(2, 1, 1, 1, 1)
        velocity = sprites(
            under_noise.flatten(0, 1),
            (1000 * level).repeat_interleave(8),
            given["encoder_hidden_states"].repeat_interleave(8, 0),
            encoder_attention_mask=given["encoder_attention_mask"].repeat_interleave(8, 0),
        ).sample.unflatten(0, (2, 8))
    assert made.shape == (2, 8, 16, 8, 8)
    drawn = given["noisy"] - at.view(2, 1, 1, 1, 1) * made
    torch.testing.assert_close(
        drawn, under_noise - level.view(2, 1, 1, 1, 1) * velocity, atol=1e-4, rtol=1e-4
    )


def test_untrained_network_lets_the_picture_stand_where_it_moves_it() -> None:
    network = with_gate(tiny_network(), 40)
    given = inputs(network)
    given["candidates"] = network.shifts.candidates(
        torch.ones(2, 16, 16, 8, 8) * given["reference"].mean(), torch.tensor([False, False])
    )
    with torch.inference_mode():
        velocity = network(*given.values())
    at = (given["timestep"] / 1000).view(2, 1, 1, 1, 1)
    torch.testing.assert_close(
        given["noisy"] - at * velocity, torch.full_like(velocity, given["reference"].mean())
    )


def cells(pictures: np.ndarray) -> torch.Tensor:
    """Pictures (b h w 4) by cells of four pixels (b 64 h/4 w/4): an encoder that loses nothing."""
    count, height, width, _ = pictures.shape
    parts = torch.from_numpy(pictures.astype(np.float32)).view(count, height // 4, 4, width // 4, 4, 4)
    return parts.permute(0, 2, 4, 5, 1, 3).reshape(count, 64, height // 4, width // 4)


@pytest.mark.parametrize("wraps", [False, True])
def test_candidates_are_the_picture_moved_by_every_number_of_pixels(wraps: bool) -> None:
    picture = np.zeros((32, 32, 4), np.uint8)
    inside = np.s_[:] if wraps else np.s_[10:22]
    picture[inside, inside] = np.random.default_rng(0).integers(0, 255, picture[inside, inside].shape)
    shifts = Shifts(reach_px=10, side=8)
    found = shifts.candidates(cells(shifted(picture, wraps))[None], torch.tensor([wraps]))
    assert found.shape == (1, 64, 21 * 21, 64)
    for down, right in ((0, 0), (1, 0), (0, -1), (-5, 7), (10, -10), (3, 3), (-8, -4)):
        wanted = cells(np.roll(picture, (down, right), (0, 1))[None])[0].flatten(1).T
        assert torch.equal(found[0, :, (down + 10) * 21 + right + 10], wanted), (down, right)


def test_a_clip_is_the_same_beside_another() -> None:
    network = stirred(tiny_network())
    given = inputs(network)
    with torch.inference_mode():
        both = network(*given.values())
        alone = network(*(value[1:] for value in given.values()))
    torch.testing.assert_close(both[1:], alone, atol=1e-4, rtol=1e-4)


def test_every_frame_hears_of_every_other() -> None:
    network = stirred(tiny_network())
    given = inputs(network)
    changed = {**given, "noisy": given["noisy"].clone()}
    changed["noisy"][:, 5] += 1
    with torch.inference_mode():
        apart = (network(*given.values()) - network(*changed.values())).abs().amax((2, 3, 4))
    assert (apart > 1e-6).all()


def test_a_loop_is_a_circle_and_a_fall_is_not() -> None:
    """Turning a loop's frames and phases around turns its answer around; a one-shot's ends are not neighbours."""
    network = stirred(tiny_network())
    given = inputs(network)
    rolled = {
        **given,
        "noisy": given["noisy"].roll(3, 1),
        "scenes": given["scenes"].roll(3, 1),
    }
    with torch.inference_mode():
        made, turned = network(*given.values()), network(*rolled.values())
    torch.testing.assert_close(turned[0], made[0].roll(3, 0), atol=1e-4, rtol=1e-4)
    assert (turned[1] - made[1].roll(3, 0)).abs().max() > 1e-3


def test_the_picture_and_the_action_are_heard() -> None:
    network = stirred(tiny_network())
    given = inputs(network)
    with torch.inference_mode():
        made = network(*given.values())
        for name in ("reference", "candidates", "scenes"):
            other = network(*{**given, name: given[name].flip(0)}.values())
            assert (made - other).abs().max() > 1e-3, name


def test_saved_network_answers_the_same(tmp_path) -> None:
    network = stirred(tiny_network())
    given = inputs(network)
    with quiet_loading():
        network.save_pretrained(tmp_path)
        again = ClipNetwork.from_pretrained(tmp_path)
    with torch.inference_mode():
        torch.testing.assert_close(again(*given.values()), network(*given.values()), atol=0, rtol=0)


def test_phases_of_a_loop_stop_one_frame_before_they_begin_again() -> None:
    assert frame_phases(RUN, 4).tolist() == [0, 0.25, 0.5, 0.75]
    assert frame_phases(DIE, 5).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert frame_phases(DIE, 1).tolist() == [0]
    around = places(torch.tensor([0.0, 1.0]), loops=True)
    torch.testing.assert_close(around[0], around[1], atol=1e-5, rtol=0)
    along = places(torch.tensor([0.0, 1.0]), loops=False)
    assert (along[0] - along[1]).abs().max() > 1


def test_scene_tells_actions_directions_lengths_and_sizes_apart() -> None:
    told = [
        scene(RUN, Direction.RIGHT, frame_phases(RUN, 8), 1),
        scene(ACTIONS["walk"], Direction.RIGHT, frame_phases(RUN, 8), 1),
        scene(RUN, Direction.UP, frame_phases(RUN, 8), 1),
        scene(RUN, None, frame_phases(RUN, 8), 1),
        scene(RUN, Direction.RIGHT, frame_phases(RUN, 8), 2),
        scene(RUN, Direction.RIGHT, frame_phases(RUN, 16), 1)[::2],
    ]
    assert all(each.shape == (8, SCENE_WIDTH) for each in told)
    assert len({tuple(each.flatten().tolist()) for each in told}) == len(told)
