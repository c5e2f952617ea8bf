"""Frozen JSON objects: one spelling for equal values, and the refusal of what JSON readers disagree on."""

import copy
import json
import pickle
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.canonical_json import MAX_DEPTH, JsonObject, thaw
from assets.errors import InvalidJson

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=8),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)
objects = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), values, max_size=6)


def test_the_example_of_rfc_8785_has_its_canonical_bytes() -> None:
    # RFC 8785, section 3.2.2 and its serialization in section 3.2.4.
    source = rb"""{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"""
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert JsonObject.from_bytes(source).to_bytes() == expected.encode()


@given(objects)
def test_objects_survive_their_canonical_bytes(source: dict[str, object]) -> None:
    frozen = JsonObject(source)
    again = JsonObject.from_bytes(frozen.to_bytes())
    assert again == frozen
    assert hash(again) == hash(frozen)
    assert again.to_bytes() == frozen.to_bytes()
    assert thaw(frozen) == source


@given(objects)
def test_the_spelling_of_the_source_does_not_matter(source: dict[str, object]) -> None:
    spelled = json.dumps(dict(reversed(source.items())), indent=2).encode()
    assert JsonObject.from_bytes(spelled).to_bytes() == JsonObject(source).to_bytes()


def test_an_object_does_not_change_with_its_source_nor_by_itself() -> None:
    source = {"list": [1, {"deep": 2}]}
    frozen = JsonObject(source)
    source["list"].append(3)
    assert frozen["list"] == (1, JsonObject({"deep": 2}))
    with pytest.raises(TypeError):
        frozen["list"] = 4  # type: ignore[index]


def test_objects_can_be_copied_and_pickled() -> None:
    frozen = JsonObject({"a": [{"b": None}]})
    assert copy.deepcopy(frozen) == pickle.loads(pickle.dumps(frozen)) == frozen


@pytest.mark.parametrize(
    "source",
    [
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": 2**53},
        {"a": -(2**53)},
        {"a": "\ud800"},
        {"\udfff": 1},
        {1: "a"},
        {"a": b"bytes"},
        {"a": {1, 2}},
        {"a": object()},
    ],
)
def test_values_that_json_cannot_hold_are_refused(source: dict[str, object]) -> None:
    with pytest.raises(InvalidJson):
        JsonObject(source)


def nested(levels: int, kind: str) -> bytes:
    opened, closed = {"list": (b"[", b"]"), "object": (b'{"a":', b"}")}[kind]
    return b'{"a":' + opened * (levels - 1) + b"1" + closed * (levels - 1) + b"}"


@pytest.mark.parametrize("kind", ["list", "object"])
def test_nesting_is_allowed_to_a_depth_and_no_further(kind: str) -> None:
    assert JsonObject.from_bytes(nested(MAX_DEPTH, kind)).to_bytes() == nested(MAX_DEPTH, kind)
    for levels in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(InvalidJson, match="nested deeper"):
            JsonObject.from_bytes(nested(levels, kind))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "line 1, column 2"),
        (b"[]", "not an object"),
        (b'"text"', "not an object"),
        (b'{"a":1,"a":2}', "'a' occurs twice"),
        (b'{"b":{"a":1,"a":1}}', "'a' occurs twice"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "-Infinity"),
        (b'{"a":1e999}', "infinity"),
        (b'{"a":9007199254740993}', "lose digits"),
        (b'{"a":' + b"9" * 5000 + b"}", "lose digits"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'\xef\xbb\xbf{"a":1}', "BOM"),
        (b'{"a":"\\ud800"}', "surrogate"),
    ],
)
def test_malformed_or_ambiguous_text_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(InvalidJson) as caught:
        JsonObject.from_bytes(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize("text", [b'{"a":100000000000000000000}', b'{"a":9007199254740992}'])
def test_large_whole_numbers_that_a_double_spells_so_survive(text: bytes) -> None:
    assert JsonObject.from_bytes(text).to_bytes() == text


def test_deep_nesting_is_refused_even_where_python_may_recurse_far() -> None:
    """A process that raised its recursion limit, as the EVM does, once died of this with a segmentation fault."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        with pytest.raises(InvalidJson, match="nested deeper"):
            JsonObject.from_bytes(b"[" * 100_000)
    finally:
        sys.setrecursionlimit(before)
