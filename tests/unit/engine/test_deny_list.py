"""Deny lists: what a term or a pattern finds in every disguise, what it leaves alone, and files that are refused."""

from pathlib import Path

import pytest

from engine.deny_list import DEFAULT, MAX_PATTERNS, DenyList
from engine.errors import InvalidSettings
from engine.plain_text import plain, readings


@pytest.fixture
def listed(tmp_path: Path) -> DenyList:
    path = tmp_path / "deny.txt"
    path.write_text(
        "# our own\n\nslime\nblue  Wizard\n/dr[ae]gon s?lair/\nнаг\nnaïve\n1984\nनग्न\n", encoding="utf-8"
    )
    return DenyList.read(path, "deny list")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a green slime", 3),
        ("SLIME!", 3),
        ("5l1me and 5l!me", 3),
        ("sl|me", 3),
        ("slime|knight", 3),
        ("s l i m e", 3),
        ("a s.l.i.m.e.", 3),
        ("sl\u200bi\u00adm\u2060e", 3),
        ("ｓｌｉｍｅ", 3),
        ("𝓼𝓵𝓲𝓶𝓮", 3),
        ("s̶l̷i̵m̴é", 3),
        ("ѕlіmе", 3),
        ("_slime_", 3),
        ("slimes", None),
        ("sublime", None),
        ("a blue\n wizard", 4),
        ("blue-wizard", 4),
        ("blue old wizard", None),
        ("the DRAGON  lair", 5),
        ("the dregon slair", 5),
        ("наг", 6),
        ("наган", None),
        ("naive", 7),
        ("in 1984", 8),
        ("नग्न", 9),
        ("", None),
        ("our own", None),
    ],
)
def test_a_line_finds_its_words_and_no_others(listed: DenyList, text: str, line: int | None) -> None:
    assert listed.line(text) == line


@pytest.mark.parametrize(
    "text",
    [
        "a nude child",
        "sexy schoolgirl, pixel art",
        "a teenager in a lewd pose",
        "erotic picture of a 15 year old",
        "nak3d k1ds",
        "l0licon",
        "scene of a rape",
    ],
)
def test_the_default_list_refuses(text: str) -> None:
    assert DenyList.read(DEFAULT, "default").line(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "a child with a wooden sword",
        "the naked blade of a knight",
        "a teenage wizard apprentice",
        "a bunch of grapes",
        "an oasis in Essex",
        "a minor healing potion in a sexy red bottle",
        "a 12 year old whisky",
        "Shota the samurai",
        "a sexy 112 year old vampire",
        "nude, beige and pink palette",
    ],
)
def test_the_default_list_lets_games_be_games(text: str) -> None:
    assert DenyList.read(DEFAULT, "default").line(text) is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"good\nc++", "Line 2"),
        (b"/[/", "RE2"),
        (b"/(?=a)/", "RE2"),
        (b"/((a{100}){100}){100}/", "RE2"),
        (b"/.*/", "fits every text"),
        (b"one two three four five six seven eight nine", "8 words"),
        (b"x" * 1001, "1000 characters"),
        (b"x\n" * 600_000, "1 MB"),
        (b"/x/\n" * (MAX_PATTERNS + 1), "patterns"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_sentence(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "deny.txt"
    path.write_bytes(content)
    with pytest.raises(InvalidSettings) as caught:
        DenyList.read(path, "deny list")
    assert told in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pattern_that_others_would_hang_on_is_searched_for_in_time(tmp_path: Path) -> None:
    path = tmp_path / "deny.txt"
    path.write_text(r"/(a+)+$/" + "\n" + r"/(x|xx)*y$/")
    assert DenyList.read(path, "deny list").line("a" * 500 + "!" + "x" * 499) is None  # else this never ends


def test_a_text_of_marks_alone_becomes_nothing() -> None:
    assert plain("\u0301\u200b\ufeff \u3164") == ""
    assert readings("") == ("",)
