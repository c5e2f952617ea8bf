import pytest
import torch

from generators.prompt_reader import MAX_KEPT, PromptReader
from generators.recipe import MAX_TOKENS
from generators.sprite_pipeline import SpritePipeline

PROMPTS = ["red potion", "", "knight", "red red red tile sword", "blue " * 50]


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.fixture
def parts(pipeline: SpritePipeline) -> SpritePipeline:
    return pipeline


def reader(parts: SpritePipeline, dtype: torch.dtype) -> PromptReader:
    return PromptReader(parts.tokenizer, parts.text_encoder, dtype)


@torch.inference_mode()
def as_transformers_encodes(parts: SpritePipeline, prompt: str) -> tuple[torch.Tensor, torch.Tensor]:
    tokens = parts.tokenizer(
        [prompt], padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
    )
    return parts.text_encoder(**tokens).last_hidden_state[0], tokens["attention_mask"][0]


def test_states_are_the_encoders_and_zero_past_the_prompt(parts: SpritePipeline, dtype: torch.dtype) -> None:
    states, masks = reader(parts, dtype)(PROMPTS)
    assert states.dtype == torch.float32
    near = 1e-5 if dtype == torch.float32 else 0.05
    for prompt, state, mask in zip(PROMPTS, states, masks, strict=True):
        expected, expected_mask = as_transformers_encodes(parts, prompt)
        assert torch.equal(mask, expected_mask)
        assert (state[mask == 0] == 0).all()
        torch.testing.assert_close(state[mask == 1], expected[mask == 1], rtol=0, atol=near)


def test_prompt_has_the_same_states_whatever_is_read_with_it(
    parts: SpritePipeline, dtype: torch.dtype
) -> None:
    together, _ = reader(parts, dtype)(PROMPTS)
    for prompt, expected in zip(PROMPTS, together, strict=True):
        assert torch.equal(reader(parts, dtype)([prompt])[0][0], expected)
    pair, _ = reader(parts, dtype)(PROMPTS[3:1:-1])
    assert torch.equal(pair, together[[3, 2]])


def test_prompt_is_read_once_while_it_is_kept(parts: SpritePipeline) -> None:
    asked, read = reader(parts, torch.bfloat16), []
    packed = asked._packed
    asked._packed = lambda prompts: read.extend(prompts) or packed(prompts)
    first, _ = asked(["knight", "red", "knight"])
    second, _ = asked(["red", "", "knight"])
    assert len(read) == 3
    assert torch.equal(first[0], first[2])
    assert torch.equal(second[2], first[0])
    asked([f"red {'red ' * (n % 20)}{'blue ' * (n // 20)}" for n in range(MAX_KEPT)])
    assert len(asked._kept) == MAX_KEPT
    asked(["knight"])
    assert len(read) == 3 + MAX_KEPT + 1


def test_more_prompts_than_are_kept_are_all_read(parts: SpritePipeline) -> None:
    many = [f"red {'red ' * (n % 20)}{'blue ' * (n // 20)}" for n in range(MAX_KEPT + 9)]
    states, masks = reader(parts, torch.bfloat16)(many)
    assert states.shape[:2] == masks.shape == (MAX_KEPT + 9, MAX_TOKENS)
