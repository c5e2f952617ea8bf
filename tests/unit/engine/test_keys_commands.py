"""Signing keys on the command line: made, imported, listed, and rotated on a real (embedded) chain."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import select
from typer.testing import CliRunner

from assets.asset import Asset
from chain.asset_contract import MINTER_ROLE, VOUCHER_ROLE
from engine import key_rotation
from engine.app import Application
from engine.cli import app
from engine.database import tables
from engine.database.vouchers import Asking, Terms, add_voucher
from engine.settings import Settings

PASSWORD = "a password only this test knows"
KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"


@pytest.fixture(autouse=True)
def data_folder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LORESPARK_DATA_DIR", str(settings.data_dir))
    for name in ("DATABASE_URL", "PRIVATE_KEY", "SIGNER_URL", "KEY_PASSWORD_FILE", "RPC_URL", "CONTRACT"):
        monkeypatch.delenv(f"LORESPARK_{name}", raising=False)
    return settings.data_dir


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    return private(tmp_path / "password", PASSWORD)


def private(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def run(*arguments: str, answers: str | None = None) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments], input=answers)


def answered(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def reopened(password_file: str) -> Application:
    """The application as a server has it that is started again."""
    environment = {**settings_of(), "LORESPARK_KEY_PASSWORD_FILE": password_file}
    return Application.open(Settings.from_environment(environment))


def settings_of() -> dict[str, str]:
    return {"LORESPARK_DATA_DIR": str(Settings.from_environment().data_dir)}


def test_keys_are_made_imported_and_listed(password_file: str, tmp_path: Path) -> None:
    made = answered("make", "--password-file", password_file)
    key_file = private(tmp_path / "key", KEY)
    imported = answered("import", "--key-file", key_file, "--password-file", password_file)
    assert imported["address"] == ADDRESS
    listed = answered("list")["keys"]
    assert {(key["address"], key["signs"]) for key in listed} == {
        (made["address"], False),
        (ADDRESS, False),
    }
    again = run("import", "--key-file", key_file, "--password-file", password_file)
    assert again.exit_code == 1
    assert "there already" in again.output
    assert KEY not in again.output


def test_without_files_key_and_password_are_asked_for_and_not_shown() -> None:
    result = run("import", answers=f"{KEY}\n{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    assert ADDRESS in result.output
    assert KEY not in result.output
    assert PASSWORD not in result.output


def test_a_key_that_is_none_is_told_without_repeating_it(password_file: str, tmp_path: Path) -> None:
    wrong = KEY[:-1] + "x"
    result = run("import", "--key-file", private(tmp_path / "key", wrong), "--password-file", password_file)
    assert result.exit_code == 1
    assert "64 hexadecimal digits" in result.output
    assert wrong not in result.output


def test_the_list_says_where_the_environment_names_the_signer(
    password_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = answered("make", "--password-file", password_file)
    monkeypatch.setenv("LORESPARK_PRIVATE_KEY", KEY)
    assert "says who signs" in run("list").output
    refused = run("rotate", made["address"], "--password-file", password_file)
    assert refused.exit_code == 1
    assert "LORESPARK_PRIVATE_KEY" in refused.output


def test_before_anything_is_deployed_a_rotation_changes_who_signs(password_file: str) -> None:
    made = answered("make", "--password-file", password_file)
    assert answered("rotate", made["address"], "--password-file", password_file)["done"] == []
    with reopened(password_file) as application:
        assert application.signer.address == made["address"]


def test_a_rotation_gives_the_new_key_all_and_leaves_the_old_one_nothing(
    settings: Settings, password_file: str, add_asset: Callable[..., Asset]
) -> None:
    with Application.open(settings) as application:
        old = application.signer.address
        application.mint(add_asset(application, 1).asset_id)
    made = answered("make", "--password-file", password_file)
    new = made["address"]
    done = answered("rotate", new, "--password-file", password_file)["done"]
    assert len(done) == 3, done
    with reopened(password_file) as application:
        collection = application.mint_job.contract()
        assert collection.may_mint(new)
        assert not collection.has_roles(old, MINTER_ROLE)
        assert collection.view("owner") == new
        minted = application.mint(add_asset(application, 2).asset_id)
        assert minted.owner == new
    assert {key["address"] for key in answered("list")["keys"] if key["signs"]} == {new}
    # Done again by the new key's own password, there is nothing left to do.
    result = CliRunner().invoke(
        app, ["keys", "rotate", new, "--json"], env={"LORESPARK_KEY_PASSWORD_FILE": password_file}
    )
    assert json.loads(result.stdout)["done"] == []


@pytest.mark.parametrize("part", ["hand_over", "activate", "take_back"])
def test_a_rotation_that_broke_off_goes_on(
    settings: Settings,
    password_file: str,
    add_asset: Callable[..., Asset],
    monkeypatch: pytest.MonkeyPatch,
    part: str,
) -> None:
    with Application.open(settings) as application:
        old = application.signer.address
        application.mint(add_asset(application, 1).asset_id)
    new = answered("make", "--password-file", password_file)["address"]

    def break_off(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        if part == "hand_over":  # between two of its transactions
            sent = key_rotation.Rotation._send
            calls: list[str] = []

            def send(self: Any, signer: Any, contract: Any, function: str, *arguments: Any) -> None:
                calls.append(function)
                if len(calls) == 3:
                    raise KeyboardInterrupt
                sent(self, signer, contract, function, *arguments)

            broken.setattr(key_rotation.Rotation, "_send", send)
        elif part == "activate":
            broken.setattr("chain.key_folder.KeyFolder.activate", break_off)
        else:
            broken.setattr(key_rotation.Rotation, "take_back", break_off)
        assert run("rotate", new, "--password-file", password_file).exit_code == 130
    again = CliRunner().invoke(
        app,
        ["keys", "rotate", new, "--password-file", password_file],
        env={"LORESPARK_KEY_PASSWORD_FILE": password_file},
    )
    assert again.exit_code == 0, again.output
    with reopened(password_file) as application:
        collection = application.mint_job.contract()
        assert application.signer.address == collection.view("owner") == new
        assert collection.may_mint(new)
        assert not collection.may_mint(old)


@pytest.mark.parametrize("leaked", [False, True])
def test_what_the_old_key_promised_stays_good_unless_it_leaked(
    settings: Settings, password_file: str, add_asset: Callable[..., Asset], leaked: bool
) -> None:
    with Application.open(settings) as application:
        old = application.signer.address
        asset = add_asset(application, 1)
        with application.records.database.writing() as connection:
            voucher, _ = add_voucher(connection, asset, Terms(ADDRESS, 600), 31337, Asking())
        application.jobs.finish("voucher", voucher.id)
    new = answered("make", "--password-file", password_file)["address"]
    more = ["--leaked"] if leaked else []
    done = answered("rotate", new, "--password-file", password_file, *more)["done"]
    with reopened(password_file) as application:
        collection = application.mint_job.contract()
        assert not collection.may_mint(old)
        assert collection.has_roles(old, VOUCHER_ROLE) is not leaked
        with application.records.database.reading() as connection:
            status = connection.scalar(select(tables.vouchers.c.status))
        assert status == ("failed" if leaked else "signed")
    assert any(
        ("no longer be claimed" if leaked else "may still sign vouchers") in sentence for sentence in done
    )
