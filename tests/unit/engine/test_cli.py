"""What is typed on the command line, up to where a model or a chain would be needed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from assets.asset import Asset
from engine import cli
from engine.app import Application
from engine.settings import Settings
from engine.verification import CHECKS, Check

CREATE = ["create", "a red potion", "--kind", "item"]


@pytest.fixture(autouse=True)
def data_folder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LORESPARK_DATA_DIR", str(settings.data_dir))
    return settings.data_dir


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


def assert_sentence(result: Result, *words: str, code: int = 1) -> None:
    """One sentence, or two, on one line of stderr; nothing on stdout."""
    assert result.exit_code == code, (result.output, result.exception)
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].endswith(".")
    for word in words:
        assert word in lines[0], lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["create", ""], ["prompt", "empty"]),
        (["create", " \t "], ["prompt", "empty"]),
        (["create", "x" * 10_000], ["prompt", "10,000 characters", "shorten"]),
        (["create", "a\x07bell"], ["control characters"]),
        ([*CREATE, "--seed", "-1"], ["seed", "-1", "0 to"]),
        ([*CREATE, "--seed", str(2**53)], ["seed", "0 to"]),
        ([*CREATE, "--seed", str(2**53 - 1), "--count", "2"], ["Seeds", "start lower"]),
        ([*CREATE, "--steps", "0"], ["steps", "0", "1 to"]),
        ([*CREATE, "--steps", "100000"], ["steps", "1 to"]),
        ([*CREATE, "--guidance", "-1"], ["guidance", "0 to"]),
        ([*CREATE, "--guidance", "nan"], ["guidance"]),
        ([*CREATE, "--guidance", "inf"], ["guidance"]),
        ([*CREATE, "--count", "0"], ["0 pictures", "1 to"]),
        ([*CREATE, "--count", "100000"], ["100000 pictures", "1 to"]),
        ([*CREATE, "--negative", "x" * 10_000], ["negative prompt", "shorten"]),
        ([*CREATE, "--palette", sys.executable], ["palette"]),
        ([*CREATE, "--palette", "/bin/true"], ["not a palette"]),
        ([*CREATE, "--palette", "/no/such/file.hex"], ["palette file", "cannot be read", "check the path"]),
        ([*CREATE, "--palette", "/"], ["palette file", "cannot be read"]),
        ([*CREATE, "--palette", "1"], ["palette", "2 to 256"]),
        ([*CREATE, "--palette=-5"], ["palette", "2 to 256"]),
        ([*CREATE, "--palette=--5"], ["palette file"]),
        ([*CREATE, "--palette", "²"], ["palette file"]),
        ([*CREATE, "--palette", "9" * 5000], ["palette file"]),
        ([*CREATE, "--palette", "pico-9"], ["did you mean pico-8"]),
        ([*CREATE, "--palette", "/no/photo.png:16"], ["cannot be read (no such file or directory)"]),
        ([*CREATE, "--outline", "black"], ["'black' is not a colour", "#rrggbb"]),
        ([*CREATE, "--background", "#12"], ["'#12' is not a colour"]),
        (["verify", "one"], ["'one'", "token's number"]),
        (["verify", "²"], ["token's number"]),
        (["verify", "9" * 5000], ["token's number"]),
        (["verify", str(2**256)], ["token's number"]),
        (["verify", "[/red]"], ["[/red]", "token's number"]),
    ],
)
def test_what_cannot_be_asked_for_is_one_sentence(
    arguments: list[str], words: list[str], data_folder: Path
) -> None:
    assert_sentence(run(*arguments, "--json"), *words)
    assert not data_folder.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["create"],
        ["create", "a", "--kind", "song"],
        ["create", "a", "--size", "48"],
        ["create", "a", "--seed", "x"],
        ["create", "a", "--steps", "1.5"],
        ["mint"],
        ["verify"],
        ["export", "asset-1"],
        ["list", "--limit", "0"],
        ["no-such-command"],
        ["create", "a", "--no-such-option"],
    ],
)
def test_a_wrong_use_exits_2_and_prints_nothing(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "command",
    ["create", "mint", "check", "verify", "export", "list", "doctor", "demo", "collection", "storyboard"],
)
def test_every_command_has_help(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout


def test_unknown_assets_are_a_sentence(tmp_path: Path) -> None:
    for arguments in (
        ["mint", "asset-x"],
        ["mint", "[/red]"],
        ["export", "x", "--car", str(tmp_path / "x.car")],
    ):
        assert_sentence(run(*arguments, "--json"), "There is no asset", "`lorespark list` shows")
    assert not (tmp_path / "x.car").exists()


def test_a_token_before_the_first_mint_is_a_sentence() -> None:
    assert_sentence(run("verify", "1", "--json"), "No contract", "mint an asset first")


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("CHAIN_ID", "zero", "LORESPARK_CHAIN_ID"),
        ("RPC_URL", "node", "LORESPARK_RPC_URL"),
        ("PRIVATE_KEY", "secret", "LORESPARK_PRIVATE_KEY"),
        ("CONTRACT", "0x1", "LORESPARK_CONTRACT"),
        ("CONFIRMATIONS", "0", "LORESPARK_CONFIRMATIONS"),
    ],
)
def test_bad_settings_are_a_sentence_for_every_command(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, word: str
) -> None:
    monkeypatch.setenv(f"LORESPARK_{name}", value)
    for arguments in (["list"], ["doctor"], CREATE, ["mint", "asset-1"], ["demo"]):
        assert_sentence(run(*arguments, "--json"), word)


def test_an_empty_list_says_how_to_begin() -> None:
    assert "lorespark create" in run("list").stdout
    assert json.loads(run("list", "--json").stdout) == {"assets": []}


@pytest.fixture
def asset(settings: Settings, add_asset: Callable[..., Asset]) -> Asset:
    with Application.open(settings) as application:
        return add_asset(application)


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("bob", "begins with 0x"),
        ("0x12", "42 characters"),
        ("0x" + "zz" * 20, "0-9 and a-f"),
        ("0x" + "00" * 20, "zero address"),
        ("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "checksum"),
    ],
)
def test_a_bad_address_is_a_sentence_and_nothing_is_recorded(
    asset: Asset, settings: Settings, address: str, word: str
) -> None:
    assert_sentence(run("mint", asset.asset_id, "--to", address, "--json"), word)
    assert not (settings.data_dir / "chain.db").exists()
    with Application.open(settings) as application:
        assert application.unfinished() == 0


def test_an_assets_name_is_never_read_as_markup(settings: Settings, asset: Asset) -> None:
    with Application.open(settings) as application, application.records.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE assets SET name = 'A [/red] :key: potion'")
    result = run("list")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "A [/red] :key: potion" in result.stdout


def test_minting_and_minting_again(asset: Asset) -> None:
    first = json.loads(run("mint", asset.asset_id, "--json").stdout)
    assert set(first) == {
        *("token_id", "contract", "chain_id", "tx_hash", "block_number"),
        *("token_uri", "owner", "status", "already_minted"),
    }
    assert (first["token_id"], first["status"], first["already_minted"]) == (256, "confirmed", False)
    again = json.loads(run("mint", asset.asset_id, "--json").stdout)
    assert again == first | {"already_minted": True}
    told = run("mint", asset.asset_id, "--to", "0x" + "11" * 20).stdout
    assert "Token 256 was minted before" in told
    assert "nothing was minted to 0x1111" in told
    assert json.loads(run("list", "--json").stdout)["assets"][0]["token_id"] == 256


@pytest.mark.parametrize("path", ["no/such/folder/x.car", ".", "file/x.car"])
def test_an_export_that_cannot_be_written_is_a_sentence(
    asset: Asset, tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    before = sorted(tmp_path.iterdir())
    result = run("export", asset.asset_id, "--car", path, "--json")
    assert_sentence(result, ".car" if ".car" in path else "is not a file")
    assert "LORESPARK_DATA_DIR" not in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_a_failed_check_is_told_on_stderr_too(asset: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [Check(name, name != "media_cid", "Block x is missing; fetch it.") for name in CHECKS]
    monkeypatch.setattr(Application, "verify", lambda *_: checks)
    result = run("verify", "1", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["ok"] is False
    assert (
        result.stderr == "Token 1 is not proven: its check media_cid failed. Block x is missing; fetch it.\n"
    )


def test_a_job_that_cannot_be_finished_holds_up_no_other_command(
    asset: Asset, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Application.open(settings) as application:
        application.records.add_creation("creation-lost", [asset_recipe(asset)])
        application.records.add_mint(asset, "0x" + "11" * 20, 31337)
    result = run("list", "--json")
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["assets"]) == 1
    assert "Finishing 2 jobs" in result.stderr
    assert "creation-lost could not be finished: The model any/1 is not installed" in result.stderr
    assert json.loads(result.stdout)["assets"][0]["token_id"] == 256  # the mint was finished all the same
    assert run("list", "--json").stderr == ""  # it failed for good, and is not tried again


def asset_recipe(asset: Asset) -> dict[str, Any]:
    return json.loads(asset.recipe.to_bytes())


def test_ctrl_c_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Application, "open", interrupt)
    assert_sentence(run("list"), "Stopped", code=130)


def test_listing_imports_neither_torch_nor_dbos() -> None:
    script = """
import sys
from engine.cli import app
app(["list"], standalone_mode=False)
print(sorted({"torch", "dbos"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
