import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis.extra.numpy import arrays
from PIL import Image

from generators.recipe import MAX_TOKENS
from generators.seamless import circular
from generators.sprite_pipeline import SpritePipeline, premultiplied, straight_alpha
from generators.text_encoder import quiet_loading

Seeded = Callable[..., list[torch.Generator]]
PROMPTS = ["red potion", "blue sword", "knight", "red red tile"]


class Stop(Exception):
    pass


def draw(
    pipeline: SpritePipeline, prompts: list[str], generators: list[torch.Generator], **more
) -> np.ndarray:
    settings = {"num_inference_steps": 3, "output_type": "np"} | more
    return pipeline(prompts, generator=generators, **settings).images


@given(arrays(np.uint8, (2, 3, 3, 4)))
def test_straight_alpha_undoes_premultiplied(pixels: np.ndarray) -> None:
    expected = pixels.copy()
    expected[expected[..., 3] == 0] = 0
    assert np.array_equal(straight_alpha(premultiplied(pixels)), expected)


def test_premultiplied_lies_between_minus_one_and_one() -> None:
    pixels = np.array([[[[255, 0, 128, 255], [255, 255, 255, 0]]]], np.uint8)
    made = premultiplied(pixels)
    assert made.shape == (1, 4, 1, 2)
    np.testing.assert_allclose(made[0, :, 0, 0], [1, -1, 128 / 255 * 2 - 1, 1], atol=1e-6)
    np.testing.assert_allclose(made[0, :, 0, 1], [-1, -1, -1, -1])


def test_pixels_past_the_range_are_clipped() -> None:
    far = torch.tensor([[9.0, -9.0, 0.0, 2.0]]).reshape(1, 4, 1, 1)
    assert straight_alpha(far).tolist() == [[[[255, 0, 128, 255]]]]


def test_pictures_have_the_size_the_pipeline_states(pipeline: SpritePipeline, seeded: Seeded) -> None:
    side = pipeline.size_px
    assert side == (16 if pipeline.vae is None else 32)
    assert draw(pipeline, PROMPTS[:2], seeded(1, 2)).shape == (2, side, side, 4)
    assert pipeline.encode(torch.zeros(1, 4, side, side)).shape == (1, 16, 8, 8)


def test_one_prompt_gives_one_pil_picture(pipeline: SpritePipeline, seeded: Seeded) -> None:
    images = pipeline("red potion", num_inference_steps=2, generator=seeded(1)).images
    assert [type(image) for image in images] == [Image.Image]
    assert images[0].mode == "RGBA"
    (same,) = pipeline("red potion", num_inference_steps=2, generator=seeded(1), return_dict=False)
    assert np.array_equal(np.asarray(same[0]), np.asarray(images[0]))


def test_saved_folder_has_the_standard_layout_and_draws_the_same(
    pipeline: SpritePipeline, seeded: Seeded, tmp_path: Path
) -> None:
    before = draw(pipeline, PROMPTS[:2], seeded(1, 2))
    with quiet_loading():
        pipeline.save_pretrained(tmp_path / "saved", safe_serialization=True)
        again = SpritePipeline.from_pretrained(
            tmp_path / "saved", local_files_only=True, use_safetensors=True
        )
    again.set_progress_bar_config(disable=True)
    index = json.loads((tmp_path / "saved" / "model_index.json").read_text())
    assert index["_class_name"] == "SpritePipeline"
    assert index["unet"] == ["diffusers", "UNet2DConditionModel"]
    assert index["vae"] == ([None, None] if pipeline.vae is None else ["diffusers", "AutoencoderTiny"])
    names = {path.name for path in (tmp_path / "saved").rglob("*") if path.is_file()}
    assert "diffusion_pytorch_model.safetensors" in names
    assert not {name for name in names if name.endswith((".bin", ".pt", ".ckpt", ".pkl"))}
    assert np.array_equal(draw(again, PROMPTS[:2], seeded(1, 2)), before)


def test_pipeline_without_a_text_encoder_says_what_it_needs(pipeline: SpritePipeline, seeded: Seeded) -> None:
    bare = SpritePipeline(pipeline.unet, pipeline.scheduler, pipeline.vae)
    with pytest.raises(ValueError, match="without a text encoder; load it with one"):
        draw(bare, PROMPTS[:1], seeded(1))


def test_prompt_states_are_padded_to_the_trained_length(pipeline: SpritePipeline) -> None:
    states, mask = pipeline.encode_prompt(["red potion", "red " * 100])
    assert states.shape[:2] == mask.shape == (2, MAX_TOKENS)
    assert mask.sum(1).tolist() == [4, MAX_TOKENS]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_picture_is_the_same_alone_and_in_a_batch(
    pipeline: SpritePipeline, seeded: Seeded, dtype: torch.dtype, guidance: float
) -> None:
    """A batch once chose other kernels for the autoencoder and in float32, which tipped pixels."""
    pipeline.unet.to(dtype=dtype)
    together = draw(pipeline, PROMPTS, seeded(1, 2, 3, 4), guidance_scale=guidance)
    for seed, prompt in enumerate(PROMPTS, 1):
        alone = draw(pipeline, [prompt], seeded(seed), guidance_scale=guidance)[0]
        assert np.array_equal(alone, together[seed - 1])


def test_starting_noise_comes_from_each_pictures_own_seed(pipeline: SpritePipeline, seeded: Seeded) -> None:
    seen: list[torch.Tensor] = []

    def keep(module, args, kwargs) -> None:
        seen.append(args[0].clone())

    with pipeline.unet.register_forward_pre_hook(keep, with_kwargs=True):
        draw(pipeline, PROMPTS[:3], seeded(5, 6, 7), num_inference_steps=1, guidance_scale=1.0)
        draw(pipeline, PROMPTS[:1], seeded(6), num_inference_steps=1, guidance_scale=1.0)
    noise = torch.cat(seen)
    assert torch.equal(noise[1], noise[3])
    assert not torch.equal(noise[0], noise[1])


def test_seed_prompt_negative_prompt_and_guidance_each_change_the_picture(
    pipeline: SpritePipeline, seeded: Seeded
) -> None:
    # In velocities rather than pixels: random weights answer faintly.
    kept: list[torch.Tensor] = []
    pipeline.decode = lambda latents: kept.append(latents.clone()) or np.zeros((1, 1, 1, 4), np.uint8)
    base = {"prompts": ["red potion"], "generators": 1, "guidance_scale": 3.0, "negative_prompt": ""}
    changes = [
        {},
        {"generators": 2},
        {"prompts": ["blue sword"]},
        {"negative_prompt": "blue"},
        {"guidance_scale": 5.0},
        {"guidance_scale": 1.0},
    ]
    for change in changes:
        settings = base | change
        generators = seeded(settings.pop("generators"))
        draw(pipeline, settings.pop("prompts"), generators, **settings)
    for first in range(len(kept)):
        for second in range(first):
            assert not torch.equal(kept[first], kept[second]), (changes[first], changes[second])


def test_each_picture_has_its_own_negative_prompt(pipeline: SpritePipeline, seeded: Seeded) -> None:
    both = draw(pipeline, ["knight", "knight"], seeded(1, 1), negative_prompt=["red", "blue"])
    for at, negative in enumerate(["red", "blue"]):
        alone = draw(pipeline, ["knight"], seeded(1), negative_prompt=negative)
        assert np.array_equal(both[at], alone[0])


def rows_through_network(pipeline: SpritePipeline, seeded: Seeded, guidance: float) -> int:
    rows: list[int] = []

    def count(module, args) -> None:
        rows.append(len(args[0]))

    with pipeline.unet.register_forward_pre_hook(count):
        draw(pipeline, PROMPTS[:2], seeded(1, 2), guidance_scale=guidance)
    return sum(rows)


def test_guidance_of_one_or_less_passes_once(pipeline: SpritePipeline, seeded: Seeded) -> None:
    assert rows_through_network(pipeline, seeded, 1.0) == 2 * 3
    assert rows_through_network(pipeline, seeded, 0.0) == 2 * 3
    assert rows_through_network(pipeline, seeded, 1.5) == 2 * 3 * 2


def test_callback_comes_once_a_step_with_a_preview(pipeline: SpritePipeline, seeded: Seeded) -> None:
    told: list[tuple[int, int]] = []
    previews: list[np.ndarray] = []

    def callback(step: int, steps: int, preview: Callable[[], np.ndarray]) -> None:
        told.append((step, steps))
        previews.append(preview())

    made = draw(pipeline, PROMPTS[:2], seeded(1, 2), num_inference_steps=4, callback_on_step_end=callback)
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert {(preview.shape, str(preview.dtype)) for preview in previews} == {(made.shape, "uint8")}
    # The last step's clean picture is the finished one, but for rounding.
    assert np.abs(previews[-1].astype(int) - made).max() <= 1
    assert not np.array_equal(previews[0], previews[-1])


def test_preview_can_be_decoded_later_on_another_thread(pipeline: SpritePipeline, seeded: Seeded) -> None:
    """Outside inference mode the autoencoder once refused the latents."""
    pipeline.unet.requires_grad_(True)
    previews: list[Callable[[], np.ndarray]] = []
    draw(pipeline, PROMPTS[:1], seeded(1), callback_on_step_end=lambda step, steps, p: previews.append(p))
    decoded: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda p=p: decoded.append(p())) for p in previews]
    for thread in threads:
        thread.start()
        thread.join()
    assert len(decoded) == 3


def test_raising_in_the_callback_stops_the_run(pipeline: SpritePipeline, seeded: Seeded) -> None:
    told: list[int] = []

    def callback(step: int, steps: int, preview: Callable[[], np.ndarray]) -> None:
        told.append(step)
        if step == 1:
            raise Stop

    expected = draw(pipeline, PROMPTS[:1], seeded(1))
    with pytest.raises(Stop):
        draw(pipeline, PROMPTS[:1], seeded(1), callback_on_step_end=callback)
    assert told == [0, 1]
    assert np.array_equal(draw(pipeline, PROMPTS[:1], seeded(1)), expected)


def test_one_step_draws(pipeline: SpritePipeline, seeded: Seeded) -> None:
    one = draw(pipeline, PROMPTS[:1], seeded(1), num_inference_steps=1)
    assert one.shape[0] == 1
    assert not np.array_equal(one, draw(pipeline, PROMPTS[:1], seeded(2), num_inference_steps=1))


def test_numbers_that_do_not_fit_are_refused(pipeline: SpritePipeline, seeded: Seeded) -> None:
    with pytest.raises(ValueError, match="3 prompts need 3 generators, not 2"):
        draw(pipeline, PROMPTS[:3], seeded(1, 2))
    with pytest.raises(ValueError, match="3 prompts need one negative prompt or 3 of them, not 2"):
        draw(pipeline, PROMPTS[:3], seeded(1, 2, 3), negative_prompt=["red", "blue"])
    with pytest.raises(ValueError, match="3 prompts need one guidance or 3 of them, not 2"):
        draw(pipeline, PROMPTS[:3], seeded(1, 2, 3), guidance_scale=[1.0, 2.0])
    side = pipeline.size_px
    one = np.zeros((1, side, side, 4), np.uint8)
    with pytest.raises(ValueError, match="3 prompts need 3 pictures, not 1"):
        draw(pipeline, PROMPTS[:3], seeded(1, 2, 3), image=one)
    with pytest.raises(ValueError, match="A mask needs the picture"):
        draw(pipeline, PROMPTS[:1], seeded(1), mask=np.ones((1, side, side), bool))


def texts_through_network(pipeline: SpritePipeline, **settings) -> int:
    rows: list[int] = []
    with pipeline.unet.register_forward_pre_hook(lambda module, args: rows.append(len(args[0]))):
        pipeline(num_inference_steps=1, output_type="np", **settings)
    return sum(rows)


def test_network_with_distilled_guidance_passes_once_unless_asked_for_more(pipeline: SpritePipeline) -> None:
    pipeline.register_to_config(distilled_guidance=3.0)
    assert texts_through_network(pipeline, prompt="red potion", guidance_scale=3.0) == 1
    assert texts_through_network(pipeline, prompt="red potion", guidance_scale=4.0) == 2
    assert texts_through_network(pipeline, prompt="red potion", negative_prompt="blue") == 3
    assert texts_through_network(pipeline, prompt="(red:1.3) potion") == 2


def test_pictures_with_more_and_fewer_texts_share_a_batch(pipeline: SpritePipeline, seeded: Seeded) -> None:
    prompts = ["(red:2) potion", "knight", "blue (sword:0.5) (tile:1.5)"]
    settings = {"negative_prompt": ["", "red", ""], "guidance_scale": [1.0, 3.0, 2.0]}
    together = draw(pipeline, prompts, seeded(1, 2, 3), **settings)
    for at, prompt in enumerate(prompts):
        mine = {name: values[at] for name, values in settings.items()}
        assert np.array_equal(draw(pipeline, [prompt], seeded(at + 1), **mine)[0], together[at])


@pytest.fixture
def source(pipeline: SpritePipeline) -> np.ndarray:
    """A picture for the pipeline to start from: 1 h w 4, opaque, blocks of colour."""
    side = pipeline.size_px
    blocks = np.random.default_rng(2).integers(0, 256, (1, side // 4, side // 4, 4), np.uint8)
    blocks[..., 3] = 255
    return blocks.repeat(4, 1).repeat(4, 2)


def test_less_strength_stays_nearer_to_the_source_and_takes_fewer_steps(
    pipeline: SpritePipeline, seeded: Seeded, source: np.ndarray
) -> None:
    apart, steps = [], []
    kept: list[torch.Tensor] = []
    pipeline.decode = lambda latents: kept.append(latents) or np.zeros((1, 1, 1, 4), np.uint8)
    start = pipeline._encode_alone(source).detach()
    for strength in (0.1, 0.5, 1.0):
        told: list[int] = []
        settings = {"image": source, "strength": strength, "num_inference_steps": 10}
        draw(
            pipeline,
            ["knight"],
            seeded(1),
            callback_on_step_end=lambda *a, t=told: t.append(a[1]),
            **settings,
        )
        apart.append(float((kept[-1] - start).abs().mean()))
        steps.append((len(told), told[0]))
    assert apart[0] < apart[1] < apart[2]
    assert steps == [(1, 1), (5, 5), (10, 10)]
    draw(pipeline, ["knight"], seeded(1), num_inference_steps=10)
    assert torch.equal(kept[-1], kept[-2])  # at full strength nothing of the source is left


def test_only_what_the_mask_marks_changes(
    pipeline: SpritePipeline, seeded: Seeded, source: np.ndarray
) -> None:
    mask = np.zeros(source.shape[:3], bool)
    mask[:, 3:7, 5:12] = True
    made = draw(pipeline, ["knight"], seeded(1), image=source, mask=mask, strength=1.0)
    assert np.array_equal(made[~mask], source[~mask])
    assert (made[mask] != source[mask]).any(-1).mean() > 0.5
    other = draw(pipeline, ["knight"], seeded(2), image=source, mask=mask, strength=1.0)
    assert not np.array_equal(made[mask], other[mask])


def test_seamless_network_does_not_know_where_the_edge_is(pipeline: SpritePipeline, seeded: Seeded) -> None:
    """Rolling the noise rolls a seamless picture with it, and no other."""
    network = pipeline.unet
    noise = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    states, mask = pipeline.encode_prompt(["knight"])

    def velocity(x: torch.Tensor) -> torch.Tensor:
        return network(x, 500, states, encoder_attention_mask=mask).sample

    rolled = torch.roll(noise, (2, 4), (2, 3))  # whole cells of the coarsest level
    with torch.inference_mode():
        plain = torch.roll(velocity(noise), (2, 4), (2, 3))
        assert not torch.allclose(velocity(rolled), plain, atol=1e-4)
        with circular(network, None):
            around = torch.roll(velocity(noise), (2, 4), (2, 3))
            torch.testing.assert_close(velocity(rolled), around, atol=1e-5, rtol=1e-4)
        assert torch.equal(torch.roll(velocity(noise), (2, 4), (2, 3)), plain)  # and afterwards as before
    settings = {"generators": seeded(1), "prompts": ["knight"]}
    assert not np.array_equal(
        draw(pipeline, **settings, seamless=True), draw(pipeline, ["knight"], seeded(1))
    )
