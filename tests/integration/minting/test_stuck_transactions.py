"""Transactions that nobody mines at their fee."""

import random
import time

import pytest

from tests.integration.minting.recorded_chain import (
    Minted,
    Open,
    assert_agrees,
    versions,
    wait_for,
)
from tests.integration.node import Anvil

pytestmark = pytest.mark.needs_anvil


def test_a_stuck_transaction_is_replaced_at_a_higher_fee_up_to_the_ceiling(
    anvil: Anvil, opened: Open, minted: Minted
) -> None:
    application = opened(anvil.url, LORESPARK_STUCK_AFTER_S="1", LORESPARK_MAX_FEE_GWEI="30")
    mints = minted(application, 1, random.Random(1))
    application.jobs.mint(mints[0].id)
    anvil.ask("evm_setAutomine", False)
    mints += minted(application, 1, random.Random(2))
    look, waiting = application.mint_job.look, mints[1]
    assert look(waiting.id) is not None
    gwei = 10**9
    # Dearer than what was offered and less than the ceiling: it takes replacing.
    anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(8 * gwei))
    anvil.ask("anvil_mine", hex(1))
    wait_for(lambda: look(waiting.id) is not None and len(versions(application, waiting)) >= 2)
    older, newer = versions(application, waiting)[:2]
    assert newer.replaces == older.hash
    assert newer.nonce == older.nonce
    for name in ("max_fee_per_gas_wei", "max_priority_fee_per_gas_wei"):
        assert getattr(newer, name) >= getattr(older, name) * 1.1
    # Dearer than the ceiling: it stops, and says so.
    anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(100 * gwei))
    anvil.ask("anvil_mine", hex(1))

    def told() -> bool:
        look(waiting.id)
        mint = application.records.mint(waiting.id)
        return mint is not None and "LORESPARK_MAX_FEE_GWEI allows (30 gwei a gas)" in (mint.error or "")

    wait_for(told)
    count = len(versions(application, waiting))
    assert all(row.max_fee_per_gas_wei <= 30 * gwei for row in versions(application, waiting))
    time.sleep(1.2)
    assert told()
    assert len(versions(application, waiting)) == count
    anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(gwei))
    anvil.ask("anvil_mine", hex(1))
    wait_for(lambda: anvil.ask("anvil_mine", hex(1)) or look(waiting.id) is None)
    assert_agrees(application, anvil, mints)
