"""Mints that share a transaction."""

import random

import pytest

from chain.connection import ChainSettings, connect
from chain.signer import EnvironmentSigner
from chain.transactions import receipt, submit
from engine.jobs.opening import start_worker
from engine.settings import EMBEDDED_CHAIN_ID
from tests.integration.minting.picky_contract import deployed_picky
from tests.integration.minting.recorded_chain import (
    RECIPIENTS,
    Minted,
    Open,
    assert_agrees,
    reasons,
    versions_of_all,
    wait_for,
    wait_until_all_ended,
)
from tests.integration.node import KEYS, Anvil

pytestmark = pytest.mark.needs_anvil


def test_mints_that_wait_together_share_a_page(anvil: Anvil, opened: Open, minted: Minted) -> None:
    application = opened(anvil.url)
    mints = minted(application, 20, random.Random(1))
    application.jobs.mint(mints[0].id)
    together = [mint for mint in mints if mint.recipient == mints[0].recipient]
    found = [application.records.mint(mint.id) for mint in together]
    assert {mint.tx_hash for mint in found if mint} == {found[0].tx_hash if found[0] else None}
    ids = sorted(int(str(mint.token_id)) for mint in found if mint)
    assert ids == [256 + place for place in range(len(found))]
    start_worker(application, ["mint"])
    wait_until_all_ended(application)
    assert len({str(application.records.mint(mint.id).tx_hash) for mint in mints}) == 2
    assert_agrees(application, anvil, mints)


def test_one_mint_that_a_mined_batch_fails_by_fails_alone(anvil: Anvil, opened: Open, minted: Minted) -> None:
    maker, other = EnvironmentSigner(KEYS[1]), EnvironmentSigner(KEYS[2])
    with connect(ChainSettings("anvil", EMBEDDED_CHAIN_ID, rpc_url=anvil.url)) as connection:
        picky = deployed_picky(connection.web3, maker, EnvironmentSigner(KEYS[0]).address)
        application = opened(anvil.url, LORESPARK_CONTRACT=picky.address)
        mints = [
            mint for mint in minted(application, 12, random.Random(1)) if mint.recipient == RECIPIENTS[0]
        ]
        assert len(mints) > 3
        anvil.ask("evm_setAutomine", False)
        look = application.mint_job.look
        assert look(mints[0].id) is not None
        bad = application.records.asset(mints[2].asset_id)
        assert bad is not None
        fields = picky.transaction("dislike", bad.metadata_cid.digest, sender=other.address, nonce=0)
        dearer = {"maxPriorityFeePerGas": 9 * 10**9, "maxFeePerGas": 20 * 10**9}  # so that it is mined first
        submit(connection.web3, other.sign_transaction(fields | dearer))
    anvil.ask("anvil_mine", hex(1))
    anvil.ask("evm_setAutomine", True)
    for mint in mints:
        wait_for(lambda: look(mint.id) is None)  # noqa: B023
    refused = application.records.mint(mints[2].id)
    assert refused is not None
    assert refused.status == "failed"
    assert "Its batch was split" in " ".join(reasons(application, mints[0]))
    (first, *_) = versions_of_all(application)
    assert receipt(application.connection.web3, first.hash).status == 0
    assert_agrees(application, anvil, [mint for mint in mints if mint.id != refused.id])
