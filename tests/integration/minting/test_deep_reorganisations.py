"""Reorganisations that are deeper than the confirmations: what was told as confirmed is followed to its final place."""

import random
import time

import pytest
from sqlalchemy import select

from chain.connection import ChainSettings, connect
from chain.signer import EnvironmentSigner
from chain.transactions import submit
from engine.app import Application
from engine.database import tables
from engine.database.mints import MintRecord
from engine.jobs import index
from engine.jobs.opening import start_worker
from engine.settings import EMBEDDED_CHAIN_ID
from tests.integration.minting.picky_contract import deployed_picky
from tests.integration.minting.recorded_chain import (
    RECIPIENTS,
    Minted,
    Open,
    all_ended,
    assert_agrees,
    history,
    reasons,
    status,
    versions_of_all,
    wait_for,
    wait_until_all_ended,
)
from tests.integration.node import KEYS, Anvil

pytestmark = pytest.mark.needs_anvil


def was_reopened(application: Application, mint: MintRecord) -> bool:
    told = history(application, mint)
    return "confirmed" in told[:-1]


def wait_until_all_are_final(application: Application) -> None:
    wait_for(lambda: application.deep_reorganisations.look() == 0 and all_ended(application))


@pytest.mark.parametrize("depth", range(1, 7))
def test_what_was_confirmed_and_is_removed_is_minted_once_in_the_end(
    anvil: Anvil,
    opened: Open,
    minted: Minted,
    chance: random.Random,
    monkeypatch: pytest.MonkeyPatch,
    depth: int,
) -> None:
    """One confirmation counts the transaction's own block, so every depth is too deep. The collection's deployment and
    the further signers' roles are removed as well."""
    monkeypatch.setattr(index, "EVERY_S", 0.2)
    application = opened(anvil.url, LORESPARK_PRIVATE_KEY=",".join(KEYS))
    anvil.ask("anvil_mine", hex(10))
    start_worker(application, ["mint", "index"])
    mints: list[MintRecord] = []
    turns = 0
    while turns < 3 or not any(was_reopened(application, mint) for mint in mints):
        assert turns < 12, "no reorganisation met a confirmed mint"
        mints += minted(application, chance.randint(1, 4), chance)
        wait_until_all_ended(application)
        anvil.ask("anvil_reorg", depth, [])
        time.sleep(chance.uniform(0, 0.5))
        turns += 1
    wait_until_all_are_final(application)
    assert_agrees(application, anvil, mints)


def test_what_a_deep_reorganisation_removes_is_sent_again(
    anvil: Anvil, opened: Open, minted: Minted, chance: random.Random
) -> None:
    application = opened(anvil.url)
    mints = minted(application, 1, chance)
    application.jobs.mint(mints[0].id)
    anvil.ask("anvil_mine", hex(6))
    mints += minted(application, 1, chance)
    application.jobs.mint(mints[1].id)
    anvil.ask("anvil_reorg", 3, [])
    assert application.deep_reorganisations.look() == 1
    assert status(application, mints[1]) == "sent"
    found = application.records.mint(mints[1].id)
    assert found is not None
    assert "deeper than LORESPARK_CONFIRMATIONS" in (found.error or "")
    assert (found.token_id, found.block_number) == (None, None)
    asset = application.records.asset(found.asset_id)
    assert asset is not None
    assert asset.owner is None
    assert not all_ended(application), "its job waits again"
    application.jobs.mint(mints[1].id)
    again = ["prepared", "signed", "sent", "mined", "confirmed", "sent", "mined", "confirmed"]
    assert history(application, mints[1]) == again
    assert history(application, mints[0]) == again[:5]
    assert application.deep_reorganisations.look() == 0
    assert_agrees(application, anvil, mints)


def test_what_is_mined_elsewhere_is_followed_there(
    anvil: Anvil, opened: Open, minted: Minted, chance: random.Random
) -> None:
    application = opened(anvil.url)
    mints = minted(application, 1, chance)
    application.jobs.mint(mints[0].id)
    anvil.ask("anvil_mine", hex(6))
    mints += minted(application, 1, chance)
    application.jobs.mint(mints[1].id)
    before = application.records.mint(mints[1].id)
    assert before is not None
    raw = next(row.raw for row in versions_of_all(application) if row.hash == before.tx_hash)
    anvil.ask("anvil_reorg", 5, [["0x" + raw.hex(), 1]])
    assert application.deep_reorganisations.look() == 1
    application.jobs.mint(mints[1].id)
    after = application.records.mint(mints[1].id)
    assert after is not None
    assert after.tx_hash == before.tx_hash
    assert after.block_number != before.block_number
    assert len(versions_of_all(application)) == 3, "nothing was signed for it again"
    assert_agrees(application, anvil, mints)


def test_nothing_is_opened_again_while_the_chain_stays(
    anvil: Anvil, opened: Open, minted: Minted, chance: random.Random
) -> None:
    application = opened(anvil.url)
    mints = minted(application, 3, chance)
    for mint in mints:
        application.jobs.mint(mint.id)
    assert application.deep_reorganisations.look() == 0
    anvil.ask("anvil_mine", hex(3))
    anvil.ask("anvil_reorg", 2, [])  # above them
    assert application.deep_reorganisations.look() == 0
    assert not any(was_reopened(application, mint) for mint in mints)
    assert_agrees(application, anvil, mints)


def test_a_batch_that_failed_in_a_removed_block_is_not_minted_after_its_halves(
    anvil: Anvil, opened: Open, minted: Minted, chance: random.Random
) -> None:
    other = EnvironmentSigner(KEYS[2])
    with connect(ChainSettings("anvil", EMBEDDED_CHAIN_ID, rpc_url=anvil.url)) as connection:
        picky = deployed_picky(
            connection.web3, EnvironmentSigner(KEYS[1]), EnvironmentSigner(KEYS[0]).address
        )
        application = opened(anvil.url, LORESPARK_CONTRACT=picky.address)
        asked = minted(application, 14, chance)
        mints = [mint for mint in asked if mint.recipient == RECIPIENTS[0]]
        anvil.ask("evm_setAutomine", False)
        look = application.mint_job.look
        assert look(mints[0].id) is not None
        bad = application.records.asset(mints[-1].asset_id)
        assert bad is not None
        fields = picky.transaction("dislike", bad.metadata_cid.digest, sender=other.address, nonce=0)
        dearer = {"maxPriorityFeePerGas": 9 * 10**9, "maxFeePerGas": 20 * 10**9}  # so that it is mined first
        submit(connection.web3, other.sign_transaction(fields | dearer))
    depth = int(anvil.ask("eth_blockNumber"), 16)
    anvil.ask("anvil_mine", hex(1))
    anvil.ask("evm_setAutomine", True)
    for mint in mints:
        wait_for(lambda: look(mint.id) is None)  # noqa: B023
    assert status(application, mints[-1]) == "failed"
    # Without the dislike, the batch that failed would be taken now.
    anvil.ask("anvil_reorg", int(anvil.ask("eth_blockNumber"), 16) - depth, [])
    assert application.deep_reorganisations.look() > 1
    for mint in mints:
        wait_for(lambda: look(mint.id) is None)  # noqa: B023
    first = versions_of_all(application)[0]
    assert (first.status, "reorganisation removed" in (first.reason or "")) == ("refused", True)
    with application.records.database.reading() as reading:
        empty = select(tables.transactions.c.nonce).where(tables.transactions.c.purpose == "empty")
        assert list(reading.scalars(empty)) == [first.nonce]
    good = [mint for mint in mints if status(application, mint) == "confirmed"]
    assert len(good) == len(mints) - 1
    assert any("deeper" in why for mint in good for why in reasons(application, mint))
    assert_agrees(application, anvil, good)
