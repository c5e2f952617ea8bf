"""An asset's files over HTTP: whole, in ranges, and as CARs that any IPFS node takes."""

import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from assets.asset import Asset, AssetKind
from assets.block import MemoryBlocks
from assets.blockstore import BlockStore
from assets.canonical_json import JsonObject
from assets.car import read_car
from assets.cid import Cid, raw_cid
from assets.package import asset_directory, import_asset_car
from assets.unixfs import list_directory
from engine.app import Application
from engine.database.tables import LOCAL_TENANT
from engine.jobs.creation import token_metadata
from generators.animation import Animation
from generators.clip import finished_clip
from generators.recipe import Recipe
from tests.recorded import record_assets

Authorised = Callable[..., dict[str, str]]
Recipes = Callable[..., Recipe]


@pytest.fixture
def studio(headers: Authorised) -> dict[str, str]:
    return headers()


@pytest.fixture
def tenant(studio: dict[str, str], tenant_of: Callable[[dict[str, str]], str]) -> str:
    return tenant_of(studio)


@pytest.fixture
def picture(application: Application, add_asset: Callable[..., Asset], tenant: str) -> Asset:
    return add_asset(application, tenant_id=tenant)


@pytest.fixture
def clip(application: Application, recipe: Recipes, tenant: str) -> Asset:
    return add_clip(application, recipe, tenant)


def add_clip(application: Application, recipe: Recipes, tenant: str = LOCAL_TENANT) -> Asset:
    """A clip of a square that moves, as a creation stores it."""
    wanted = recipe(kind="clip", size=32, frames=8, frame_ms=80, action="walk", direction="left")
    frames = np.zeros((8, 32, 32, 4), np.uint8)
    for place, frame in enumerate(frames):
        frame[8:20, 4 + place : 16 + place] = (200, 40, 40, 255)
    made = finished_clip(Animation("walk-left", frames, 80, True), wanted)
    cids = {name: raw_cid(content) for name, content in made.files.items()}
    metadata = token_metadata(wanted, raw_cid(made.media), raw_cid(made.image), cids)
    package = asset_directory(
        application.blocks, metadata=metadata.to_bytes(), media=made.media, image=made.image, files=made.files
    )
    asset = Asset(
        asset_id="asset-clip",
        kind=AssetKind.CLIP,
        name="A walk",
        recipe=JsonObject(wanted.to_dict()),
        media_cid=package.media_cid,
        image_cid=package.image_cid,
        metadata_cid=package.metadata_cid,
        created_at=datetime.now(UTC).replace(microsecond=0),
    )
    application.records.add_creation("creation-clip", [wanted.to_dict()], tenant)
    record_assets(application.records, "creation-clip", [asset], application.files)
    return asset


def test_media_is_a_private_copy_that_may_be_kept_for_ever(
    client: TestClient, studio: dict[str, str], picture: Asset
) -> None:
    path = f"/v1/assets/{picture.asset_id}/media"
    answer = client.get(path, headers=studio)
    assert raw_cid(answer.content) == picture.media_cid
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"].startswith("private, ")
    assert answer.headers["Content-Disposition"] == f'inline; filename="{picture.asset_id}.png"'
    again = client.get(path, headers=studio | {"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    part = client.get(path, headers=studio | {"Range": "bytes=8-15"})
    assert (part.status_code, part.content) == (206, answer.content[8:16])
    assert part.headers["Content-Range"] == f"bytes 8-15/{len(answer.content)}"
    beyond = client.get(path, headers=studio | {"Range": "bytes=999999-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(answer.content)}")


def test_recipe_and_metadata_are_the_bytes_that_their_hashes_name(
    client: TestClient, studio: dict[str, str], picture: Asset
) -> None:
    recipe = client.get(f"/v1/assets/{picture.asset_id}/recipe", headers=studio)
    assert hashlib.sha256(recipe.content).hexdigest() == picture.recipe_hash
    assert recipe.headers["ETag"] == f'"{picture.recipe_hash}"'
    metadata = client.get(f"/v1/assets/{picture.asset_id}/metadata", headers=studio)
    assert hashlib.sha256(metadata.content).digest() == picture.metadata_cid.digest
    assert metadata.headers["Content-Type"] == "application/json"


def test_a_car_is_imported_as_the_whole_asset(
    client: TestClient, studio: dict[str, str], clip: Asset, tmp_path: Path
) -> None:
    answer = client.get(f"/v1/assets/{clip.asset_id}/car", headers=studio)
    assert answer.headers["Content-Type"].startswith("application/vnd.ipld.car")
    store = BlockStore(tmp_path / "elsewhere")
    package = import_asset_car(io.BytesIO(answer.content), store)
    assert (package.media_cid, package.metadata_cid) == (clip.media_cid, clip.metadata_cid)
    assert answer.headers["ETag"] == f'"{package.root}.car"'
    kept = client.get(
        f"/v1/assets/{clip.asset_id}/car", headers=studio | {"If-None-Match": answer.headers["ETag"]}
    )
    assert kept.status_code == 304


def test_a_clips_files_and_sheet_are_what_engines_read(
    client: TestClient, studio: dict[str, str], clip: Asset
) -> None:
    told = client.get(f"/v1/assets/{clip.asset_id}", headers=studio).json()
    assert told["media"]["type"] == "image/apng"
    for name, file in told["files"].items():
        answer = client.get(file["url"], headers=studio)
        assert raw_cid(answer.content) == Cid.parse(file["cid"]), name
        assert answer.headers["Content-Type"] == file["type"], name
    sheet = Image.open(io.BytesIO(client.get(told["links"]["sheet"], headers=studio).content))
    assert sheet.size == (8 * 32, 32)
    path = f"/v1/assets/{clip.asset_id}/sheet"
    tags = json.loads(client.get(f"{path}?format=aseprite", headers=studio).content)["meta"]["frameTags"]
    assert [tag["name"] for tag in tags] == ["walk-left"]
    assert client.get(f"{path}?format=godot", headers=studio).text.startswith("[gd_resource")
    assert "<tileset" in client.get(f"{path}?format=tiled", headers=studio).text
    assert client.get(f"{path}?format=unity", headers=studio).status_code == 422


def test_what_a_picture_does_not_have_is_told(
    client: TestClient, studio: dict[str, str], picture: Asset
) -> None:
    sheet = client.get(f"/v1/assets/{picture.asset_id}/sheet", headers=studio)
    assert (sheet.status_code, sheet.json()["type"]) == (406, "urn:lorespark:problem:not-served")
    file = client.get(f"/v1/assets/{picture.asset_id}/files/clip.mp4", headers=studio)
    assert (file.status_code, file.json()["type"]) == (404, "urn:lorespark:problem:unknown-record")
    assert "only clips have such files" in file.json()["detail"]


def test_a_collection_is_one_sheet_and_one_car(
    client: TestClient, studio: dict[str, str], picture: Asset, clip: Asset
) -> None:
    ids = [clip.asset_id, picture.asset_id]
    made = client.post("/v1/collections", json={"name": "All", "assets": ids}, headers=studio).json()
    sheet = client.get(made["links"]["sheet"], headers=studio)
    assert Image.open(io.BytesIO(sheet.content)).size == (8 * 32, 2 * 32)
    told = json.loads(client.get(made["links"]["sheet"] + "?format=aseprite", headers=studio).content)
    assert [tag["name"] for tag in told["meta"]["frameTags"]] == ["walk-left", "a-red-potion-bottle"]
    none = client.get(made["links"]["sheet"] + "?size=64", headers=studio)
    assert (none.status_code, none.json()["type"]) == (400, "urn:lorespark:problem:invalid-request")
    car = client.get(made["links"]["car"], headers=studio)
    roots, blocks = read_car(io.BytesIO(car.content))
    held = MemoryBlocks()
    for cid, data in blocks:
        held.put(cid, data)
    assert {entry.name for entry in list_directory(roots[0], held)} == set(ids)
    known = client.get(made["links"]["car"], headers=studio | {"If-None-Match": car.headers["ETag"]})
    assert known.status_code == 304


def test_pictures_of_two_sizes_fit_on_no_sheet_together(
    client: TestClient, studio: dict[str, str], picture: Asset
) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (64, 64), "red").save(buffer, "PNG")
    large = client.post(
        "/v1/assets?name=wall",
        content=buffer.getvalue(),
        headers=studio | {"Content-Type": "image/png"},
    ).json()["id"]
    wanted = {"name": "Mixed", "assets": [picture.asset_id, large]}
    made = client.post("/v1/collections", json=wanted, headers=studio).json()
    mixed = client.get(made["links"]["sheet"], headers=studio)
    assert (mixed.status_code, mixed.json()["type"]) == (422, "urn:lorespark:problem:not-drawable")
    assert "32 x 32 and 64 x 64" in mixed.json()["detail"]
    one = client.get(made["links"]["sheet"] + "?size=64", headers=studio)
    assert Image.open(io.BytesIO(one.content)).size == (64, 64)


def test_an_empty_collection_has_a_car_and_no_sheet(client: TestClient, studio: dict[str, str]) -> None:
    made = client.post("/v1/collections", json={"name": "None"}, headers=studio).json()
    assert client.get(made["links"]["car"], headers=studio).status_code == 200
    assert client.get(made["links"]["sheet"], headers=studio).status_code == 400
