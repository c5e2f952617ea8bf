"""What cannot be asked for, or is damaged, is one sentence."""

import json
import os
import shutil
from pathlib import Path

import pytest

import generators
from assets.asset import Asset
from engine.app import Application
from engine.data_folder import DataFolder
from tests.acceptance.shell import Shell, unfinished


# ------------------------------------------------------------------ what cannot be asked for
def test_bad_requests_are_one_sentence(shell: Shell) -> None:
    create = ("create", "a potion", "--kind", "item", "--json")
    shell.run("create", "", "--json").assert_sentence("empty")
    shell.run("create", "x" * 10_000, "--json").assert_sentence("10,000 characters", "shorten")
    shell.run(*create, "--seed", "-1").assert_sentence("seed", "-1")
    shell.run(*create, "--steps", "0").assert_sentence("steps", "1 to")
    shell.run(*create, "--palette", "/bin/true").assert_sentence("not a palette")
    shell.run("mint", "no-such-asset", "--json").assert_sentence("no asset")
    shell.run("verify", "garbage", "--json").assert_sentence("not a token's number")
    wrong = shell.run("create", "a", "--size", "48")
    assert (wrong.code, wrong.out) == (2, "")


def test_bad_settings_and_folders_are_one_sentence(tmp_path: Path, shell: Shell, asset: Asset) -> None:
    (tmp_path / "file").touch()
    Shell(tmp_path / "file").run("list", "--json").assert_sentence("data folder", "LORESPARK_DATA_DIR")
    Shell(tmp_path / "x", (("LORESPARK_CHAIN_ID", "one"),)).run("list").assert_sentence("LORESPARK_CHAIN_ID")
    other_chain = Shell(shell.folder, (("LORESPARK_CHAIN_ID", "5"),))
    assert shell.run("mint", asset.asset_id, "--json").json["token_id"] == 256
    other_chain.run("mint", asset.asset_id, "--json").assert_sentence("belongs to chain id 31337")
    node = (("LORESPARK_CHAIN_ID", "5"), ("LORESPARK_RPC_URL", "http://127.0.0.1:1/secret"))
    unreachable = Shell(shell.folder, node).run("mint", asset.asset_id, "--json")
    unreachable.assert_sentence("node did not answer")
    assert "secret" not in unreachable.err
    held = DataFolder.open(shell.folder)
    shell.run("list", "--json").assert_sentence(f"in use by process {os.getpid()}", "wait for it")
    held.close()
    assert unfinished(shell) == 0


@pytest.mark.parametrize("name", ["records.db", "jobs.db", "chain.db"])
@pytest.mark.parametrize("content", [b"this is no database" * 300, b"SQLite format 3\x00" + b"\xff" * 8000])
def test_a_damaged_database_is_one_sentence(shell: Shell, asset: Asset, name: str, content: bytes) -> None:
    path = shell.folder / name
    sound = path.read_bytes() if path.exists() else None
    path.write_bytes(content)
    shell.run("mint", asset.asset_id, "--json").assert_sentence(name, "restore")
    assert path.read_bytes() == content
    if sound is None:
        path.unlink()
    else:
        path.write_bytes(sound)
    assert unfinished(shell) == 0
    assert shell.run("mint", asset.asset_id, "--json").json["token_id"] == 256


@pytest.mark.parametrize("trouble", ["altered", "missing", "no manifest"])
def test_weights_that_are_not_as_released_are_one_sentence(tmp_path: Path, trouble: str) -> None:
    package = Path(generators.__file__ or "").parent
    shutil.copytree(package, tmp_path / "generators", ignore=shutil.ignore_patterns("__pycache__"))
    weights = tmp_path / "generators" / "weights"
    models = json.loads((weights / "models.json").read_text())
    folder = next(model["folder"] for model in models.values() if model["size_px"] == 32)
    file = weights / folder / "unet" / "diffusion_pytorch_model.safetensors"
    if trouble == "altered":
        data = file.read_bytes()
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif trouble == "missing":
        file.unlink()
    else:
        (weights / "models.json").unlink()
    shell = Shell(tmp_path / "data", (("PYTHONPATH", str(tmp_path)),))
    shell.run("create", "a potion", "--kind", "item", "--steps", "1", "--json").assert_sentence("reinstall")
    with Application.open(shell.settings) as application:
        assert application.records.newest_assets(1) == []
        assert application.unfinished() == 0
        assert list(application.blocks) == []
