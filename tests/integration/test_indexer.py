"""The index of a real anvil's logs: exact, after kills and refusals and with two at once."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from web3.providers import BaseProvider

from chain.connection import ChainSettings, connect
from chain.errors import NodeRefused
from chain.log_reader import LogReader
from engine.database.database import Database
from engine.indexer.follower import Follower
from tests.integration.indexing import SEED, TABLES, assert_true, follower, rows
from tests.studio import CHAIN_ID, Studio


def test_it_says_what_the_contracts_say(database: Database, studio: Studio, tmp_path: Path) -> None:
    for _ in range(40):
        studio.act()
    progress = follower(database, studio).follow()
    assert progress.done_block == progress.head_block == studio.web3.eth.block_number
    assert_true(database, studio, tmp_path)
    found = rows(database)
    assert all(found[table.name] for table in TABLES), "chance did everything at least once"
    assert {row[5] for row in found["token_changes"]} == {"metadata", "frozen", "recipe"}
    assert {row[4] for row in found["voucher_events"]} == {"claimed", "cancelled"}


def test_a_contract_that_is_named_later_is_read_from_its_beginning(
    database: Database, studio: Studio, tmp_path: Path
) -> None:
    for _ in range(10):
        studio.act()
    first: dict[str, str] = {studio.factory.address: "collections"}
    Follower(database, CHAIN_ID, LogReader(studio.web3), lambda: first).follow()
    studio.act()
    follower(database, studio, range_blocks=4).follow()
    studio.reorganise(3)
    follower(database, studio).follow()
    assert_true(database, studio, tmp_path)


def test_what_a_contract_says_that_is_none_of_its_business_means_nothing(
    database: Database, studio: Studio
) -> None:
    studio.mint(2)
    studio.cancel()
    studio.create_collection()
    sources = {
        studio.collections[0].address: "vouchers",
        studio.factory.address: "assets",
        studio.vouchers.address: "collections",
    }
    wrong: dict[str, str] = {str(address): kind for address, kind in sources.items()}
    Follower(database, CHAIN_ID, LogReader(studio.web3), lambda: wrong).follow()
    found = rows(database)
    assert [len(found.pop("indexed_contracts")), *map(len, found.values())] == [3, 0, 0, 0, 0]


class Strict(BaseProvider):
    """A node in front of another, which refuses wide ranges and long answers as public ones do."""

    def __init__(self, behind: BaseProvider, most_blocks: int, most_logs: int) -> None:
        super().__init__()
        self.behind, self.most_blocks, self.most_logs, self.refused = behind, most_blocks, most_logs, 0

    def make_request(self, method: Any, params: Any) -> Any:
        answer = self.behind.make_request(method, params)
        if method == "eth_getLogs":
            first, last = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
            if last - first >= self.most_blocks or len(answer["result"]) > self.most_logs:
                self.refused += 1
                return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "range too large"}}
        return answer


def test_a_node_that_refuses_wide_ranges_is_asked_for_narrower_ones(
    database: Database, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(15):
        studio.act()
    strict = Strict(studio.web3.provider, most_blocks=7, most_logs=6)
    monkeypatch.setattr(studio.web3, "provider", strict)
    follower(database, studio).follow()
    assert strict.refused > 3
    strict.most_logs = -1
    studio.node("anvil_mine", 1)
    with pytest.raises(NodeRefused, match="range too large"):
        follower(database, studio).follow()
    monkeypatch.undo()
    follower(database, studio).follow()
    assert_true(database, studio, tmp_path)


def follow_until_killed(
    opened: Callable[[], Database], url: str, sources: dict[str, str], steps: Any
) -> None:
    # A connection of its own: that of the parent would give both the other's answers.
    connection = connect(ChainSettings("anvil", CHAIN_ID, rpc_url=url))
    following = Follower(opened(), CHAIN_ID, LogReader(connection.web3, 2), lambda: sources)
    while True:
        try:
            following.step()
        except NodeRefused:  # of a block that a reorganisation has just removed
            continue
        steps.value += 1


def test_killed_at_any_moment_nothing_is_lost_or_doubled(
    opened: Callable[[], Database], studio: Studio, anvil_url: str, tmp_path: Path
) -> None:
    opened().close()
    chance, context, stepped = random.Random(SEED), multiprocessing.get_context("fork"), 0
    for _ in range(8):
        steps = context.Value("i", 0)
        child = context.Process(target=follow_until_killed, args=(opened, anvil_url, studio.sources, steps))
        child.start()
        for _ in range(3):
            studio.act()
        if chance.random() < 0.5:
            studio.reorganise(chance.randint(1, 6))
        time.sleep(chance.random() * 0.3)
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join(timeout=30)
        assert child.exitcode == -signal.SIGKILL
        stepped += steps.value
    assert stepped > 0
    database = opened()
    try:
        follower(database, studio).follow()
        assert_true(database, studio, tmp_path)
    finally:
        database.close()


def test_two_processes_at_once_write_everything_once(
    postgresql_url: str, studio: Studio, anvil_url: str, tmp_path: Path
) -> None:
    Database.connect(postgresql_url).close()
    context = multiprocessing.get_context("fork")
    steps = [context.Value("i", 0) for _ in range(2)]
    children = [
        context.Process(
            target=follow_until_killed,
            args=(lambda: Database.connect(postgresql_url), anvil_url, studio.sources, each),
        )
        for each in steps
    ]
    for child in children:
        child.start()
    try:
        for _ in range(15):
            studio.act()
            if studio.chance.random() < 0.3:
                studio.reorganise(studio.chance.randint(1, 6))
    finally:
        for child in children:
            assert child.exitcode is None, "neither failed"
            os.kill(child.pid or 0, signal.SIGKILL)
            child.join(timeout=30)
    assert all(each.value for each in steps)
    database = Database.connect(postgresql_url)
    try:
        follower(database, studio).follow()
        assert_true(database, studio, tmp_path)
    finally:
        database.close()


def test_ten_thousand_logs(database: Database, studio: Studio) -> None:
    for _ in range(40):
        studio.mint(250)
    told = []
    follower(database, studio).follow(told=lambda progress: told.append(progress.done_block))
    assert told == sorted(told)
    found = rows(database)
    assert (len(found["tokens"]), len(found["transfers"])) == (10_000, 10_000)
