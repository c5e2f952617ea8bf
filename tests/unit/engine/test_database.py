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
from sqlalchemy import insert, select, text

from chain.signer import EnvironmentSigner
from engine.database import tables
from engine.database import transactions as ledger
from engine.database.batches import batch_of
from engine.database.database import Database
from engine.database.mints import history_of
from engine.database.postgresql import postgresql_engine
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


@pytest.mark.parametrize("shared", [False, True])
def test_mints_that_an_older_version_left_unfinished_keep_their_transactions(
    shared: bool, tmp_path: Path, postgresql_url: str
) -> None:
    engine = postgresql_engine(postgresql_url) if shared else sqlite_engine(tmp_path / "records.db")
    signer = EnvironmentSigner("11" * 32)
    fields = {"type": 2, "chainId": 1, "to": "0x" + "21" * 20, "value": 0, "data": "0x12", "gas": 90_000}
    signed = [
        signer.sign_transaction(fields | {"nonce": nonce, "maxFeePerGas": 5, "maxPriorityFeePerGas": 2})
        for nonce in range(5)
    ]
    purposes = ("1/deploy", "1/m-done", "1/m-sent", "1/m-twice", "1/m-twice/2")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.execute(text("INSERT INTO contracts VALUES (1, '0xc', 't')"))
        connection.execute(
            text(
                "INSERT INTO creations (id, tenant_id, status, recipes, count, events, created_at) "
                "VALUES ('c', 'tenant-local', 'succeeded', '[]', 1, 0, 't')"
            )
        )
        states = (("done", "confirmed"), ("sent", "sent"), ("twice", "prepared"))
        for position, (name, status) in enumerate(states):
            connection.execute(
                text(
                    "INSERT INTO assets (id, tenant_id, creation_id, position, kind, name, recipe, recipe_hash, "
                    "media_cid, image_cid, metadata_cid, parents, created_at) "
                    "VALUES (:id, 'tenant-local', 'c', :position, 'item', 'n', '{}', 'h', 'm', 'i', 'd', '[]', 't')"
                ),
                {"id": f"a-{name}", "position": position},
            )
            connection.execute(
                text(
                    "INSERT INTO mints (id, tenant_id, asset_id, recipient, chain_id, status, created_at) "
                    "VALUES (:id, 'tenant-local', :asset, '0xr', 1, :status, 't')"
                ),
                {"id": f"m-{name}", "asset": f"a-{name}", "status": status},
            )
        for purpose, one in zip(purposes, signed, strict=True):
            connection.execute(
                text("INSERT INTO transactions VALUES (:purpose, 1, :sender, :nonce, :hash, :raw, 't')"),
                {"purpose": purpose, **vars(one)},
            )
    engine.dispose()
    database = Database.connect(postgresql_url) if shared else Database.open(tmp_path / "records.db")
    with database.reading() as connection:
        table = tables.transactions
        rows = connection.execute(select(table).order_by(table.c.number)).all()
        assert [(row.purpose, row.status) for row in rows] == [
            ("deploy", "confirmed"),
            ("batch-m-done", "confirmed"),
            ("batch-m-sent", "signed"),
            ("batch-m-twice", "lost"),
            ("batch-m-twice", "signed"),
        ]
        assert [(row.raw, row.max_fee_per_gas_wei) for row in rows] == [(one.raw, 5) for one in signed]
        assert ledger.next_nonce(connection, 1, signer.address) == 5
        assert batch_of(connection, "m-done") is None
        for name in ("m-sent", "m-twice"):
            batch = batch_of(connection, name)
            assert batch is not None
            assert (batch.id, batch.mint_ids, batch.contract) == (
                f"batch-{name}",
                (name,),
                fields["to"],
            )
        assert [change.status for change in history_of(connection, "m-sent")] == ["sent"]
    database.close()


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
