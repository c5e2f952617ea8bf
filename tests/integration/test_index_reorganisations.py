"""The index of a real anvil's logs after reorganisations: exactly what the chain says then."""

import random
from pathlib import Path
from typing import Any

import pytest

from chain.asset_contract import AssetContract
from chain.collection import deployment_transaction
from chain.connection import Connection
from chain.log_reader import LogReader
from engine.database import chain_index
from engine.database.database import Database
from tests.integration.indexing import SEED, assert_true, follower, rows
from tests.studio import Studio


@pytest.mark.parametrize("removes", ["anvil_reorg", "anvil_rollback"])
def test_what_a_reorganisation_removes_is_undone_exactly(
    database: Database, studio: Studio, tmp_path: Path, removes: str
) -> None:
    chance, following = random.Random(SEED), follower(database, studio, range_blocks=3)
    undone = 0
    for round_ in range(12):
        for _ in range(chance.randint(1, 5)):
            studio.act()
            if chance.random() < 0.5:
                following.step()
        if chance.random() < 0.8:
            following.follow()
        before = rows(database)["transfers"]
        studio.node(removes, chance.randint(1, 6), *([[]] if removes == "anvil_reorg" else []))
        if round_ % 3 == 0:
            assert following.follow().is_current
            undone += rows(database)["transfers"] != before
            assert_true(database, studio, tmp_path)
    following.follow()
    assert_true(database, studio, tmp_path)
    assert undone, "some reorganisation removed what had been read"


def test_a_reorganisation_while_it_reads_leaves_nothing_of_the_former_chain(
    database: Database, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    following, read, times = follower(database, studio), LogReader.events, 0

    def events(reader: LogReader, *wanted: Any) -> Any:
        nonlocal times
        found = read(reader, *wanted)
        if times < 5:
            times += 1
            studio.reorganise(2)
            studio.mint(2)
        return found

    monkeypatch.setattr(LogReader, "events", events)
    studio.mint(3)
    studio.mint(3)
    following.follow()
    assert times == 5
    monkeypatch.undo()
    following.follow()
    assert_true(database, studio, tmp_path)


def test_a_reorganisation_deeper_than_the_kept_blocks_is_read_again(
    database: Database, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(chain_index, "KEPT_BLOCKS", 3)
    following = follower(database, studio, range_blocks=2)
    studio.mint(4)
    for _ in range(6):
        studio.act()
    following.follow()
    studio.reorganise(6)
    following.follow()
    assert "all is read again" in caplog.text
    assert_true(database, studio, tmp_path)


def test_a_contract_that_a_reorganisation_deploys_earlier_is_read_whole(
    database: Database, connection: Connection, tmp_path: Path
) -> None:
    studio = Studio(connection.web3, SEED)
    snapshot = studio.node("evm_snapshot")
    studio.node("anvil_mine", 5)
    terms, me = studio.terms, studio.maker.address

    def deploy() -> AssetContract:
        made = studio.send(lambda nonce: deployment_transaction(studio.web3, terms, sender=me, nonce=nonce))
        return AssetContract(studio.web3, str(made.contract_address))

    studio.collections = [deploy()]
    studio.mint(3)
    follower(database, studio).follow()
    studio.node("evm_revert", snapshot)
    assert deploy().address == studio.collections[0].address
    studio.mint(4)
    studio.node("anvil_mine", 12)
    follower(database, studio).follow()
    assert_true(database, studio, tmp_path)
    assert len(rows(database)["tokens"]) == 4
