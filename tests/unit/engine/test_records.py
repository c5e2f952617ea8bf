"""The records: their schema, and writes that are safe to repeat."""

import contextlib
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import event, inspect

from assets.asset import Asset
from engine.api.creation import CreationStatus
from engine.app import Application
from engine.database import sqlite, tables
from engine.database.creations import begin_creation, end_creation
from engine.database.records import Records
from engine.database.sqlite import check_file
from engine.errors import DatabaseUnusable
from engine.settings import Settings
from generators.recipe import Recipe
from tests.recorded import record_assets


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records.open(tmp_path / "records.db")
    yield opened
    opened.close()


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    with Application.open(settings) as opened:
        yield opened


@pytest.fixture
def asset(application: Application, add_asset: Callable[..., Asset]) -> Asset:
    return add_asset(application)


def test_the_migrations_make_the_tables_that_the_program_uses(records: Records) -> None:
    with records.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
        found = inspect(connection)
        for table in tables.metadata.sorted_tables:
            made = {item["name"] for item in found.get_check_constraints(table.name)}
            assert made == {
                item.name for item in table.constraints if item.__class__.__name__ == "CheckConstraint"
            }


def test_commits_are_durable(records: Records) -> None:
    with records.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_opening_again_changes_nothing(records: Records, tmp_path: Path) -> None:
    records.add_creation("creation-1", [{}])
    again = Records.open(tmp_path / "records.db")
    assert again.creation("creation-1") is not None
    again.close()


def test_records_of_a_newer_version_are_refused(records: Records, tmp_path: Path) -> None:
    with records.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnusable, match=r"newer Lorespark .schema 9999.; install"):
        Records.open(tmp_path / "records.db")


def test_killed_between_the_statements_of_a_migration_the_next_start_makes_the_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fatal in range(1, 200):
        path = tmp_path / f"{fatal}.db"
        child = os.fork()
        if child == 0:
            open_and_die(path, fatal, monkeypatch)
        killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        if killed:
            with contextlib.closing(sqlite3.connect(path)) as left:
                assert left.execute("SELECT name FROM sqlite_master").fetchall() == []
            if fatal % 10 != 1:  # each start from nothing is the same one, and takes a third of a second
                continue
        opened = Records.open(path)
        with opened.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        opened.close()
        if not killed:
            break
    assert not killed
    assert fatal > 40  # tables, indices and the version


def open_and_die(path: Path, fatal: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0

    def made(path: Path) -> Any:
        engine = sqlite.sqlite_engine(path)

        @event.listens_for(engine, "after_cursor_execute")
        def count(_: Any, __: Any, statement: str, *___: Any) -> None:
            nonlocal seen
            seen += statement.lstrip().startswith(("CREATE", "INSERT", "UPDATE"))
            if seen == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

        return engine

    monkeypatch.setattr("engine.database.database.sqlite_engine", made)
    Records.open(path)
    os._exit(0)


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_damaged_file_is_a_sentence_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "records.db"
    path.write_bytes(content)
    with pytest.raises(DatabaseUnusable, match=r"records.db cannot be read .*; restore it from a backup"):
        Records.open(path)
    assert path.read_bytes() == content


def test_a_folder_in_the_files_place_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match=r"cannot be opened .*; fix the permissions"):
        Records.open(tmp_path)


def test_a_file_that_is_damaged_while_it_is_open_is_a_sentence(records: Records, tmp_path: Path) -> None:
    records.add_creation("creation-1", [{}])
    records.close()  # writes the log into the file
    path = tmp_path / "records.db"
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(DatabaseUnusable, match="cannot be read"):
        records.creation("creation-1")
    with pytest.raises(DatabaseUnusable, match="cannot be read"):
        check_file(path)


def test_a_full_disk_is_called_full(records: Records) -> None:
    with (
        pytest.raises(DatabaseUnusable, match=r"The disk that holds .* is full; free some space"),
        records._writing(),
    ):
        raise sqlite3.OperationalError("database or disk is full")


def test_a_creation_finished_twice_is_finished_once(application: Application, asset: Asset) -> None:
    records = application.records
    record_assets(records, "creation-1", [asset])
    assert records.assets_of("creation-1") == [asset]
    assert records.newest_assets(10) == [asset]
    assert records.asset(asset.asset_id) == asset


def test_a_creation_that_ended_keeps_its_end(
    application: Application, asset: Asset, recipe: Callable[..., Recipe]
) -> None:
    records = application.records
    with records.database.writing() as connection:
        assert not end_creation(connection, "creation-1", CreationStatus.FAILED, "too late")
    creation = records.creation("creation-1")
    assert creation is not None
    assert (creation.status, creation.error) == ("succeeded", None)
    records.add_creation("creation-2", [recipe().to_dict()])
    assert records.unfinished_creations() == ["creation-2"]
    with records.database.writing() as connection:
        assert end_creation(connection, "creation-2", CreationStatus.FAILED, "no model")
        assert begin_creation(connection, "creation-2", []) == 0
    assert records.unfinished_creations() == []


def test_an_asset_has_one_living_mint_on_a_chain(application: Application, asset: Asset) -> None:
    records = application.records
    first, fresh = records.add_mint(asset, "0x01", 1)
    again, fresh_again = records.add_mint(asset, "0x02", 1)
    assert (fresh, fresh_again, again) == (True, False, first)
    elsewhere, fresh = records.add_mint(asset, "0x01", 2)
    assert fresh
    assert elsewhere.id != first.id
    assert records.unfinished_mints(1) == [first.id]
    records.update_mint(first.id, status="failed", error="refused")
    second, fresh = records.add_mint(asset, "0x01", 1)
    assert fresh
    assert second.id not in (first.id, elsewhere.id)


def test_threads_that_ask_at_once_get_the_same_mint(application: Application, asset: Asset) -> None:
    answers: list[tuple[str, bool]] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        mint, fresh = application.records.add_mint(asset, "0x01", 1)
        answers.append((mint.id, fresh))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert len({mint_id for mint_id, _ in answers}) == 1
    assert sum(fresh for _, fresh in answers) == 1


def test_a_confirmed_mint_keeps_its_token(application: Application, asset: Asset) -> None:
    records = application.records
    mint, _ = records.add_mint(asset, "0x01", 1)
    records.update_mint(mint.id, status="confirmed", token_id=str(2**256 - 1))
    records.update_mint(mint.id, status="failed", error="too late")
    found = records.mint_of(asset.asset_id)
    assert found is not None
    assert (found.status, found.token_id, found.error) == ("confirmed", str(2**256 - 1), None)


def test_a_contract_is_recorded_once(records: Records) -> None:
    records.set_contract(1, "0xa")
    records.set_contract(1, "0xb")
    assert records.contract(1) == "0xa"
    assert records.contract(2) is None
