"""From a prompt to a verified token with the installed command, as a person or a script would use it."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import generators
from assets.asset import Asset
from assets.blockstore import BlockStore
from assets.cid import Cid
from assets.package import import_asset_car, read_package
from engine.app import Application
from engine.data_folder import DataFolder
from engine.settings import Settings
from engine.verification import CHECKS

LORESPARK = Path(sys.executable).with_name("lorespark")
STOP_TIMEOUT_S = 20  # far less than what it draws would take to end on a busy machine
TIMEOUT_S = 240  # a busy machine, and the torch import of a cold disk
ENOUGH_FOR_A_MINT_KIB = 600  # about what a mint writes in a new folder
ASSET_KEYS = {
    *("asset_id", "kind", "name", "media_path", "media_cid", "image_cid", "metadata_cid"),
    *("recipe_hash", "recipe", "files"),
    "quality",
}
MINT_KEYS = {
    *("token_id", "contract", "chain_id", "tx_hash", "block_number", "token_uri", "owner", "status"),
    "already_minted",
}


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was answered; nothing but it may have been printed, on either stream."""
        assert (self.code, self.err) == (0, ""), self
        return json.loads(self.out)

    def assert_sentence(self, *words: str) -> None:
        """Exit 1, nothing on stdout, one line on stderr that holds each of the words."""
        assert "Traceback" not in self.err, self.err
        assert (self.code, self.out) == (1, ""), self
        assert len(self.err.splitlines()) == 1, self.err
        assert self.err.endswith(".\n"), self.err
        for word in words:
            assert word in self.err, self.err


@dataclass(frozen=True)
class Shell:
    """Runs the installed command over one data folder."""

    folder: Path
    environment: tuple[tuple[str, str], ...] = ()

    def run(self, *arguments: str | Path) -> Answer:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LORESPARK_")}
        done = subprocess.run(
            [LORESPARK, *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
            env={**kept, "LORESPARK_DATA_DIR": str(self.folder), **dict(self.environment)},
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    @property
    def settings(self) -> Settings:
        return Settings.from_environment({"LORESPARK_DATA_DIR": str(self.folder)})


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


@pytest.fixture
def asset(shell: Shell, add_asset: Callable[..., Asset]) -> Asset:
    """An asset that is there without waiting for a model."""
    with Application.open(shell.settings) as application:
        return add_asset(application)


def unfinished(shell: Shell) -> int:
    with Application.open(shell.settings) as application:
        return application.unfinished()


def test_a_clip_of_an_asset_is_minted_and_verified(shell: Shell, tmp_path: Path) -> None:
    create = ["create", "an iron helmet", "--kind", "item", "--steps", "2", "--seed", "4", "--json"]
    helmet = shell.run(*create).json["assets"][0]["asset_id"]
    clip = shell.run(
        *("create", "an iron helmet", "--kind", "clip", "--from", helmet, "--action", "float"),
        *("--frames", "8", "--fps", "10", "--steps", "3", "--seed", "4", "--json"),
    ).json["assets"][0]
    assert (clip["kind"], clip["recipe"]["source"], clip["recipe"]["frame_ms"]) == ("clip", helmet, 100)
    assert set(clip["files"]) >= {"clip.mp4", "clip.gif", "clip.webp", "sheet.png", "sheet.json"}
    for file in clip["files"].values():
        assert Path(file["path"]).stat().st_size > 100
    token = shell.run("mint", clip["asset_id"], "--force", "--json").json
    checks = shell.run("verify", str(token["token_id"]), "--json").json
    assert [check["name"] for check in checks["checks"]] == list(CHECKS)
    assert checks["ok"]
    assert "all 8,192 pixels are equal" in checks["checks"][-1]["detail"]
    car = tmp_path / "clip.car"
    shell.run("export", clip["asset_id"], "--car", car)
    with car.open("rb") as file:
        elsewhere = BlockStore(tmp_path / "elsewhere")
        package = import_asset_car(file, elsewhere)
    assert str(package.media_cid) == clip["media_cid"]
    assert elsewhere.get(Cid.parse(clip["files"]["clip.gif"]["cid"]))[:6] == b"GIF89a"


def test_from_a_prompt_to_a_verified_token(shell: Shell, tmp_path: Path) -> None:
    create = ["create", "a tiny [red] café potion", "--kind", "item", "--steps", "2", "--seed", "41"]
    palette = tmp_path / "four.hex"
    palette.write_text("#000000\n#ff0000\n#00ff00\n#0000ff\n")
    options = ["--count", "2", "--guidance", "2.5", "--palette", str(palette), "--json"]
    created = shell.run(*create, *options).json
    assert set(created) == {"creation_id", "assets"}
    assert len(created["assets"]) == 2
    for index, asset in enumerate(created["assets"]):
        assert set(asset) == ASSET_KEYS
        recipe = asset["recipe"]
        assert asset["kind"] == "item"
        assert (recipe["seed"], recipe["steps"], recipe["guidance"], recipe["size"]) == (
            41 + index,
            2,
            2.5,
            32,
        )
        assert recipe["prompt"] == "a tiny [red] café potion"
        with Image.open(asset["media_path"]) as picture:
            assert picture.size == (32, 32)
            colours = picture.convert("RGBA").getcolors() or []
        assert {rgba[:3] for _, rgba in colours if rgba[3]} <= {
            (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)
        }  # fmt: skip
    asset = created["assets"][0]

    owner = "0x" + "11" * 20
    minted = shell.run("mint", asset["asset_id"], "--to", owner, "--json").json
    assert set(minted) == MINT_KEYS
    assert (minted["token_id"], minted["status"], minted["owner"]) == (256, "confirmed", owner)
    assert minted["token_uri"] == f"ipfs://{asset['metadata_cid']}"
    assert not minted["already_minted"]

    again = shell.run("mint", asset["asset_id"], "--json").json
    assert again == minted | {"already_minted": True}
    assert "Token 256 was minted before" in shell.run("mint", asset["asset_id"]).out

    verified = shell.run("verify", "256", "--json").json
    assert set(verified) == {"ok", "checks"}
    assert verified["ok"] is True
    assert [check["name"] for check in verified["checks"]] == list(CHECKS)
    assert all(set(check) == {"name", "ok", "detail"} and check["ok"] for check in verified["checks"])

    car = tmp_path / "asset.car"
    exported = shell.run("export", asset["asset_id"], "--car", car, "--json").json
    assert exported["bytes"] == car.stat().st_size
    elsewhere = BlockStore(tmp_path / "elsewhere")
    with car.open("rb") as file:
        package = import_asset_car(file, elsewhere)
    assert str(package.root) == exported["root"]
    assert package == read_package(Cid.parse(exported["root"]), elsewhere)
    assert str(package.media_cid) == asset["media_cid"]
    assert str(package.image_cid) == asset["image_cid"]
    assert str(package.metadata_cid) == asset["metadata_cid"]

    listed = shell.run("list", "--json").json["assets"]
    assert {row["asset_id"]: row["token_id"] for row in listed} == {
        created["assets"][0]["asset_id"]: 256,
        created["assets"][1]["asset_id"]: None,
    }
    assert "A tiny [red] café potion" in shell.run("list").out

    doctor = shell.run("doctor", "--json").json
    assert doctor["ok"], doctor
    assert all(set(check) == {"name", "ok", "detail", "remedy"} for check in doctor["checks"])

    shell.run("verify", "257", "--json").assert_sentence("has no token 257")
    damage(shell, asset["media_cid"])
    failed = shell.run("verify", "256", "--json")
    assert failed.code == 1
    assert [check["ok"] for check in json.loads(failed.out)["checks"]] == [True, True, False, False, False]
    assert failed.err.startswith("Token 256 is not proven: its check media_cid failed.")
    assert len(failed.err.splitlines()) == 1


def test_the_demo_makes_mints_and_verifies_one_of_each_kind(shell: Shell) -> None:
    shown = shell.run("demo", "--json").json
    assert shown["ok"], shown
    assert [(row["kind"], row["recipe"]["size"]) for row in shown["assets"]] == [
        ("character", 64),
        ("item", 32),
        ("tile", 32),
    ]
    for number, row in enumerate(shown["assets"], start=1):
        assert set(row["mint"]) == MINT_KEYS
        assert row["mint"]["token_id"] == 256 * number
        assert [check["name"] for check in row["verify"]["checks"]] == list(CHECKS)
        assert row["verify"]["ok"]
    with Image.open(shown["contact_sheet"]) as sheet:
        assert sheet.size == (768, 256)


def damage(shell: Shell, cid: str) -> None:
    next((shell.folder / "blocks").rglob(cid)).write_bytes(b"damaged")


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


# ------------------------------------------------------------------ interruptions


def test_ctrl_c_stops_at_once_and_the_next_start_finishes_the_job(shell: Shell) -> None:
    environment = {**os.environ, "LORESPARK_DATA_DIR": str(shell.folder)}
    command = [LORESPARK, "create", "a potion", "--kind", "item", "--steps", "200", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        wait_for_running_creation(shell, process)
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        out, err = process.communicate(timeout=STOP_TIMEOUT_S)
        assert time.monotonic() - begun < STOP_TIMEOUT_S
    assert (process.returncode, out) == (130, "")
    assert err == "Stopped. Unfinished jobs go on at the next start.\n"
    later = shell.run("list", "--json")
    assert (later.code, later.err) == (0, "Finishing 1 job that was interrupted …\n")
    assert len(json.loads(later.out)["assets"]) == 1
    assert shell.run("list", "--json").err == ""


def wait_for_running_creation(shell: Shell, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be stopped"
        with contextlib.suppress(sqlite3.Error):
            uri = f"file:{shell.folder / 'records.db'}?mode=ro"
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as records:
                if records.execute("SELECT 1 FROM creations WHERE status = 'running'").fetchone():
                    return
        time.sleep(0.02)
    raise AssertionError("the creation did not begin")


# ------------------------------------------------------------------ disks


def test_an_output_that_cannot_be_written_is_one_sentence(shell: Shell) -> None:
    for arguments in (["list"], ["list", "--json"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [LORESPARK, *arguments],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                env={**os.environ, "LORESPARK_DATA_DIR": str(shell.folder)},
            )
        assert done.returncode == 1
        assert done.stderr == "The output cannot be written (No space left on device); send it elsewhere.\n"


def test_a_folder_that_cannot_be_written_is_one_sentence(disk: Callable[[str], Path]) -> None:
    root = disk("size=64k,ro")
    Shell(root / "data").run("list", "--json").assert_sentence("data folder", "LORESPARK_DATA_DIR")
    Shell(root).run("create", "a", "--json").assert_sentence("data folder", "LORESPARK_DATA_DIR")


def test_an_export_that_cannot_be_written_is_one_sentence(
    shell: Shell, asset: Asset, disk: Callable[[str], Path]
) -> None:
    root = disk("size=4k")
    export = ("export", asset.asset_id, "--json", "--car")
    shell.run(*export, root / "missing" / "x.car").assert_sentence("x.car", "cannot be written")
    shell.run(*export, root / "full.car").assert_sentence("full.car", "space")
    assert list(root.iterdir()) == []
    disk("size=4k,ro")
    shell.run(*export, root / "x.car").assert_sentence("x.car", "read-only")


@pytest.mark.parametrize("size_kib", [4, 150, 300, 450, 600])
def test_a_full_disk_during_a_mint_is_one_sentence_and_the_mint_goes_on_later(
    disk: Callable[[str], Path], add_asset: Callable[..., Asset], size_kib: int
) -> None:
    root = disk("size=64m")
    shell = Shell(root / "data")
    with Application.open(shell.settings) as application:
        asset = add_asset(application)
    used_kib = sum(path.stat().st_blocks // 2 for path in root.rglob("*"))
    disk(f"size={used_kib + size_kib}k")
    answer = shell.run("mint", asset.asset_id, "--json")
    if size_kib < ENOUGH_FOR_A_MINT_KIB or answer.code != 0:
        answer.assert_sentence("full")
    disk("size=64m")
    again = shell.run("mint", asset.asset_id, "--json")
    assert (again.code, json.loads(again.out)["token_id"]) == (0, 256)
    with Application.open(shell.settings) as application:
        assert application.mint_job.contract().total_minted() == 1
        assert application.unfinished() == 0


def test_a_full_disk_during_a_creation_is_one_sentence_and_leaves_nothing_half_written(
    disk: Callable[[str], Path],
) -> None:
    shell = Shell(disk("size=300k") / "data")
    create = ("create", "a potion", "--kind", "item", "--steps", "1", "--json")
    shell.run(*create).assert_sentence("full", "free some space")
    disk("size=64m")
    again = shell.run(*create)
    assert again.code == 0, again
    with Application.open(shell.settings) as application:
        assert application.unfinished() == 0
        assert list(application.blocks.verify()) == []
        for found in application.records.newest_assets(10):
            assert application.media_path(found).stat().st_size > 0
