"""YAML becomes plain values with their lines, and nothing that could harm."""

import re

import pytest

from engine.errors import InvalidStoryboard
from engine.storyboard.yaml_document import MAX_BYTES, read_yaml, spoken, write_yaml


def test_every_value_knows_its_line() -> None:
    document = read_yaml(b"title: x\n\nshots:\n  - seconds: 2\n    cast: [{asset: a}]\n")
    assert document.value == {"title": "x", "shots": [{"seconds": 2, "cast": [{"asset": "a"}]}]}
    assert document.lines["shots", 0, "seconds"] == 4
    assert document.lines["shots", 0, "cast", 0, "asset"] == 5
    assert str(document.problem(("shots", 0, "camera", "zoom"), "no.")) == "line 4, shots[0].camera.zoom: no."


def test_values_are_those_of_the_core_schema() -> None:
    text = "{a: no, b: 1:30, c: 2026-01-01, d: '7', e: 1.5, f: true, g: , h: -3, i: 320x180, j: '', k: 1e3}"
    assert read_yaml(text.encode()).value == {
        "a": "no",
        "b": "1:30",
        "c": "2026-01-01",
        "d": "7",
        "e": 1.5,
        "f": True,
        "g": None,
        "h": -3,
        "i": "320x180",
        "j": "",
        "k": 1000.0,
    }


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a: &x [1]\nb: *x", "line 1: aliases and anchors"),
        (b"a: 1\nb: *x", "line 2: aliases and anchors"),
        (b"a: !!python/object/apply:os.system [ls]", "line 1: tags (tag:yaml.org,2002:python"),
        (b"a: 1\nb: 2\na: 3", "line 3, a: the field is there twice"),
        (b"? [1, 2]\n: 3", "line 1: a list or a mapping stands where"),
        (b"a: 1\n---\nb: 2", "line 2: a second document"),
        (b"a: [1, 2\nb: 3", "line 2: it is not YAML"),
        (b"a:\n\t- 1", "line 2: it is not YAML"),
        (b"a: 1\nb: \xff", "line 2: it is not text in UTF-8"),
        (b"a: \x07", "characters that YAML forbids"),
        (b'a: 1\nb: "x\\0"', "line 2: the text holds control characters"),
        (b'a: "\\ud800"', "line 1: the text holds control characters"),
        (b'"\\ud800": 1', "line 1: the text holds control characters"),
        (b"[" * 100_000, "nested more than 12 deep"),
        (b"a: 1\n" + b"#" * MAX_BYTES, "at most 262,144"),
    ],
)
def test_what_is_not_read_is_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(InvalidStoryboard, match=re.escape(words)) as error:
        read_yaml(data)
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


def test_a_number_of_many_digits_is_a_text() -> None:
    assert read_yaml(b"a: " + b"9" * 5000).value == {"a": "9" * 5000}


@pytest.mark.parametrize(
    "text", ["no", "1:30", "12", "1e5", "~", "#fff", "a: b", "", " x", "'", "ü\u2028\U0001f409"]
)
def test_what_is_written_reads_the_same(text: str) -> None:
    value = {"title": text, "shots": [{"path": [[1, 2], [3, 4]], "camera": {"from": {"zoom": 1.5}}}]}
    assert read_yaml(write_yaml(value).encode()).value == value


def test_a_place_is_spoken_as_people_write_it() -> None:
    assert spoken(("shots", 1, "cast", 0, "asset")) == "shots[1].cast[0].asset"
