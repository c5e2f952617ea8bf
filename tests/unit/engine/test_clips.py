from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assets.asset import Asset, AssetKind
from assets.canonical_json import JsonObject
from assets.cid import raw_cid
from engine.clips import MAX_CLIPS, asked_actions, asked_directions, default_action, movements, source_size_px
from engine.errors import InvalidRequest
from engine.jobs.creation import token_metadata
from generators.errors import InvalidPicture, InvalidRecipe
from generators.motion import ACTIONS, Direction
from generators.recipe import Recipe

EVERYWHERE = list(Direction)


@pytest.fixture
def made(recipe: Callable[..., Recipe]) -> Callable[..., Asset]:
    def asset(**changes: Any) -> Asset:
        asked = recipe(**changes)
        address = raw_cid(b"x")
        return Asset(
            asset_id="asset-1",
            kind=AssetKind(asked.kind.value),
            name="A thing",
            recipe=JsonObject(asked.to_dict()),
            media_cid=address,
            image_cid=address,
            metadata_cid=address,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    return asset


def test_actions_and_directions_are_read_with_their_commas() -> None:
    assert asked_actions("idle, walk,attack,walk") == ["idle", "walk", "attack"]
    assert asked_directions("left  up") == [Direction.LEFT, Direction.UP]
    with pytest.raises(InvalidRecipe, match=r"There is no action 'fly'; use one of idle, walk"):
        asked_actions("idle,fly")
    with pytest.raises(InvalidRequest, match=r"No action is named; choose some of idle"):
        asked_actions(" , ")
    with pytest.raises(
        InvalidRequest, match=r"There is no direction 'north'; use some of right, left, down, up\."
    ):
        asked_directions("north")
    with pytest.raises(InvalidRequest, match=r"No direction is named"):
        asked_directions("")


def test_only_what_faces_somewhere_is_drawn_in_every_direction() -> None:
    asked = movements(["walk", "float"], EVERYWHERE)
    assert asked == [*(("walk", direction) for direction in EVERYWHERE), ("float", None)]
    assert len(movements(list(ACTIONS), EVERYWHERE)) <= MAX_CLIPS, "everything in one sheet"
    with pytest.raises(InvalidRequest, match="too many for one sheet"):
        movements(["walk"] * 20, EVERYWHERE)


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({"kind": "character"}, "idle"),
        ({"kind": "item"}, "float"),
        ({"kind": "tile", "prompt": "deep water"}, "water"),
        ({"kind": "tile", "prompt": "red lava"}, "lava"),
    ],
)
def test_a_thing_does_what_its_kind_does(made: Callable[..., Asset], changes: dict, action: str) -> None:
    assert default_action(made(**changes)) == action


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "illustration", "size": 512}, "is of kind illustration and 512 px"),
        ({"kind": "character", "size": 128}, "is of kind character and 128 px"),
        (
            {"kind": "clip", "size": 64, "frames": 8, "frame_ms": 80, "action": "run"},
            "is of kind clip and 64 px",
        ),
    ],
)
def test_what_is_no_sprite_is_not_set_in_motion(made: Callable[..., Asset], changes: dict, told: str) -> None:
    with pytest.raises(
        InvalidRequest, match=f"asset-1 {told}, and only characters, items and tiles of 32 or 64 px"
    ):
        source_size_px(made(**changes))


def test_a_file_moves_at_its_own_size(tmp_path: Path) -> None:
    for side, size in ((32, 32), (48, 64), (64, 64), (200, 64)):
        pixels = np.random.default_rng(side).integers(0, 255, (side, side, 4), np.uint8)
        path = tmp_path / f"{side}.png"
        Image.fromarray(pixels).save(path)
        assert source_size_px(path) == size
    doubled = tmp_path / "doubled.png"
    Image.fromarray(
        np.random.default_rng(1).integers(0, 255, (32, 32, 4), np.uint8).repeat(2, 0).repeat(2, 1)
    ).save(doubled)
    assert source_size_px(doubled) == 32, "32 px art at twice its size"
    (tmp_path / "no.png").write_bytes(b"no picture")
    with pytest.raises(InvalidPicture, match="is not a readable picture"):
        source_size_px(tmp_path / "no.png")


def test_metadata_of_a_clip_shows_its_first_frame_and_plays_its_video(recipe: Callable[..., Recipe]) -> None:
    clip = recipe(kind="clip", size=64, frames=16, frame_ms=40, action="run", direction="left")
    files = {"clip.mp4": raw_cid(b"video"), "sheet.png": raw_cid(b"sheet")}
    metadata = token_metadata(clip, raw_cid(b"media"), raw_cid(b"image"), files)
    document = metadata.to_json()
    assert document["image"] == raw_cid(b"image").uri
    assert document["animation_url"] == raw_cid(b"video").uri
    assert document["properties"]["files"] == {name: cid.uri for name, cid in files.items()}
    assert document["properties"]["media"] == raw_cid(b"media").uri
    traits = {attribute["trait_type"]: attribute["value"] for attribute in document["attributes"]}
    assert traits | {"Action": "Run", "Direction": "Left", "Frames": 16} == traits
    assert document["description"].startswith("A 64 px clip of 16 frames (run), drawn by")
    still = token_metadata(recipe(), raw_cid(b"media"), raw_cid(b"image"), {}).to_json()
    assert "animation_url" not in still
    assert "files" not in still["properties"]
