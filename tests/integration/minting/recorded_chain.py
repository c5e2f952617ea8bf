"""What the records of a chain must say in the end, and waiting for that."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from chain.asset_contract import AssetContract
from chain.connection import ChainSettings, connect
from chain.transactions import receipt
from engine.app import Application
from engine.database import tables
from engine.database.mints import MintRecord, history_of
from engine.database.transactions import LIVING
from engine.settings import EMBEDDED_CHAIN_ID
from tests.integration.node import Anvil

WAIT_S = 60.0
RECIPIENTS = ("0x" + "21" * 20, "0x" + "22" * 20)

Open = Callable[..., Application]
Minted = Callable[..., list[MintRecord]]


def wait_for(what: Callable[[], Any], timeout_s: float = WAIT_S) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.02)
    pytest.fail(f"nothing came of it in {timeout_s:g} s")


def all_ended(application: Application) -> bool:
    with application.records.database.reading() as connection:
        left = connection.scalar(select(tables.jobs.c.number).where(tables.jobs.c.queue == "mint").limit(1))
    return left is None and not application.records.unfinished_mints(EMBEDDED_CHAIN_ID)


def wait_until_all_ended(application: Application) -> None:
    deadline = time.monotonic() + WAIT_S
    while not all_ended(application):
        if time.monotonic() > deadline:
            with application.records.database.reading() as connection:
                open_mints = connection.execute(
                    select(tables.mints).where(tables.mints.c.status != "confirmed")
                )
                sent = connection.execute(select(tables.transactions)).all()
                states = [(mint.id, mint.status, mint.error) for mint in open_mints]
            pytest.fail(
                f"left: {states}; {[(row.purpose, row.nonce, row.status, row.reason) for row in sent]}"
            )
        time.sleep(0.02)


@contextmanager
def meanwhile(
    act: Callable[[], object], chance: random.Random, pause_s: float, longest_s: float = WAIT_S
) -> Iterator[None]:
    """Does it again and again at random moments, at most for ``longest_s``."""
    ended, errors = threading.Event(), []

    def run() -> None:
        deadline = time.monotonic() + longest_s
        while not ended.wait(chance.uniform(0, pause_s)) and time.monotonic() < deadline:
            try:
                act()
            except BaseException as error:
                errors.append(error)
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert errors == []


# What a mint's status may become.
NEXT = {
    "prepared": {"signed", "failed"},
    "signed": {"sent", "prepared", "failed"},
    "sent": {"mined", "prepared", "failed"},
    "mined": {"confirmed", "sent", "signed"},
    "confirmed": {"sent"},  # a reorganisation deeper than the confirmations
}


def assert_agrees(application: Application, anvil: Anvil, mints: Sequence[MintRecord]) -> None:
    """One token for each mint, no gap among the nonces, and each record as the chain has it."""
    assert mints
    records = application.records
    settle(application, anvil)
    with connect(ChainSettings("anvil", EMBEDDED_CHAIN_ID, rpc_url=anvil.url)) as connection:
        web3 = connection.web3
        contract = AssetContract(web3, application.mint_job.contract().address)
        tokens = set()
        for asked in mints:
            mint = records.mint(asked.id)
            assert mint is not None
            assert (mint.status, mint.error) == ("confirmed", None), mint
            asset = records.asset(mint.asset_id)
            assert asset is not None
            token_id = int(mint.token_id or 0)
            tokens.add(token_id)
            assert contract.metadata_digest(token_id) == asset.metadata_cid.digest
            assert contract.owner_of(token_id) == mint.recipient == asset.owner
            found = receipt(web3, str(mint.tx_hash))
            assert found is not None
            assert (found.status, found.block_number) == (1, mint.block_number)
            assert token_id in contract.minted_ids(found)
            assert_history(application, mint)
        assert len(tokens) == len(mints) == contract.total_minted()
        with records.database.reading() as reading:
            signers = reading.execute(select(tables.signers)).all()
            sent = reading.execute(select(tables.transactions)).all()
        for signer in signers:
            took = sorted(
                row.nonce for row in sent if (row.sender, row.status) == (signer.address, "confirmed")
            )
            assert took == list(range(signer.next_nonce)), "a gap, or one nonce twice"
            assert web3.eth.get_transaction_count(signer.address) == signer.next_nonce
        for row in sent:
            found = receipt(web3, row.hash)
            assert (found is not None) == (row.status == "confirmed"), row
            if found is not None:
                assert (found.block_number, found.block_hash) == (row.block_number, row.block_hash)


def settle(application: Application, anvil: Anvil) -> None:
    """Lets what no mint waits for, such as what fills a gap, be confirmed too."""

    def is_settled() -> bool:
        anvil.ask("anvil_mine", hex(10))
        application.deep_reorganisations.look()
        with application.records.database.reading() as connection:
            living = tables.transactions.c.status.in_(LIVING)
            return connection.scalar(select(tables.transactions.c.number).where(living).limit(1)) is None

    wait_for(is_settled)


def assert_history(application: Application, mint: MintRecord) -> None:
    """Each change is there, in an order that can be, and with its time."""
    with application.records.database.reading() as reading:
        changes = history_of(reading, mint.id)
    states = [change.status for change in changes]
    assert states[0] == "prepared"
    assert states[-1] == "confirmed"
    assert all(after in NEXT[before] for before, after in pairwise(states)), states
    assert set(states) >= {"signed", "sent", "mined"}, states
    times = [change.at for change in changes]
    assert times == sorted(times)
    for before, change in pairwise(changes):
        assert (change.block_number is not None) == (change.status in ("mined", "confirmed")), change
        is_back = change.status not in FORWARD[FORWARD.index(before.status) :]
        assert not is_back or change.reason, "what goes back says why"


FORWARD = ("prepared", "signed", "sent", "mined", "confirmed")


def status(application: Application, mint: MintRecord) -> str:
    found = application.records.mint(mint.id)
    assert found is not None
    return found.status


def history(application: Application, mint: MintRecord) -> list[str]:
    with application.records.database.reading() as connection:
        return [change.status for change in history_of(connection, mint.id)]


def reasons(application: Application, mint: MintRecord) -> list[str]:
    with application.records.database.reading() as connection:
        return [change.reason or "" for change in history_of(connection, mint.id)]


def versions(application: Application, mint: MintRecord) -> list[Any]:
    own = tables.batch_mints.c.mint_id == mint.id
    batch = select(tables.batch_mints.c.batch_id).where(own).scalar_subquery()
    table = tables.transactions
    with application.records.database.reading() as connection:
        return list(
            connection.execute(select(table).where(table.c.purpose == batch).order_by(table.c.number))
        )


def versions_of_all(application: Application) -> list[Any]:
    table = tables.transactions
    with application.records.database.reading() as connection:
        return list(connection.execute(select(table).order_by(table.c.number)))
