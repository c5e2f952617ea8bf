import random

import numpy as np
import pytest

from tools.sprites.colours import ANCHORS, colour_words, names_a_colour
from tools.sprites.phrases import PROPER_NAMES, SYNONYMS, is_proper, phrase, with_synonyms


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("great_sword3", "great sword"),
        ("robe_blue_white", "blue white robe"),
        ("item/armour/cap_black1.png", "black cap"),
        ("elf_dark_green2b", "dark green elf"),
        ("scalemail_new", "scale mail"),
        ("urand_xom", ""),
        ("unrand-xom_axe", "axe"),
        ("gil-galad_lance", "lance"),
        ("Sigmund_scythe", "scythe"),
        ("half-orc", "half-orc"),
        ("17", ""),
    ],
)
def test_file_names_become_phrases(name: str, words: str) -> None:
    assert phrase(name) == words


@pytest.mark.parametrize("form", ["{}", "{}_sword", "Sword_{}12", "{}3b_red", "mon/unique/{}.png", "big-{}"])
def test_proper_names_never_survive(form: str) -> None:
    for name in PROPER_NAMES:
        stem = form.format(name)
        assert is_proper(stem), stem
        assert name not in phrase(stem).split(), stem
        assert not any(name in word.split("-") for word in phrase(stem).split()), stem


def test_common_names_are_not_proper() -> None:
    assert not is_proper("great_sword3")
    assert not is_proper("mon/animals/wolf.png")


def test_synonyms_come_from_the_table_and_repeat_for_a_seed() -> None:
    assert with_synonyms("red wizard", random.Random(1), chance=0.0) == "red wizard"
    made = {with_synonyms("red wizard", random.Random(seed), chance=1.0) for seed in range(40)}
    assert made == {f"red {word}" for word in SYNONYMS["wizard"]}
    first, second = (with_synonyms("grey wizard cloak", random.Random(4)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("name", "rgb"), ANCHORS)
def test_picture_of_one_colour_gets_its_name(name: str, rgb: tuple[int, int, int]) -> None:
    pixels = np.full((8, 8, 4), (*rgb, 255), np.uint8)
    pixels[:4, :, 3] = 0
    pixels[:4, :, :3] = 77
    assert colour_words(pixels) == [name]


def test_colours_are_named_by_share_and_outlines_do_not_count() -> None:
    pixels = np.full((10, 10, 4), (14, 14, 18, 255), np.uint8)  # black: 4 in 10
    pixels[:4] = (40, 70, 210, 255)
    pixels[4:6] = (200, 28, 28, 255)
    assert colour_words(pixels) == ["blue", "red"]
    assert colour_words(pixels, most=1) == ["blue"]


def test_empty_picture_has_no_colour() -> None:
    assert colour_words(np.zeros((4, 4, 4), np.uint8)) == []


def test_colour_words_are_recognised_in_text() -> None:
    assert names_a_colour("a Gray, old wolf")
    assert names_a_colour("knight with blue, long robe")
    assert not names_a_colour("a redoubtable greenhorn")
