"""Files as the gateway serves them: whole, in ranges, and not at all to who holds them already."""

import random
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from assets.blockstore import BlockStore
from assets.cid import Cid, raw_cid
from assets.import_profile import KUBO_V1
from assets.unixfs import add_file
from tests.unit.engine.server.gateway.asking import (
    CONTENT,
    IMMUTABLE,
    SMALL,
    assert_problem,
    damage,
)


# files
def test_a_file_comes_whole_with_headers_that_let_it_be_kept_for_ever(client: TestClient, file: Cid) -> None:
    answer = client.get(f"/ipfs/{file}")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-length"] == "100"
    assert answer.headers["etag"] == f'"{file}"'
    assert answer.headers["cache-control"] == IMMUTABLE
    assert answer.headers["x-ipfs-path"] == f"/ipfs/{file}"
    assert answer.headers["x-ipfs-roots"] == str(file)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["accept-ranges"] == "bytes"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("form", ["", "?format=raw", "?format=car"])
def test_head_tells_the_same_without_a_body(client: TestClient, file: Cid, form: str) -> None:
    got, told = client.get(f"/ipfs/{file}{form}"), client.head(f"/ipfs/{file}{form}")
    assert (told.status_code, told.content) == (200, b"")
    assert dict(told.headers) == dict(got.headers)


def test_a_cid_of_version_0_leads_to_the_same_block(client: TestClient, store: BlockStore) -> None:
    link = add_file(BytesIO(CONTENT), store, replace(SMALL, cid_version=0, raw_leaves=False))
    assert link.cid.version == 0
    assert client.get(f"/ipfs/{link.cid}").content == CONTENT
    assert client.get(f"/ipfs/{link.cid.as_v1()}").content == CONTENT


def test_an_empty_file_is_served(client: TestClient, store: BlockStore) -> None:
    cid = add_file(BytesIO(b""), store).cid
    answer = client.get(f"/ipfs/{cid}")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=25-44", 25, 45),
        ("bytes=90-", 90, 100),
        ("bytes=-7", 93, 100),
        ("bytes=5-999", 5, 100),
    ],
)
def test_a_range_comes_alone(client: TestClient, file: Cid, asked: str, start: int, stop: int) -> None:
    answer = client.get(f"/ipfs/{file}", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, CONTENT[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/100"
    assert answer.headers["content-length"] == str(stop - start)


def test_a_range_reads_only_the_blocks_that_hold_it(
    client: TestClient, store: BlockStore, blocks_folder: Path
) -> None:
    content = random.Random(1).randbytes(1_000_000)
    cid = add_file(BytesIO(content), store, replace(KUBO_V1, chunk_bytes=200_000)).cid
    damage(blocks_folder, raw_cid(content[800_000:]))
    answer = client.get(f"/ipfs/{cid}", headers={"Range": "bytes=300000-700000"})
    assert (answer.status_code, answer.content) == (206, content[300_000:700_001])


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=-0", "bytes=500-600"])
def test_a_range_outside_the_file_is_refused_with_its_size(client: TestClient, file: Cid, asked: str) -> None:
    answer = client.get(f"/ipfs/{file}", headers={"Range": asked})
    assert_problem(answer, 416, "unsatisfiable-range")
    assert answer.headers["content-range"] == "bytes */100"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=0-1", "bytes=9-3", "bytes=-", "bytes=a-b"])
def test_what_is_no_single_range_gets_the_whole_file(client: TestClient, file: Cid, asked: str) -> None:
    answer = client.get(f"/ipfs/{file}", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_a_range_of_another_version_gets_the_whole_file(client: TestClient, file: Cid) -> None:
    headers = {"Range": "bytes=0-1", "If-Range": '"another"'}
    assert client.get(f"/ipfs/{file}", headers=headers).status_code == 200
    headers["If-Range"] = f'"{file}"'
    assert client.get(f"/ipfs/{file}", headers=headers).status_code == 206


@pytest.mark.parametrize("form", ["", "?format=raw", "?format=car", "?format=car&dag-scope=block"])
@pytest.mark.parametrize("way", ['"x", {}', "W/{}", "*"])
def test_who_holds_it_already_is_told_so(client: TestClient, file: Cid, form: str, way: str) -> None:
    tag = client.head(f"/ipfs/{file}{form}").headers["etag"]
    answer = client.get(f"/ipfs/{file}{form}", headers={"If-None-Match": way.format(tag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == tag
    other = client.get(f"/ipfs/{file}{form}", headers={"If-None-Match": '"another"'})
    assert other.status_code == 200


def test_each_form_and_way_has_a_tag_of_its_own(client: TestClient, folder: Cid) -> None:
    sub = client.head(f"/ipfs/{folder}/sub").headers["x-ipfs-roots"].split(",")[1]
    paths = [
        f"/ipfs/{sub}{form}" for form in ("", "?format=raw", "?format=car", "?format=car&dag-scope=entity")
    ]
    paths += [f"/ipfs/{sub}?format=car&entity-bytes=0:1", f"/ipfs/{folder}/sub?format=car"]
    assert len({client.head(path).headers["etag"] for path in paths}) == len(paths)
