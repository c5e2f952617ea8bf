from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import nn

from generators.cpu_layers import Float32GroupNorm, fit_to_cpu
from generators.sprite_pipeline import SpritePipeline

ROWS = 16


def inputs(network: UNet2DConditionModel) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Noisy pictures, token states and a mask with another number of tokens in each row."""
    seeded = torch.Generator().manual_seed(3)
    side, width = network.config.sample_size, network.config.cross_attention_dim
    noisy = torch.randn(ROWS, 16, side, side, generator=seeded)
    states = torch.randn(ROWS, 32, width, generator=seeded)
    mask = (torch.arange(32)[None] < 2 + torch.arange(ROWS)[:, None]).long()
    return noisy, states, mask


@torch.inference_mode()
def velocity(network: UNet2DConditionModel, *rows: torch.Tensor) -> torch.Tensor:
    noisy, states, mask = rows
    noisy = noisy.to(network.dtype).contiguous(memory_format=torch.channels_last)
    return network(noisy, 700.0, states.to(network.dtype), encoder_attention_mask=mask, return_dict=False)[
        0
    ].float()


@pytest.fixture
def network(pipeline: SpritePipeline) -> UNet2DConditionModel:
    return pipeline.unet


def test_network_gives_the_same_velocities(network: UNet2DConditionModel) -> None:
    rows = inputs(network)
    expected = velocity(network, *rows)
    fit_to_cpu(network)
    torch.testing.assert_close(velocity(network, *rows), expected, rtol=1e-4, atol=1e-5)


def test_in_bfloat16_it_is_as_near_to_float32_as_before(network: UNet2DConditionModel) -> None:
    rows = inputs(network)
    exact = velocity(network, *rows)
    network.to(torch.bfloat16)
    before = (velocity(network, *rows) - exact).std()
    fit_to_cpu(network)
    after = (velocity(network, *rows) - exact).std()
    assert 0 < after < 1.25 * before


@pytest.mark.parametrize("together", [1, 2, 5])
def test_in_bfloat16_a_row_does_not_depend_on_its_batch(network: UNet2DConditionModel, together: int) -> None:
    network.to(dtype=torch.bfloat16, memory_format=torch.channels_last)
    fit_to_cpu(network)
    rows = inputs(network)
    parts = zip(*(each.split(together) for each in rows), strict=True)
    assert torch.equal(torch.cat([velocity(network, *part) for part in parts]), velocity(network, *rows))


def test_padding_of_a_prompt_is_not_read(network: UNet2DConditionModel) -> None:
    fit_to_cpu(network)
    noisy, states, mask = inputs(network)
    other = torch.where(mask[..., None] > 0, states, 9.0)
    assert torch.equal(velocity(network, noisy, other, mask), velocity(network, noisy, states, mask))


def test_every_norm_is_replaced_and_the_weights_keep_their_names(network: UNet2DConditionModel) -> None:
    before = {name: weight.data_ptr() for name, weight in network.named_parameters()}
    fit_to_cpu(network)
    assert {name: weight.data_ptr() for name, weight in network.named_parameters()} == before
    norms = [module for module in network.modules() if isinstance(module, nn.GroupNorm)]
    assert len(norms) > 5
    assert {type(norm) for norm in norms} == {Float32GroupNorm}


def test_saved_network_loads_into_plain_layers(network: UNet2DConditionModel, tmp_path: Path) -> None:
    rows = inputs(network)
    fit_to_cpu(network)
    network.save_pretrained(tmp_path, safe_serialization=True)
    again = UNet2DConditionModel.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(velocity(again, *rows), velocity(network, *rows), rtol=1e-4, atol=1e-5)
