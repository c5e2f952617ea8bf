"""The judge and the index of training pictures that the package ships, with pictures of the bundled models."""

import numpy as np
import pytest

from generators.judge import JUDGE_FOLDER, load_judge, read_config
from generators.novelty import NoveltyIndex
from generators.recipe import Kind
from generators.sprite_generator import SpriteGenerator
from generators.text_encoder import load_text_encoder

PROMPTS = {
    32: (
        "red potion bottle",
        "blue potion bottle",
        "golden ring",
        "blue robe armour",
        "brown leather book",
        "green dragon monster",
        "grass floor tile",
        "lava floor tile",
    ),
    64: ("a knight in silver armour", "a wizard in a blue robe", "a green orc warrior", "a fire dragon"),
}


@pytest.fixture(scope="module")
def drawn() -> dict[int, np.ndarray]:
    """Two seeds of each prompt, by size."""
    generator = SpriteGenerator()
    return {
        size: np.stack(
            [
                picture.pixels
                for picture in generator.draw(
                    [
                        generator.recipe(prompt, Kind.ITEM, seed, size=size)
                        for prompt in prompts
                        for seed in (0, 1)
                    ]
                )
            ]
        )
        for size, prompts in PROMPTS.items()
    }


@pytest.fixture(scope="module")
def index() -> NoveltyIndex:
    return NoveltyIndex.load()


def test_judge_says_how_good_it_is_and_is_better_than_chance() -> None:
    score = read_config(JUDGE_FOLDER)["score"]
    assert len(score) == 5
    for group, row in score.items():
        assert row["top1"] > 3 / 32, group
        assert row["pictures"] >= 32, group


def test_judge_tells_simple_pictures_apart(drawn: dict[int, np.ndarray]) -> None:
    """Far apart prompts of the small model, which obeys its colours: chance is one in eight."""
    judge, encoder = load_judge(), load_text_encoder()
    tokens = encoder.tokenizer(list(PROMPTS[32]), padding=True, return_tensors="pt")
    captions = judge.read(encoder.model(**tokens).last_hidden_state, tokens["attention_mask"])
    best = (judge.see(drawn[32]) @ captions.T).argmax(1)
    assert (best == np.repeat(np.arange(8), 2)).mean() >= 0.5


@pytest.mark.parametrize("size", [32, 64])
def test_bundled_models_draw_no_near_copies_of_what_the_index_holds(
    drawn: dict[int, np.ndarray], index: NoveltyIndex, size: int
) -> None:
    assert not any(index.is_near_copy(pixels) for pixels in drawn[size])


def test_known_thumbnail_is_found_in_the_bundled_index(index: NoveltyIndex) -> None:
    """The art itself is not in the repository, but an enlarged thumbnail is nearly its picture; those that reached
    around the edge when they were centred are not."""
    levels = (index._levels[:2000:200] * 15).round().astype(np.uint8).reshape(-1, 16, 16, 4)
    assert len(levels) == 10
    straight = np.clip(levels.astype(float) * 17, 0, 255)
    straight[..., :3] = np.clip(straight[..., :3] / np.maximum(straight[..., 3:] / 255, 1e-3), 0, 255)
    pictures = straight.astype(np.uint8).repeat(2, 1).repeat(2, 2)
    assert (index.pixel_distances(pictures).min(1) < 0.01).sum() >= 7
