"""Answers that go into files."""

from pathlib import Path
from typing import Any

import pytest

import tests.api_samples as samples
from engine.sdk import LoresparkError, NotFound
from tests.scripted_server import Answer, Scripted

CONTENT = bytes(range(256)) * 2_000


def test_a_file_is_there_once_it_is_whole(client: Any, scripted: Scripted, tmp_path: Path) -> None:
    scripted.answers = [Answer(200, CONTENT, cut_at=300_000), Answer(200, CONTENT)]
    path = tmp_path / "asset.car"
    assert client.assets.car("asset-1", path) == path
    assert path.read_bytes() == CONTENT
    assert scripted.paths == ["GET /v1/assets/asset-1/car"] * 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_refused_download_leaves_what_was_there(client: Any, scripted: Scripted, tmp_path: Path) -> None:
    path = tmp_path / "asset.png"
    path.write_bytes(b"before")
    scripted.answers = [Answer(404, samples.problem(404))]
    with pytest.raises(NotFound):
        client.assets.download("asset-1", str(path))
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(client: Any, scripted: Scripted, tmp_path: Path) -> None:
    scripted.answers = [Answer(200, CONTENT)]
    path = tmp_path / "none" / "asset.png"
    with pytest.raises(LoresparkError) as raised:
        client.collections.car("c", path)
    assert (
        str(raised.value)
        == f"The file {path} cannot be written (no such file or directory); name another place."
    )
