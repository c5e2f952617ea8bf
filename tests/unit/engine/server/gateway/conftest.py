"""The gateway alone over a store of the test's own, and what lies in it."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from assets.blockstore import BlockStore
from assets.cid import Cid
from assets.unixfs import add_directory, add_file
from engine.server.gateway import gateway_router
from engine.server.problems import add_problems
from tests.unit.engine.server.gateway.asking import CONTENT, SMALL


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
