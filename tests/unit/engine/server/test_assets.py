"""Assets over HTTP: found, told in full, tagged, uploaded, and another tenant's never."""

import hashlib
import io
import json
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import event, select
from starlette.testclient import TestClient

from assets.asset import Asset
from engine.api.account import Scope
from engine.app import Application
from engine.database.tables import usage

Authorised = Callable[..., dict[str, str]]
PNG = {"Content-Type": "image/png"}


def png(width: int = 32, height: int = 32, seed: int = 1) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def studio(headers: Authorised) -> dict[str, str]:
    return headers()


@pytest.fixture
def own(
    application: Application,
    add_asset: Callable[..., Asset],
    studio: dict[str, str],
    tenant_of: Callable[[dict[str, str]], str],
) -> list[Asset]:
    return [add_asset(application, seed, tenant_id=tenant_of(studio)) for seed in (1, 2, 3)]


def test_an_asset_is_told_in_full(client: TestClient, studio: dict[str, str], own: list[Asset]) -> None:
    told = client.get(f"/v1/assets/{own[0].asset_id}", headers=studio).json()
    here = f"/v1/assets/{own[0].asset_id}"
    assert told["prompt"] == "a red potion bottle"
    assert (told["kind"], told["size"], told["model"], told["seed"]) == ("item", 32, "any/1", 1)
    assert told["media"] == {"url": f"{here}/media", "cid": str(own[0].media_cid), "type": "image/png"}
    assert told["recipe_hash"] == own[0].recipe_hash
    assert (told["token"], told["owner"], told["uploaded"], told["files"]) == (None, None, False, {})
    assert told["creation"] == "creation-1"
    for link in ("self", "media", "image", "recipe", "metadata", "car"):
        assert client.get(told["links"][link], headers=studio).status_code == 200, link


def test_a_list_comes_in_pages_and_each_asset_once(
    client: TestClient, studio: dict[str, str], own: list[Asset]
) -> None:
    first = client.get("/v1/assets?limit=2", headers=studio).json()
    rest = client.get(f"/v1/assets?limit=2&cursor={first['next']}", headers=studio).json()
    assert [len(first["data"]), len(rest["data"]), rest["next"]] == [2, 1, None]
    assert {told["id"] for told in first["data"] + rest["data"]} == {asset.asset_id for asset in own}


def test_another_tenants_asset_is_like_one_that_does_not_exist(
    client: TestClient, headers: Authorised, own: list[Asset]
) -> None:
    stranger = headers()
    assert client.get("/v1/assets", headers=stranger).json()["data"] == []
    for path in ("", "/media", "/image", "/files/clip.mp4", "/sheet", "/recipe", "/metadata", "/car"):
        theirs = client.get(f"/v1/assets/{own[0].asset_id}{path}", headers=stranger)
        nobodys = client.get(f"/v1/assets/asset-0{path}", headers=stranger)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json()["type"] == nobodys.json()["type"] == "urn:lorespark:problem:unknown-asset"
        assert theirs.json()["detail"] == nobodys.json()["detail"].replace("asset-0", own[0].asset_id)
    change = client.patch(f"/v1/assets/{own[0].asset_id}", json={"tags": ["x"]}, headers=stranger)
    assert change.status_code == 404


def test_tags_are_set_and_found(client: TestClient, studio: dict[str, str], own: list[Asset]) -> None:
    path = f"/v1/assets/{own[1].asset_id}"
    told = client.patch(path, json={"tags": ["forest", "boss", "forest"]}, headers=studio)
    assert told.json()["tags"] == ["boss", "forest"]
    found = client.get("/v1/assets?tag=boss", headers=studio).json()["data"]
    assert [asset["id"] for asset in found] == [own[1].asset_id]
    assert client.patch(path, json={}, headers=studio).json()["tags"] == ["boss", "forest"]
    assert client.patch(path, json={"tags": []}, headers=studio).json()["tags"] == []
    refused = client.patch(path, json={"tags": ["No Spaces"]}, headers=studio)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/tags/0")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("kind=item", 3),
        ("kind=tile", 0),
        ("creation=creation-2", 1),
        ("uploaded=false", 3),
        ("uploaded=true", 0),
        ("minted=false", 3),
        ("minted=true", 0),
        ("collection=collection-0", 0),
        ("owner=0x1111111111111111111111111111111111111111", 0),
    ],
)
def test_filters(
    client: TestClient, studio: dict[str, str], own: list[Asset], query: str, status: int
) -> None:
    assert len(client.get(f"/v1/assets?{query}", headers=studio).json()["data"]) == status


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("kind=dragon", 422),
        ("owner=nobody", 422),
        ("cursor=xyz", 400),
        ("limit=0", 422),
        ("limit=201", 422),
        ("tag=%00", 422),
        ("creation=%00", 422),
    ],
)
def test_a_query_that_cannot_be_meant_is_a_problem(
    client: TestClient, studio: dict[str, str], query: str, status: int
) -> None:
    answer = client.get(f"/v1/assets?{query}", headers=studio)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_an_upload_is_kept_as_it_came(client: TestClient, studio: dict[str, str]) -> None:
    data = png(48, 20)
    made = client.post(
        "/v1/assets?name=A%20fox&kind=character&tags=forest&tags=boss", content=data, headers=studio | PNG
    )
    assert made.status_code == 201, made.text
    told = made.json()
    assert made.headers["Location"] == f"/v1/assets/{told['id']}"
    assert (told["name"], told["kind"], told["size"], told["uploaded"]) == ("A fox", "character", 48, True)
    assert (told["prompt"], told["model"], told["seed"], told["creation"]) == (None, None, None, None)
    assert told["tags"] == ["boss", "forest"]
    assert client.get(told["media"]["url"], headers=studio).content == data
    recipe = client.get(f"/v1/assets/{told['id']}/recipe", headers=studio)
    assert recipe.json() == {
        "format": "lorespark-upload/1",
        "sha256": hashlib.sha256(data).hexdigest(),
        "width": 48,
        "height": 20,
    }
    assert hashlib.sha256(recipe.content).hexdigest() == told["recipe_hash"]
    found = client.get("/v1/assets?uploaded=true", headers=studio).json()["data"]
    assert [asset["id"] for asset in found] == [told["id"]]


def test_an_upload_repeated_with_its_idempotency_key_is_one_asset(
    client: TestClient, studio: dict[str, str], application: Application
) -> None:
    data, asked = png(), studio | PNG | {"Idempotency-Key": "once"}
    answers = [client.post("/v1/assets?name=fox", content=data, headers=asked) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert len(client.get("/v1/assets", headers=studio).json()["data"]) == 1
    with application.records.database.reading() as connection:
        assert connection.scalar(select(usage.c.upload_bytes)) == len(data)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _bomb(width: int, height: int) -> bytes:
    """A PNG that says it has these pixels and holds as many zeros as a small file unpacks to."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = zlib.compress(bytes(2**22))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _moving() -> bytes:
    buffer = io.BytesIO()
    frames = [Image.fromarray(np.full((8, 8, 4), shade, np.uint8)) for shade in (10, 200)]
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def _text_bomb() -> bytes:
    whole = png()
    return whole[:33] + _chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**28))) + whole[33:]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no PNG"),
        (b"GIF89a" + bytes(40), "no PNG"),
        (b"\x89PNG\r\n\x1a\n", "no PNG"),
        (png()[:-20], "cut short"),
        (png() + b"PK\x03\x04 an archive", "bytes after its end"),
        (png()[:60] + bytes(40) + png()[100:], "not a readable picture"),
        (_bomb(4097, 1), "4,097 x 1 pixels"),
        (_bomb(2**31 - 1, 2**31 - 1), "scale it down"),
        (_bomb(4096, 4096), "not a readable picture"),
        (_bomb(0, 0), "0 x 0 pixels"),
        (_moving(), "more than one frame"),
        (_text_bomb(), "not a readable picture"),
    ],
    ids=range(12),
)
def test_what_is_no_sound_png_is_refused_in_a_sentence(
    client: TestClient, studio: dict[str, str], data: bytes, told: str
) -> None:
    answer = client.post("/v1/assets?name=fox", content=data, headers=studio | PNG)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:lorespark:problem:invalid-body")
    assert told in answer.json()["detail"]
    assert client.get("/v1/assets", headers=studio).json()["data"] == []


def test_a_picture_in_another_format_is_told_to_be_sent_as_png(
    client: TestClient, studio: dict[str, str]
) -> None:
    answer = client.post("/v1/assets?name=fox", content=b"x", headers=studio | {"Content-Type": "image/webp"})
    assert answer.status_code == 400
    assert "Content-Type: image/png" in answer.json()["detail"]


def test_reading_keys_may_not_upload_or_tag(
    client: TestClient, headers: Authorised, own: list[Asset]
) -> None:
    reader = headers(Scope.READ)
    assert client.post("/v1/assets?name=fox", content=png(), headers=reader | PNG).status_code == 403
    assert client.patch("/v1/assets/asset-1", json={"tags": []}, headers=reader).status_code == 403


def test_the_longest_picture_that_may_be_uploaded(client: TestClient, studio: dict[str, str]) -> None:
    buffer = io.BytesIO()
    Image.new("1", (4096, 4096)).save(buffer, "PNG")
    answer = client.post(
        "/v1/assets?name=night&kind=illustration", content=buffer.getvalue(), headers=studio | PNG
    )
    assert (answer.status_code, answer.json()["size"]) == (201, 4096)


def test_a_list_of_a_hundred_asks_the_database_as_often_as_one_of_one(
    client: TestClient, studio: dict[str, str], own: list[Asset], application: Application
) -> None:
    asked: list[str] = []
    event.listen(
        application.records.engine, "before_cursor_execute", lambda *said: asked.append(str(said[2]))
    )
    client.get("/v1/assets?limit=1", headers=studio)
    one = len(asked)
    client.get("/v1/assets?limit=100", headers=studio)
    assert len(asked) == 2 * one


def test_the_document_says_what_an_upload_is(client: TestClient) -> None:
    document = json.loads(client.get("/openapi.json").content)
    assert "image/png" in document["paths"]["/v1/assets"]["post"]["requestBody"]["content"]
