"""Keys made, listed and revoked on the command line, also while the data folder is held."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from engine.api.account import Scope
from engine.app import Application
from engine.cli import app
from engine.database.tenants import known_key
from engine.settings import Settings


@pytest.fixture(autouse=True)
def data_folder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LORESPARK_DATA_DIR", str(settings.data_dir))
    monkeypatch.delenv("LORESPARK_DATABASE_URL", raising=False)
    return settings.data_dir


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["api-key", *arguments])


def answered(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_key_made_beside_a_running_server_works_there_until_it_is_revoked(settings: Settings) -> None:
    with Application.open(settings) as application:  # holds the data folder
        key = answered("create", "--tenant", "Studio A", "--name", "ci", "--scopes", "read,create")
        with application.records.database.reading() as connection:
            known = known_key(connection, key["secret"])
        assert known is not None
        assert known.scopes == {Scope.READ, Scope.CREATE}
        assert answered("revoke", key["id"])["revoked_at"]
        with application.records.database.reading() as connection:
            assert known_key(connection, key["secret"]) is None


def test_a_secret_is_shown_once() -> None:
    shown = run("create")
    secret = shown.stdout.split()[0]
    assert secret.startswith("lsk_")
    assert shown.stdout.count(secret) == 1
    assert secret not in run("list").stdout + run("list", "--json").stdout


def test_keys_of_one_name_belong_to_one_tenant_and_are_listed_with_whole_ids() -> None:
    keys = [answered("create", "--tenant", tenant) for tenant in ("A", "B", "A")]
    assert {key["tenant"] for key in answered("list")["keys"]} == {"A", "B"}
    assert {key["id"] for key in answered("list", "--tenant", "A")["keys"]} == {keys[0]["id"], keys[2]["id"]}
    shown = run("list").stdout
    assert all(key["id"] in shown for key in keys)


def test_limits_are_those_that_were_given() -> None:
    key = answered("create", "--per-minute", "7", "--per-day", "0", "--concurrent", "2")
    assert key["limits"] == {"per_minute": 7, "per_day": 0, "concurrent": 2}
    assert key["tenant"] == "local"


def test_the_last_key_can_be_revoked_here() -> None:
    assert answered("revoke", answered("create")["id"])["revoked_at"]


def test_postgresql_holds_the_keys_where_the_settings_say_so(
    postgresql_url: str, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LORESPARK_DATABASE_URL", postgresql_url)
    key = answered("create", "--tenant", "A")
    assert [each["id"] for each in answered("list")["keys"]] == [key["id"]]
    assert answered("revoke", key["id"])["revoked_at"]
    assert not data_folder.exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["create", "--scopes", "read,everything"], "'everything'"),
        (["create", "--scopes", " , "], "at least one scope"),
        (["create", "--name", ""], "1 to 200 characters"),
        (["create", "--name", "a\nb"], "printable"),
        (["create", "--tenant", ""], "--tenant"),
        (["create", "--tenant", "x" * 201], "--tenant"),
        (["revoke", "key-none"], "There is no key 'key-none'"),
        (["list", "--tenant", "nobody"], "There is no tenant 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments: list[str], word: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert word in result.stderr
    assert result.stderr.count("\n") == 1
