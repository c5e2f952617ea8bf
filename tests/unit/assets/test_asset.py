"""Asset records: comparable, complete, and true to their recipe."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from assets.asset import Asset, AssetKind
from assets.canonical_json import JsonObject
from assets.cid import raw_cid
from assets.errors import InvalidAsset

KNIGHT = Asset(
    asset_id="a-1",
    kind=AssetKind.CHARACTER,
    name="Rust Knight",
    recipe=JsonObject({"seed": 42, "prompt": "a rusty knight"}),
    media_cid=raw_cid(b"media"),
    image_cid=raw_cid(b"image"),
    metadata_cid=raw_cid(b"metadata"),
    created_at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
    parents=("a-0",),
)


def test_the_recipe_hash_is_the_sha256_of_the_canonical_recipe() -> None:
    assert KNIGHT.recipe_hash == hashlib.sha256(b'{"prompt":"a rusty knight","seed":42}').hexdigest()


def test_a_changed_recipe_has_another_hash() -> None:
    assert replace(KNIGHT, recipe={"seed": 43}).recipe_hash != KNIGHT.recipe_hash


def test_records_of_equal_parts_are_equal_and_can_be_hashed() -> None:
    other = replace(KNIGHT, recipe={"prompt": "a rusty knight", "seed": 42}, kind="character")
    assert other == KNIGHT
    assert hash(other) == hash(KNIGHT)
    assert replace(KNIGHT, owner="ada") != KNIGHT


def test_the_time_is_kept_in_utc() -> None:
    local = datetime(2026, 11, 22, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    assert replace(KNIGHT, created_at=local).created_at.isoformat() == "2026-11-22T12:00:00+00:00"


@pytest.mark.parametrize(
    "asset",
    [
        KNIGHT,
        replace(KNIGHT, owner="ada", parents=(), kind=AssetKind.CLIP),
        replace(KNIGHT, quality=JsonObject({"failed": ["specks"], "forced": True})),
    ],
)
def test_a_record_survives_json(asset: Asset) -> None:
    assert Asset.from_json(json.loads(json.dumps(asset.to_json()))) == asset


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"asset_id": ""}, "not an asset id"),
        ({"asset_id": "../a"}, "not an asset id"),
        ({"asset_id": "a" * 129}, "not an asset id"),
        ({"parents": ("a b",)}, "not an asset id"),
        ({"parents": ("a-1",)}, "the asset itself"),
        ({"parents": ("a-0", "a-0")}, "repeat an asset"),
        ({"name": ""}, "name must have"),
        ({"name": "n" * 201}, "name must have"),
        ({"kind": "castle"}, "not a kind of asset"),
        ({"owner": ""}, "owner must be"),
        ({"created_at": datetime(2026, 11, 22)}, "no time zone"),
        ({"recipe": {"seed": float("nan")}}, "recipe or quality cannot be written"),
    ],
)
def test_a_bad_field_is_refused_with_its_reason(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidAsset) as caught:
        replace(KNIGHT, **changes)  # type: ignore[arg-type]
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"recipe": {"seed": 43, "prompt": "a rusty knight"}}, "recipe hash of another recipe"),
        ({"recipe": "text"}, "recipe must be an object"),
        ({"parents": "a-0"}, "parents a list"),
        ({"quality": "good"}, "quality an object"),
        ({"media_cid": "junk"}, "malformed"),
        ({"image_cid": None}, "malformed"),
        ({"created_at": "yesterday"}, "malformed"),
        ({"colour": "red"}, "unknown fields: colour"),
    ],
)
def test_a_document_that_is_not_a_record_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidAsset) as caught:
        Asset.from_json(KNIGHT.to_json() | changes)
    assert reason in str(caught.value)


def test_a_document_that_lacks_a_field_is_refused() -> None:
    document = KNIGHT.to_json()
    del document["owner"]
    with pytest.raises(InvalidAsset, match="missing or unknown fields: owner"):
        Asset.from_json(document)


def test_a_document_from_before_the_quality_gate_is_read() -> None:
    document = KNIGHT.to_json()
    del document["quality"]
    assert Asset.from_json(document) == KNIGHT
