"""The records' database on SQLite and on a real PostgreSQL: schema, locks, and what goes wrong with it."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, text

from engine.database import tables
from engine.database.database import Database
from engine.database.records import Records
from engine.database.schema import MIGRATIONS
from engine.database.sqlite import sqlite_engine
from engine.errors import DatabaseUnusable, InvalidRequest, InvalidSettings


@pytest.fixture
def postgresql(postgresql_url: str) -> Iterator[Database]:
    database = Database.connect(postgresql_url)
    yield database
    database.close()


def test_the_migrations_make_the_tables_that_the_program_uses_on_postgresql(postgresql: Database) -> None:
    with postgresql.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_processes_that_start_at_once_migrate_once(postgresql_url: str) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            Database.connect(postgresql_url).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_records_of_a_newer_version_are_refused_on_postgresql(
    postgresql: Database, postgresql_url: str
) -> None:
    with postgresql.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnusable, match=r"newer Lorespark .schema 9999.; install"):
        Database.connect(postgresql_url)


def test_records_of_the_version_before_keep_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    engine = sqlite_engine(path)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql(
            "INSERT INTO creations (id, status, recipes, created_at) "
            "VALUES ('c', 'succeeded', '[{\"seed\": 1}, {\"seed\": 2}]', 't')"
        )
        connection.exec_driver_sql(
            "INSERT INTO assets (id, creation_id, position, kind, name, recipe, recipe_hash, media_cid, image_cid, "
            "metadata_cid, parents, created_at) VALUES ('a', 'c', 0, 'item', 'n', '{}', 'h', 'm', 'i', 'd', '[]', 't')"
        )
        connection.exec_driver_sql(
            "INSERT INTO mints (id, asset_id, recipient, chain_id, status, created_at) "
            "VALUES ('m', 'a', '0x', 1, 'prepared', 't')"
        )
    engine.dispose()
    records = Records.open(path)
    creation, mint = records.creation("c"), records.mint("m")
    assert creation is not None
    assert (creation.count, creation.tenant_id, creation.events) == (2, tables.LOCAL_TENANT, 0)
    assert mint is not None
    assert mint.tenant_id == tables.LOCAL_TENANT
    with records.database.reading() as connection:
        assert connection.execute(text("SELECT id, tenant_id FROM assets")).all() == [("a", "tenant-local")]
    records.close()
    with sqlite3.connect(path) as plain:
        assert plain.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_server_that_does_not_answer_is_a_sentence_without_the_password() -> None:
    with pytest.raises(DatabaseUnusable, match=r"cannot be used .*; see that it runs") as caught:
        Database.connect("postgresql://studio:hunter2@127.0.0.1:1/game")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://host/name", "postgresql://host", "nonsense"])
def test_a_url_of_no_postgresql_database_is_a_sentence(url: str) -> None:
    with pytest.raises(InvalidSettings, match="as in postgresql://user:password@host/name"):
        Database.connect(url)


@pytest.mark.parametrize("values", [{"name": "a\0b"}, {"id": "x" * 41}])
def test_a_value_that_postgresql_does_not_keep_is_the_requests_fault(
    postgresql: Database, values: dict[str, str]
) -> None:
    row = {"id": "tenant-1", "name": "a", "created_at": "t", **values}
    with pytest.raises(InvalidRequest, match="correct it"), postgresql.writing() as connection:
        connection.execute(insert(tables.tenants).values(**row))


@pytest.mark.parametrize("shared", [False, True])
def test_a_lock_is_held_by_one_at_a_time(shared: bool, tmp_path: Path, postgresql_url: str) -> None:
    def opened() -> Database:
        return Database.connect(postgresql_url) if shared else Database.open(tmp_path / "records.db")

    first = opened()
    second = opened() if shared else first  # a SQLite file belongs to one process, so to one object
    inside, most = 0, 0

    def enter(database: Database) -> None:
        nonlocal inside, most
        for _ in range(20):
            with database.exclusive("signer"):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=enter, args=(database,)) for database in (first, second, first)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    first.close()
    second.close()
