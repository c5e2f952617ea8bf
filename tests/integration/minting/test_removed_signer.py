"""An account whose key is not in the settings any more, and whose transaction is still under way."""

import random
import time

import pytest

from chain.signer import EnvironmentSigner
from engine.app import Application
from engine.database.mints import MintRecord
from tests.integration.minting.recorded_chain import (
    Minted,
    Open,
    all_ended,
    assert_agrees,
    status,
    versions,
    wait_for,
)
from tests.integration.node import KEYS, Anvil

pytestmark = pytest.mark.needs_anvil

REMOVED = EnvironmentSigner(KEYS[1]).address
GWEI = 10**9


@pytest.fixture
def under_way(anvil: Anvil, opened: Open, minted: Minted, chance: random.Random) -> list[MintRecord]:
    """Two mints that wait to be mined, the first signed by a key that the settings lose then; and one confirmed."""
    application = opened(anvil.url, LORESPARK_PRIVATE_KEY=",".join(KEYS[:2]), LORESPARK_MINT_WINDOW_MS="0")
    mints = minted(application, 1, chance)
    application.jobs.mint(mints[0].id)
    contract = application.mint_job.contract()
    wait_for(lambda: len(application.mint_job._contract.minters(contract)) == 2)
    anvil.ask("evm_setAutomine", False)
    for _ in range(2):
        mints += minted(application, 1, chance)
        assert application.mint_job.look(mints[-1].id) is not None
    by_sender = {versions(application, mint)[0].sender: mint for mint in mints[1:]}
    assert len(by_sender) == 2
    application.close()
    return [by_sender.pop(REMOVED), *by_sender.values(), mints[0]]


def finish(application: Application, anvil: Anvil, mints: list[MintRecord]) -> None:
    for mint in mints:
        look = application.mint_job.look
        wait_for(lambda: anvil.ask("anvil_mine", hex(1)) or look(mint.id) is None)  # noqa: B023
    assert all_ended(application)


def error_of(application: Application, mint: MintRecord) -> str | None:
    found = application.records.mint(mint.id)
    assert found is not None
    return found.error


def test_its_transaction_is_still_followed_to_its_block(
    anvil: Anvil, opened: Open, minted: Minted, chance: random.Random, under_way: list[MintRecord]
) -> None:
    application = opened(anvil.url)
    assert REMOVED not in application.chain.outbox.addresses
    assert application.mint_job.look(under_way[0].id) is not None
    assert error_of(application, under_way[0]) is None, "there is nothing to do"
    finish(application, anvil, under_way)
    assert_agrees(application, anvil, under_way)


def test_its_transaction_is_sent_again_where_the_node_lost_it(
    anvil: Anvil, opened: Open, minted: Minted, chance: random.Random, under_way: list[MintRecord]
) -> None:
    application = opened(anvil.url)
    (sent,) = versions(application, under_way[0])
    anvil.ask("anvil_dropTransaction", sent.hash)
    assert anvil.ask("eth_getTransactionByHash", sent.hash) is None
    assert application.mint_job.look(under_way[0].id) is not None
    assert anvil.ask("eth_getTransactionByHash", sent.hash) is not None
    finish(application, anvil, under_way)
    assert [row.hash for row in versions(application, under_way[0])] == [sent.hash]
    assert_agrees(application, anvil, under_way)


def test_what_must_be_replaced_says_so_while_new_mints_go_on(
    anvil: Anvil, opened: Open, minted: Minted, chance: random.Random, under_way: list[MintRecord]
) -> None:
    application = opened(anvil.url, LORESPARK_STUCK_AFTER_S="1")
    stuck, look = under_way[0], application.mint_job.look
    anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(8 * GWEI))
    anvil.ask("anvil_mine", hex(1))
    assert status(application, stuck) == "sent"

    def told() -> bool:
        look(stuck.id)
        return "is no signer any more; name it again" in (error_of(application, stuck) or "")

    wait_for(told)
    assert REMOVED in (error_of(application, stuck) or "")
    others = minted(application, 3, chance)
    application.jobs.finish("mint", others[0].id, once=True)
    for mint in others:
        wait_for(lambda: anvil.ask("evm_mine") and look(mint.id) is None)  # noqa: B023
    assert status(application, stuck) == "sent"
    assert len(versions(application, stuck)) == 1
    application.close()
    # With its key again, it is replaced.
    again = opened(anvil.url, LORESPARK_STUCK_AFTER_S="1", LORESPARK_PRIVATE_KEY=",".join((KEYS[0], KEYS[1])))
    look_again = again.mint_job.look
    time.sleep(1)  # it counts as stuck
    wait_for(lambda: look_again(stuck.id) is None or len(versions(again, stuck)) > 1)
    finish(again, anvil, under_way)
    assert_agrees(again, anvil, [*under_way, *others])
