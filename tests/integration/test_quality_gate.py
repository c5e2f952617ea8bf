"""The quality gate through the command line: what it refuses, what --force leaves behind, and what check tells."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from assets.asset import Asset
from assets.metadata import TokenMetadata
from assets.unixfs import read_file
from engine import cli
from engine.app import Application
from engine.settings import Settings


@pytest.fixture(autouse=True)
def data_folder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LORESPARK_DATA_DIR", str(settings.data_dir))
    return settings.data_dir


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


@pytest.fixture
def poor(settings: Settings, add_asset: Callable[..., Asset], pixels: Callable[[int], Any]) -> Asset:
    """An asset whose picture is cut off on every side."""
    square = pixels(1)
    square[..., 3] = 255
    with Application.open(settings) as application:
        return add_asset(application, drawn=square)


def test_a_poor_picture_is_not_minted_and_nothing_is_recorded(poor: Asset, settings: Settings) -> None:
    result = run("mint", poor.asset_id, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "not_cut_off (the figure is cut off along 100% of the top)" in result.stderr
    assert "--force" in result.stderr
    assert not (settings.data_dir / "chain.db").exists()
    with Application.open(settings) as application:
        assert application.asset(poor.asset_id) == poor
        assert application.records.living_mint(poor.asset_id, settings.chain_id) is None


def test_force_mints_it_and_the_token_says_so(poor: Asset, settings: Settings) -> None:
    assert json.loads(run("mint", poor.asset_id, "--force", "--json").stdout)["token_id"] == 256
    listed = json.loads(run("list", "--json").stdout)["assets"][0]
    assert listed["quality"] == {"failed": ["not_cut_off"], "forced": True}
    assert listed["metadata_cid"] != str(poor.metadata_cid)
    with Application.open(settings) as application:
        digest = application.mint_job.contract().metadata_digest(256)
        asset = application.asset(poor.asset_id)
        assert asset.metadata_cid.digest == digest
        metadata = TokenMetadata.from_bytes(b"".join(read_file(asset.metadata_cid, application.blocks)))
        assert metadata.properties["quality"] == asset.quality
        old = TokenMetadata.from_bytes(b"".join(read_file(poor.metadata_cid, application.blocks)))
        assert {key: metadata.properties[key] for key in old.properties} == dict(old.properties)
        checks = {check.name: check.ok for check in application.verify(256)}
    assert checks["media_cid"]
    assert checks["recipe_hash"]
    again = run("mint", poor.asset_id, "--json")
    assert json.loads(again.stdout)["already_minted"], "one that is minted is not judged again"


def test_force_changes_nothing_of_a_picture_that_passes(
    settings: Settings, add_asset: Callable[..., Asset]
) -> None:
    with Application.open(settings) as application:
        asset = add_asset(application)
    assert run("mint", asset.asset_id, "--force").exit_code == 0
    with Application.open(settings) as application:
        found = application.asset(asset.asset_id)
    assert (found.metadata_cid, found.quality) == (asset.metadata_cid, None)


def test_check_reports_on_an_asset(poor: Asset) -> None:
    result = run("check", poor.asset_id)
    assert result.exit_code == 1
    assert "failed not_cut_off" in result.stdout
    shown = json.loads(run("check", poor.asset_id, "--json").stdout)
    assert shown["ok"] is False
    assert [check["name"] for check in shown["checks"] if not check["ok"]] == ["not_cut_off"]


def test_check_mends_a_file(tmp_path: Path) -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[4:20, 10:22] = (200, 30, 30, 255)
    pixels[12, 15, 3] = 130
    pixels[1, 1:3] = 255
    Image.fromarray(pixels).save(tmp_path / "hero.png")
    given, made = str(tmp_path / "hero.png"), str(tmp_path / "mended.png")
    result = run("check", given, "--kind", "character", "--repair", made, "--json")
    broken = {check["name"] for check in json.loads(result.stdout)["checks"] if not check["ok"]}
    assert (result.exit_code, broken) == (1, {"alpha", "specks", "baseline"})
    assert run("check", made, "--kind", "character").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.png"], "cannot be read"),
        (["text.png"], "not a readable PNG"),
        (["asset-x"], "There is no asset"),
        (["asset-x", "--repair", "y.png"], "draw it again"),
    ],
)
def test_what_cannot_be_checked_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    result = run("check", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
