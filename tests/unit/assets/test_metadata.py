"""Token metadata: what it holds survives, its digest is its address, bad documents are refused clearly."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.cid import raw_cid
from assets.errors import InvalidMetadata
from assets.metadata import MAX_METADATA_BYTES, Attribute, TokenMetadata

IMAGE = raw_cid(b"image").uri
KNIGHT = TokenMetadata(
    name="Rust Knight",
    description="Keeps a gate that nobody uses.",
    image=IMAGE,
    external_url="https://lorespark.example/assets/1",
    animation_url=raw_cid(b"walk").uri,
    background_color="1a2B3c",
    attributes=(Attribute("Class", "knight"), Attribute("Strength", 7, "boost_number")),
    properties={"seed": 42},  # type: ignore[arg-type]
    extra={"youtube_url": None, "collection": {"name": "Gatekeepers"}},  # type: ignore[arg-type]
)

texts = st.text(st.characters(codec="utf-8"), max_size=12)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
unknown = st.dictionaries(texts.map("x-{}".format), json_values, max_size=3)
attributes = st.builds(
    Attribute, st.none() | texts, texts | numbers | st.booleans(), st.none() | st.just("string"), unknown
)
documents = st.builds(
    TokenMetadata,
    name=texts.filter(bool),
    description=texts,
    image=st.sampled_from(
        [IMAGE, IMAGE + "/1.png", "https://example.org/a.png", "data:image/png;base64,AA=="]
    ),
    external_url=st.sampled_from([None, "https://example.org", "http://example.org/x?y#z"]),
    animation_url=st.sampled_from([None, IMAGE]),
    background_color=st.none() | st.from_regex(r"[0-9a-fA-F]{6}", fullmatch=True),
    attributes=st.lists(attributes, max_size=4),
    properties=st.dictionaries(texts, json_values, max_size=3),
    extra=unknown,
)


def document(**changes: object) -> bytes:
    return json.dumps({"name": "Rust Knight", "image": IMAGE} | changes).encode()


def test_the_document_is_canonical_json() -> None:
    assert KNIGHT.to_bytes().decode() == (
        '{"animation_url":"' + str(KNIGHT.animation_url) + '",'
        '"attributes":[{"trait_type":"Class","value":"knight"},'
        '{"display_type":"boost_number","trait_type":"Strength","value":7}],'
        '"background_color":"1a2B3c","collection":{"name":"Gatekeepers"},'
        '"description":"Keeps a gate that nobody uses.",'
        '"external_url":"https://lorespark.example/assets/1",'
        '"image":"' + IMAGE + '","name":"Rust Knight","properties":{"seed":42},"youtube_url":null}'
    )


def test_the_digest_is_the_whole_address_of_the_document() -> None:
    assert KNIGHT.digest == hashlib.sha256(KNIGHT.to_bytes()).digest()
    assert KNIGHT.cid == raw_cid(KNIGHT.to_bytes())


@given(documents)
def test_metadata_survives_its_document(metadata: TokenMetadata) -> None:
    again = TokenMetadata.from_bytes(metadata.to_bytes())
    assert again == metadata
    assert again.to_bytes() == metadata.to_bytes()
    assert hash(again) == hash(metadata)


@given(unknown, unknown)
def test_unknown_fields_survive_at_the_top_and_in_attributes(
    top: dict[str, object], inner: dict[str, object]
) -> None:
    source = document(attributes=[{"trait_type": "Age", "value": 3, **inner}], **top)
    written = TokenMetadata.from_bytes(source).to_bytes()
    # Every JSON number is a double here, as it is to RFC 8785.
    assert json.loads(written, parse_int=float) == json.loads(source, parse_int=float)


def test_two_spellings_of_one_document_have_one_digest() -> None:
    spaced = b'{ "image" : "%s",\n "name" : "Rust Kn\\u0069ght" }' % IMAGE.encode()
    assert TokenMetadata.from_bytes(spaced).digest == TokenMetadata.from_bytes(document()).digest


def test_empty_null_and_absent_fields_are_one_and_the_same() -> None:
    empty = document(
        description="", external_url="", animation_url=None, background_color="", attributes=[], properties={}
    )
    assert TokenMetadata.from_bytes(empty) == TokenMetadata.from_bytes(document())


def test_metadata_cannot_change() -> None:
    with pytest.raises(AttributeError):
        KNIGHT.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        KNIGHT.properties["seed"] = 43  # type: ignore[index]


def test_a_document_of_exactly_one_block_is_allowed_and_a_byte_more_is_not() -> None:
    room = MAX_METADATA_BYTES - len(replace(KNIGHT, description="").to_bytes()) - len('"description":"",')
    full = replace(KNIGHT, description="d" * room)
    assert len(full.to_bytes()) == MAX_METADATA_BYTES
    assert TokenMetadata.from_bytes(full.to_bytes()) == full
    with pytest.raises(InvalidMetadata, match="262145 bytes"):
        replace(KNIGHT, description="d" * (room + 1))


def test_a_document_above_one_block_is_refused_unread() -> None:
    with pytest.raises(InvalidMetadata, match="262145 bytes"):
        TokenMetadata.from_bytes(b"{" * (MAX_METADATA_BYTES + 1))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": ""}, "no name"),
        ({"name": None}, "no name"),
        ({"name": 7}, "name must be text"),
        ({"description": ["text"]}, "description must be text"),
        ({"image": None}, "no image"),
        ({"image": ""}, "no image"),
        ({"image": 1}, "image must be text"),
        ({"image": "http://example.org/a.png"}, "image is not a URI"),
        ({"image": "ftp://example.org/a.png"}, "image is not a URI"),
        ({"image": "javascript:alert(1)"}, "image is not a URI"),
        ({"image": "a.png"}, "image is not a URI"),
        ({"image": "https://"}, "names no host"),
        ({"image": "https:///a.png"}, "names no host"),
        ({"image": "https://[::1/a.png"}, "image is not a URI"),
        ({"image": "https://example.org/a b.png"}, "without spaces"),
        ({"image": "https://example.org/a\n.png"}, "without spaces"),
        ({"image": "ipfs://"}, "does not hold a CID"),
        ({"image": "ipfs://QmTooShort/1.png"}, "does not hold a CID"),
        ({"image": "ipfs:/" + IMAGE[7:]}, "does not hold a CID"),
        ({"image": "data:image/png;base64"}, "without a comma"),
        ({"image": "data:image/png,\x00"}, "without spaces"),
        ({"animation_url": "http://example.org"}, "animation_url is not a URI"),
        ({"external_url": "example.org"}, "external_url is not a URI"),
        ({"background_color": "#1a2b3c"}, "six hexadecimal digits"),
        ({"background_color": "1a2b3"}, "six hexadecimal digits"),
        ({"background_color": "1a2b3c\n"}, "six hexadecimal digits"),
        ({"attributes": {"trait_type": "Class"}}, "must be a list"),
        ({"attributes": "Class"}, "must be a list"),
        ({"attributes": ["Class"]}, "must be an object"),
        ({"attributes": [{"trait_type": "Class"}]}, "value must be"),
        ({"attributes": [{"trait_type": "Class", "value": None}]}, "value must be"),
        ({"attributes": [{"trait_type": "Class", "value": [1]}]}, "value must be"),
        ({"attributes": [{"trait_type": 1, "value": 1}]}, "trait_type must be text"),
        ({"attributes": [{"value": 1, "display_type": 1}]}, "display_type must be text"),
        ({"attributes": [{"value": "1", "display_type": "number"}]}, "needs a number"),
        ({"attributes": [{"value": True, "display_type": "date"}]}, "needs a number"),
        ({"attributes": False}, "must be a list"),
        ({"properties": ["seed"]}, "properties must be an object"),
        ({"properties": 0}, "properties must be an object"),
    ],
)
def test_a_bad_field_is_refused_by_name(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        TokenMetadata.from_bytes(document(**changes))
    assert reason in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b'{"name":"a","name":"b"}', b'{"n":1e999}'])
def test_what_is_not_a_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidMetadata, match="cannot be read"):
        TokenMetadata.from_bytes(data)


def test_a_data_image_may_hold_spaces() -> None:
    svg = "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' />"
    assert TokenMetadata.from_bytes(document(image=svg)).image == svg


def test_a_known_field_cannot_hide_among_the_unknown() -> None:
    with pytest.raises(InvalidMetadata, match="description has a place of its own"):
        replace(KNIGHT, extra={"description": "other"})
    with pytest.raises(InvalidMetadata, match="value has a place of its own"):
        Attribute("Class", "knight", extra={"value": "mage"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": {"a": float("nan")}},
        {"properties": {"a": b"bytes"}},
        {"properties": None},
        {"name": "\ud800"},
        {"attributes": ({"trait_type": "Class", "value": "knight"},)},
        {"attributes": (Attribute("Class", 2**53),)},
    ],
)
def test_values_that_json_cannot_hold_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidMetadata):
        replace(KNIGHT, **changes)  # type: ignore[arg-type]
