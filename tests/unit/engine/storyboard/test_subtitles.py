"""Subtitles that can be read, in the picture and beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from engine.errors import InvalidStoryboard
from engine.storyboard.letters import BUILT_IN, Letters, wrapped
from engine.storyboard.script import Storyboard
from engine.storyboard.subtitles import Subtitler, check_letters, shown, webvtt

GREY = np.full((360, 640, 3), 128, np.uint8)


def board(*subtitles: object) -> Storyboard:
    shots = [
        {"seconds": 2.0, "background": "#000000"} | ({} if text is None else {"subtitle": text})
        for text in subtitles
    ]
    return Storyboard.model_validate({"title": "x", "shots": shots})


@pytest.mark.parametrize(
    "text", ["Hello.", "a word and another " * 12, "x" * 240, "W" * 240, "one\n\ntwo", "A" * 60 + " b"]
)
def test_every_text_is_set_within_the_margins(text: str) -> None:
    picture = Subtitler((640, 360), BUILT_IN).burn(GREY, text)
    rows, columns = np.nonzero((picture != 128).any(-1))
    assert columns.min() >= 640 * 0.05 - 4  # the rim of a letter may lie in the margin
    assert columns.max() < 640 * 0.95 + 4
    assert rows.max() < 360 * 0.95
    assert rows.min() > 360 * 0.3
    assert picture.max() > 240
    assert picture.min() < 30
    assert (GREY == 128).all()


@pytest.mark.parametrize("size", [(32, 32), (3840, 100), (100, 1920)])
def test_films_of_odd_forms_take_subtitles_too(size: tuple[int, int]) -> None:
    picture = np.full((size[1], size[0], 3), 128, np.uint8)
    out = Subtitler(size, BUILT_IN).burn(picture, "a word and another " * 10)
    assert out.shape == picture.shape
    assert (out != picture).any()


def test_lines_break_between_words_and_within_one_that_is_too_long() -> None:
    font = BUILT_IN.font(20)
    lines = wrapped("the quick brown fox " + "o" * 80, font, 200)
    assert all(font.getlength(line) <= 200 for line in lines)
    assert " ".join(lines[:2]).startswith("the quick brown fox")
    assert "".join(lines).replace(" ", "") == "thequickbrownfox" + "o" * 80


def test_the_line_that_began_last_stands() -> None:
    (shot,) = board([{"from": 0, "to": 2, "text": "a"}, {"from": 0.5, "to": 1, "text": "b"}]).shots
    assert [shown(shot.lines(12), second) for second in (0, 0.5, 0.99, 1, 2)] == ["a", "b", "b", "a", None]


def test_webvtt_has_every_line_at_its_time_in_the_film() -> None:
    text = webvtt(board("One.", None, [{"from": 0.5, "to": 9, "text": "Two."}]))
    assert text == (
        "WEBVTT\n\n1\n00:00:00.000 --> 00:00:02.000\nOne.\n\n2\n00:00:04.500 --> 00:00:06.000\nTwo.\n"
    )


def test_no_text_can_break_out_of_its_cue() -> None:
    text = webvtt(board("a & b <i> --> c\n\n00:00:00.000 --> 00:00:09.000\nd"))
    body = text.split("\n", 4)[4]
    assert body == "a &amp; b &lt;i&gt; --&gt; c 00:00:00.000 --&gt; 00:00:09.000 d\n"
    assert text.count("-->") == 1


def test_a_film_without_subtitles_has_an_empty_list_of_them() -> None:
    assert webvtt(board(None)) == "WEBVTT\n"


def test_letters_that_would_be_boxes_are_refused() -> None:
    check_letters(board("It's “so” – or — so… (100%)"), BUILT_IN)
    with pytest.raises(
        InvalidStoryboard, match=r"shots\[1\].subtitle: the font cannot draw '火'; .*--subtitles vtt"
    ):
        check_letters(board("fire", "火"), BUILT_IN)


def test_another_font_has_other_letters(tmp_path: Path, skip_or_fail: Callable[[str], NoReturn]) -> None:
    found = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    if not found.is_file():
        skip_or_fail("there is no font DejaVu Sans; install fonts-dejavu-core")
    letters = Letters.read(found)
    check_letters(board("Straße, жук"), letters)
    assert (Subtitler((640, 360), letters).burn(GREY, "жук") != GREY).any()


def test_a_file_that_is_no_font_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "no.ttf").write_bytes(b"no font")
    for name in ("no.ttf", "gone.ttf", "."):
        with pytest.raises(InvalidStoryboard, match=r"font.*\.$"):
            Letters.read(tmp_path / name)
