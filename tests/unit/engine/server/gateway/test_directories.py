"""Directories as pages, and the files in them."""

from dataclasses import replace
from io import BytesIO

import pytest
from starlette.testclient import TestClient

from assets.block import MemoryBlocks
from assets.blockstore import BlockStore
from assets.cid import Cid
from assets.import_profile import KUBO_V1
from assets.unixfs import add_directory, add_file
from tests.unit.engine.server.gateway.asking import assert_problem


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
