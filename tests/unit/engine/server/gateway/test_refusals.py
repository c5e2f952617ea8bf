"""What the gateway refuses, and says of it."""

from io import BytesIO
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from assets.blockstore import BlockStore
from assets.cid import Cid, cid_of, raw_cid
from assets.unixfs import add_file
from tests.unit.engine.server.gateway.asking import assert_problem, damage


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
