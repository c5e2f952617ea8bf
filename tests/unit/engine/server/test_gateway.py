"""What the gateway serves, in which forms, and what it refuses."""

import random
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from assets.block import MemoryBlocks
from assets.blockstore import BlockStore
from assets.car import read_car
from assets.cid import Cid, cid_of, raw_cid
from assets.dag_scope import DagScope, scoped_blocks
from assets.import_profile import KUBO_V1
from assets.unixfs import add_directory, add_file, read_file
from engine.server.gateway import gateway_router
from engine.server.problems import add_problems

SMALL = replace(KUBO_V1, chunk_bytes=10, max_links=3)
CONTENT = bytes(range(100))
RAW, CAR = "application/vnd.ipld.raw", "application/vnd.ipld.car"
IMMUTABLE = "public, max-age=29604800, immutable"
DAG_CBOR = 0x71


@pytest.fixture
def blocks_folder(tmp_path: Path) -> Path:
    return tmp_path / "blocks"


@pytest.fixture
def store(blocks_folder: Path) -> BlockStore:
    return BlockStore(blocks_folder)


@pytest.fixture
def client(store: BlockStore) -> Iterator[TestClient]:
    """The gateway alone; it needs nothing but blocks."""
    app = FastAPI()
    add_problems(app)
    app.state.blocks = store
    app.include_router(gateway_router())
    with TestClient(app, follow_redirects=False) as client:
        yield client


@pytest.fixture
def file(store: BlockStore) -> Cid:
    """A file of eleven leaves."""
    return add_file(BytesIO(CONTENT), store, SMALL).cid


@pytest.fixture
def folder(store: BlockStore) -> Cid:
    """name with space.txt, sub/data.json, page.html."""
    blocks = store
    sub = add_directory({"data.json": add_file(BytesIO(b'{"a": 1}'), blocks)}, blocks)
    text = add_file(BytesIO(b"hello"), blocks)
    page = add_file(BytesIO(b"<script>alert(1)</script>"), blocks)
    return add_directory({"name with space.txt": text, "sub": sub, "page.html": page}, blocks).cid


def damage(folder: Path, cid: Cid) -> None:
    name = str(cid.as_v1())
    (folder / name[-3:-1] / name).write_bytes(b"rotten")


def assert_problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert (body["type"], body["status"]) == (f"urn:lorespark:problem:{kind}", status)
    assert body["title"]
    assert body["detail"].endswith(".")
    return body


def car_of(answer: Any) -> tuple[list[Cid], list[tuple[Cid, bytes]]]:
    assert answer.status_code == 200, answer.text
    roots, blocks = read_car(BytesIO(answer.content))
    return list(roots), list(blocks)


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


# blocks and CARs


@pytest.mark.parametrize(
    ("query", "accept"), [("?format=raw", "*/*"), ("", RAW), ("?format=raw", CAR), ("", f"{RAW}, */*;q=0.1")]
)
def test_a_raw_block_is_the_block(
    client: TestClient, store: BlockStore, file: Cid, query: str, accept: str
) -> None:
    answer = client.get(f"/ipfs/{file}{query}", headers={"Accept": accept})
    assert answer.content == store.get(file)
    assert answer.headers["content-type"] == RAW
    assert answer.headers["content-disposition"] == f'attachment; filename="{file}.bin"'
    assert answer.headers["vary"] == "Accept"
    assert answer.headers.get("content-location") == (None if query else f"/ipfs/{file}?format=raw")


def test_the_form_that_the_header_asked_for_has_an_address_of_its_own(client: TestClient, file: Cid) -> None:
    answer = client.get(f"/ipfs/{file}?dag-scope=block", headers={"Accept": CAR})
    assert answer.headers["content-location"] == f"/ipfs/{file}?dag-scope=block&format=car"
    assert client.get(answer.headers["content-location"]).content == answer.content


def test_a_raw_block_of_any_codec_is_served_and_its_file_refused(
    client: TestClient, store: BlockStore
) -> None:
    cid = cid_of(b"\xa0", DAG_CBOR)
    store.put(cid, b"\xa0")
    assert client.get(f"/ipfs/{cid}?format=raw").content == b"\xa0"
    assert "format=raw" in assert_problem(client.get(f"/ipfs/{cid}"), 406, "not-served")["detail"]


@pytest.mark.parametrize(("query", "accept"), [("?format=car", "*/*"), ("", f"{CAR}; version=1; dups=y")])
def test_a_car_carries_the_whole_dag(
    client: TestClient, store: BlockStore, folder: Cid, query: str, accept: str
) -> None:
    answer = client.get(f"/ipfs/{folder}{query}", headers={"Accept": accept})
    assert answer.headers["content-type"] == f"{CAR}; version=1; order=dfs; dups=n"
    assert answer.headers["content-disposition"] == f'attachment; filename="{folder}.car"'
    assert answer.headers["accept-ranges"] == "none"
    assert car_of(answer) == ([folder], list(scoped_blocks((), folder, store)))


def test_a_car_of_a_path_proves_the_way_to_it(client: TestClient, folder: Cid) -> None:
    answer = client.get(f"/ipfs/{folder}/sub/data.json?format=car")
    blocks = MemoryBlocks()
    _, sections = car_of(answer)
    for cid, data in sections:
        blocks.put(cid, data)
    sub, end = (Cid.parse(cid) for cid in answer.headers["x-ipfs-roots"].split(",")[1:])
    assert [cid for cid, _ in sections] == [folder, sub, end]
    assert b"".join(read_file(end, blocks)) == b'{"a": 1}'


def test_a_car_is_narrowed_by_scope_and_bytes(
    client: TestClient, store: BlockStore, file: Cid, folder: Cid
) -> None:
    _, one = car_of(client.get(f"/ipfs/{file}?format=car&dag-scope=block"))
    assert [cid for cid, _ in one] == [file]
    _, entity = car_of(client.get(f"/ipfs/{folder}?format=car&dag-scope=entity"))
    assert entity == list(scoped_blocks((), folder, store, DagScope.ENTITY))
    _, part = car_of(client.get(f"/ipfs/{file}?format=car&entity-bytes=95:*"))
    assert raw_cid(CONTENT[90:]) in [cid for cid, _ in part]
    assert len(part) < 6


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("format=tar", 400, "invalid-request"),
        ("format=car&dag-scope=most", 400, "invalid-request"),
        ("format=car&entity-bytes=abc", 400, "invalid-request"),
        ("format=car&entity-bytes=1", 400, "invalid-request"),
        ("format=car&car-dups=x", 400, "invalid-request"),
        ("format=car&car-version=2", 406, "not-served"),
        ("format=car&car-order=bfs", 406, "not-served"),
    ],
)
def test_forms_that_there_are_not_are_refused(
    client: TestClient, file: Cid, query: str, status: int, kind: str
) -> None:
    assert_problem(client.get(f"/ipfs/{file}?{query}"), status, kind)


# directories and names


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_directory_is_a_page_of_links_that_work(client: TestClient, folder: Cid, slash: str) -> None:
    answer = client.get(f"/ipfs/{folder}{slash}")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f'href="/ipfs/{folder}/name%20with%20space.txt">name with space.txt<' in answer.text
    assert client.get(f"/ipfs/{folder}/name%20with%20space.txt").text == "hello"
    assert "immutable" not in answer.headers["cache-control"]


def test_a_name_cannot_add_to_the_page(client: TestClient, store: BlockStore) -> None:
    link = add_file(BytesIO(b"x"), store)
    cid = add_directory({'"><script>&.txt': link}, store).cid
    assert "<script>" not in client.get(f"/ipfs/{cid}").text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("name%20with%20space.txt", "text/plain; charset=utf-8"),
        ("sub/data.json", "application/json"),
        ("page.html", "application/octet-stream"),
    ],
)
def test_a_file_in_a_directory_is_typed_and_never_a_page(
    client: TestClient, folder: Cid, path: str, kind: str
) -> None:
    assert client.get(f"/ipfs/{folder}/{path}").headers["content-type"] == kind


def test_a_file_is_named_for_who_saves_it(client: TestClient, folder: Cid) -> None:
    def disposition(path: str) -> str:
        return str(client.get(f"/ipfs/{folder}/{path}").headers["content-disposition"])

    assert disposition("sub/data.json") == 'inline; filename="data.json"'
    assert disposition("name%20with%20space.txt") == "inline; filename*=UTF-8''name%20with%20space.txt"
    assert disposition("sub/data.json?download=true&filename=a.json") == 'attachment; filename="a.json"'
    assert disposition("sub/data.json?filename=a%22%0d%0ab") == "inline; filename*=UTF-8''a%22%0D%0Ab"


def test_a_sharded_directory_is_followed_and_listed(client: TestClient, store: BlockStore) -> None:
    links = {f"{n}.txt": add_file(BytesIO(b"%d" % n), store) for n in range(40)}
    cid = add_directory(links, store, replace(KUBO_V1, shard_threshold_bytes=0, fanout=8)).cid
    assert client.get(f"/ipfs/{cid}/17.txt").text == "17"
    assert client.get(f"/ipfs/{cid}").text.count("<tr>") == 40


def test_a_directory_whose_shards_are_not_held_is_not_found(client: TestClient, store: BlockStore) -> None:
    whole = MemoryBlocks()
    links = {f"{n}.txt": add_file(BytesIO(b"%d" % n), whole) for n in range(400)}
    cid = add_directory(links, whole, replace(KUBO_V1, shard_threshold_bytes=0, fanout=8)).cid
    store.put(cid, whole.get(cid))
    assert_problem(client.get(f"/ipfs/{cid}"), 404, "not-held")
    assert_problem(client.get(f"/ipfs/{cid}/17.txt"), 404, "not-held")


# what is not served


@pytest.mark.parametrize("cid", ["zzz", "Qm", "bafkrei", "x" * 500, "bafkqaaa"])
def test_what_is_no_cid_is_refused(client: TestClient, cid: str) -> None:
    assert_problem(client.get(f"/ipfs/{cid}"), 400, "invalid-cid")


@pytest.mark.parametrize("form", ["", "?format=raw", "?format=car"])
def test_what_is_not_held_is_not_found(client: TestClient, form: str) -> None:
    absent = raw_cid(b"nobody stored this")
    assert_problem(client.get(f"/ipfs/{absent}{form}"), 404, "not-held")
    only_here = {"Cache-Control": "only-if-cached"}
    assert_problem(client.get(f"/ipfs/{absent}{form}", headers=only_here), 412, "not-cached")
    assert client.head(f"/ipfs/{absent}{form}").status_code == 404


@pytest.mark.parametrize("path", ["nothing", "sub/nothing", "page.html/below", "sub/data.json/below"])
def test_a_path_that_leads_nowhere_is_not_found(client: TestClient, folder: Cid, path: str) -> None:
    assert_problem(client.get(f"/ipfs/{folder}/{path}"), 404, "unknown-entry")


@pytest.mark.parametrize("path", ["sub//data.json", "%2e%2e/x", "a%00b", "x" * 300])
def test_a_name_that_no_directory_holds_is_refused(client: TestClient, folder: Cid, path: str) -> None:
    assert_problem(client.get(f"/ipfs/{folder}/{path}"), 400, "invalid-request")


@pytest.mark.parametrize("form", ["", "?format=raw", "?format=car"])
def test_a_damaged_block_is_never_served(
    client: TestClient, store: BlockStore, blocks_folder: Path, form: str
) -> None:
    cid = add_file(BytesIO(b"sound"), store).cid
    damage(blocks_folder, cid)
    answer = client.get(f"/ipfs/{cid}{form}")
    assert str(cid) in assert_problem(answer, 500, "block-damaged")["detail"]
    assert "rotten" not in answer.text


def test_a_malformed_node_is_told_from_a_fault_of_the_server(client: TestClient, store: BlockStore) -> None:
    cid = cid_of(b"\xff\xff", 0x70)
    store.put(cid, b"\xff\xff")
    assert_problem(client.get(f"/ipfs/{cid}"), 404, "invalid-node")


def test_a_service_worker_is_not_given_out(client: TestClient, folder: Cid) -> None:
    answer = client.get(f"/ipfs/{folder}/page.html", headers={"Service-Worker": "script"})
    assert_problem(answer, 400, "invalid-request")


def test_what_is_uploaded_here_is_refused_with_the_methods_there_are(client: TestClient, file: Cid) -> None:
    answer = client.put(f"/ipfs/{file}", content=b"x")
    assert_problem(answer, 405, "method-not-allowed")
    assert {name.strip() for name in answer.headers["allow"].split(",")} == {"GET", "HEAD"}


def test_the_document_describes_both_ways_once(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {path: list(item) for path, item in paths.items()} == {
        "/ipfs/{cid}": ["get"],
        "/ipfs/{cid}/{path}": ["get"],
    }
    places = {(found["name"], found["in"]) for found in paths["/ipfs/{cid}"]["get"]["parameters"]}
    query = {(name, "query") for name in ("format", "dag-scope", "entity-bytes", "filename", "download")}
    assert places == query | {("cid", "path")}
