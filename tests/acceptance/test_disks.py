"""Disks that are full or cannot be written."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from assets.asset import Asset
from engine.app import Application
from tests.acceptance.shell import LORESPARK, Shell

ENOUGH_FOR_A_MINT_KIB = 600  # about what a mint writes in a new folder


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
