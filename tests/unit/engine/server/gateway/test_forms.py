"""Raw blocks and CARs, and how they are asked for."""

import pytest
from starlette.testclient import TestClient

from assets.block import MemoryBlocks
from assets.blockstore import BlockStore
from assets.cid import Cid, cid_of, raw_cid
from assets.dag_scope import DagScope, scoped_blocks
from assets.unixfs import read_file
from tests.unit.engine.server.gateway.asking import CAR, CONTENT, DAG_CBOR, RAW, assert_problem, car_of


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
