"""The SDK and the command line against a real server process with a worker of its own and the bundled models."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.sdk import Client, CreationFailed, LoresparkError, Progress
from engine.settings import Settings

TIMEOUT_S = 120


def command(settings: Settings, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {"LORESPARK_DATA_DIR": str(settings.data_dir), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(
        [sys.executable, "-m", "engine.cli", *arguments],
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.fixture
def served(settings: Settings) -> Iterator[dict[str, str]]:
    """The environment in which the server is asked."""
    made = command(settings, "api-key", "create", "--json")
    assert made.returncode == 0, made.stderr
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "serve", "--port", "0", "--json"],
        env=os.environ | {"LORESPARK_DATA_DIR": str(settings.data_dir), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        told: dict[str, Any] = json.loads("".join(process.stdout.readline() for _ in range(4)))
        yield {
            "LORESPARK_SERVER": told["address"],
            "LORESPARK_API_KEY": json.loads(made.stdout)["secret"],
        }
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def client(served: dict[str, str]) -> Iterator[Client]:
    with Client(served["LORESPARK_SERVER"], served["LORESPARK_API_KEY"]) as client:
        yield client


def test_a_prompt_becomes_a_token(client: Client, tmp_path: Path) -> None:
    heard: list[Progress] = []
    asked = client.creations.create(
        "a red potion bottle", kind="item", count=2, seed=7, controls={"steps": 2}, tags=["level-1"]
    )
    done = client.creations.wait(asked.id, on_progress=heard.append, timeout_s=TIMEOUT_S)
    assert [asset.seed for asset in done.assets] == [7, 8]
    assert heard
    assert next(iter(client.creations.events(asked.id, after=1))).number == 2
    first = done.assets[0]
    with Image.open(BytesIO(client.assets.media(first.id))) as picture:
        assert picture.size == (32, 32)
    assert client.assets.download(first.id, tmp_path / "a.png").read_bytes() == client.assets.media(first.id)
    assert client.assets.recipe(first.id)["steps"] == 2
    assert {asset.id for asset in client.assets.list(tag="level-1", page_size=1)} == {
        a.id for a in done.assets
    }
    mint = client.mints.mint(first.id, force=True)
    assert client.mints.wait(mint.id, timeout_s=TIMEOUT_S).token_id == "256"
    token = client.assets.get(first.id).token
    assert token is not None
    assert [asset.id for asset in client.assets.list(minted=True)] == [first.id]


def test_a_cancelled_creation_is_told_to_who_waits(client: Client) -> None:
    asked = client.creations.create("a dragon", count=200, controls={"quality": "high"})
    client.creations.cancel(asked.id)
    with pytest.raises(CreationFailed) as raised:
        client.creations.wait(asked.id, timeout_s=TIMEOUT_S)
    assert raised.value.creation.status == "cancelled"


def test_a_field_that_only_the_server_knows_is_pointed_at(client: Client) -> None:
    with pytest.raises(LoresparkError) as raised:
        client.creations.create("a knight", controls={"style": "nope"})
    assert [error.pointer for error in raised.value.errors] == ["#/controls/style"]


def test_the_command_line_draws_lists_and_exports_at_the_server(
    served: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    def remote(*arguments: str) -> dict[str, Any]:
        own = served | {"LORESPARK_DATA_DIR": str(tmp_path / "elsewhere")}
        done = command(settings, *arguments, "--json", **own)
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    made = remote("create", "a red potion bottle", "--kind", "item", "--steps", "2", "--seed", "3")
    [asset] = made["assets"]
    with Image.open(asset["media_path"]) as picture:
        assert picture.size == (32, 32)
    [varied] = remote("vary", asset["asset_id"], "--count", "1")["assets"]
    assert varied["recipe"]["source"] == asset["asset_id"]
    listed = [row["asset_id"] for row in remote("list")["assets"]]
    assert listed[:2] == [varied["asset_id"], asset["asset_id"]]
    car = tmp_path / "asset.car"
    assert remote("export", asset["asset_id"], "--car", str(car))["bytes"] == car.stat().st_size
    bundled = {model["id"] for model in remote("models")["models"] if model["bundled"]}
    assert any("sprite" in name for name in bundled)
