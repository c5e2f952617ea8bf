"""Search by the text encoder that is bundled: what means the same is found in other words."""

import numpy as np
import pytest

from generators.meaning import TextMeaning


@pytest.fixture(scope="module")
def meaning() -> TextMeaning:
    return TextMeaning.load()


def test_vectors_have_length_one_whatever_is_beside_them(meaning: TextMeaning) -> None:
    alone = meaning.vectors(["a red potion bottle"])
    beside = meaning.vectors(["a red potion bottle", "an old and very tired knight who guards a bridge " * 9])
    assert alone.shape == (1, 384)
    assert np.allclose(np.linalg.norm(beside, axis=1), 1, atol=1e-5)
    assert np.allclose(alone[0], beside[0], atol=1e-5), "padding has no part in the mean"
    assert meaning.vectors([]).shape == (0, 384)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("a magic drink", "a red potion bottle"),
        ("undead enemy", "a skeleton warrior with a rusty sword"),
        ("ground to walk on in a forest", "grass floor with small flowers"),
        ("royal jewellery", "a golden crown with rubies"),
    ],
)
def test_other_words_find_what_is_meant(meaning: TextMeaning, asked: str, meant: str) -> None:
    known = [
        "a red potion bottle",
        "a skeleton warrior with a rusty sword",
        "grass floor with small flowers",
        "a golden crown with rubies",
        "a wooden chest",
        "a stone wall",
    ]
    alike = meaning.vectors(known) @ meaning.vectors([asked])[0]
    assert known[int(alike.argmax())] == meant
