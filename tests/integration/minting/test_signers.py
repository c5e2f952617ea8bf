"""Several keys that sign at once."""

import random

import pytest

from engine.jobs.opening import start_worker
from tests.integration.minting.recorded_chain import (
    Minted,
    Open,
    assert_agrees,
    versions,
    wait_until_all_ended,
)
from tests.integration.node import KEYS, Anvil

pytestmark = pytest.mark.needs_anvil


def test_signers_share_the_work_and_each_has_its_own_nonces(
    anvil: Anvil, opened: Open, minted: Minted
) -> None:
    application = opened(anvil.url, LORESPARK_PRIVATE_KEY=",".join(KEYS), LORESPARK_MINT_WINDOW_MS="0")
    first = minted(application, 1, random.Random(1))
    application.jobs.mint(first[0].id)
    application.mint_job._contract.minters(
        application.mint_job.contract()
    )  # the roles that it granted are there
    anvil.ask("evm_setAutomine", False)
    mints = []
    for _ in range(6):
        (mint,) = minted(application, 1, random.Random(1))
        assert application.mint_job.look(mint.id) is not None
        mints.append(mint)
    senders = [versions(application, mint)[0].sender for mint in mints]
    assert sorted(map(senders.count, set(senders))) == [2, 2, 2]
    anvil.ask("evm_setAutomine", True)
    anvil.ask("anvil_mine", hex(1))
    start_worker(application, ["mint"])
    wait_until_all_ended(application)
    assert_agrees(application, anvil, first + mints)
