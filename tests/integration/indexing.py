"""What tests of the index share: following a studio's chain, and what has to be true of the rows."""

import time
from pathlib import Path
from typing import Any

from sqlalchemy import select

from chain.log_reader import LogReader
from engine.database import tables
from engine.database.database import Database
from engine.indexer.follower import Follower
from tests.studio import CHAIN_ID, Studio

TABLES = (
    tables.tokens,
    tables.transfers,
    tables.token_changes,
    tables.voucher_events,
    tables.indexed_contracts,
)
SEED = 20_261_125


def follower(database: Database, studio: Studio, range_blocks: int = 2_000) -> Follower:
    reader = LogReader(studio.web3, range_blocks)
    return Follower(database, CHAIN_ID, reader, lambda: studio.sources)


def rows(database: Database) -> dict[str, list[Any]]:
    """All that the index says, but for where it began to look for a contract."""
    with database.reading() as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.execute(
                    select(*(column for column in table.columns if column.name != "first_block")).order_by(
                        *table.primary_key
                    )
                )
            ]
            for table in TABLES
        }


def read_anew(studio: Studio, tmp_path: Path) -> dict[str, list[Any]]:
    """What an index says that begins with the chain as it is."""
    path = tmp_path / f"anew-{time.monotonic_ns()}.db"
    fresh = Database.open(path)
    try:
        follower(fresh, studio).follow()
        return rows(fresh)
    finally:
        fresh.close()


def assert_true(database: Database, studio: Studio, tmp_path: Path) -> None:
    """The rows are those of the chain as it is, by another reading of it and by the contracts' own word."""
    found = rows(database)
    assert found == read_anew(studio, tmp_path)
    with database.reading() as connection:
        living = connection.execute(select(tables.tokens).where(tables.tokens.c.owner.is_not(None))).all()
    told = {
        (row.contract, int(row.token_id)): (row.owner, bytes.fromhex(row.digest), row.frozen)
        for row in living
    }
    assert told == studio.truth()
