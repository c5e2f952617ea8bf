"""Nodes that drop, restart, answer late, twice, not at all or not in JSON."""

import random
import time
from typing import Any

import pytest

from engine.jobs.opening import start_worker
from tests.integration.minting.recorded_chain import (
    Minted,
    Open,
    all_ended,
    assert_agrees,
    meanwhile,
    wait_for,
    wait_until_all_ended,
)
from tests.integration.node import FAULTS, KEYS, Anvil, Proxy

pytestmark = pytest.mark.needs_anvil


@pytest.mark.parametrize("turn", range(3))
def test_what_the_node_drops_is_sent_again(
    anvil: Anvil, opened: Open, minted: Minted, chance: random.Random, turn: int
) -> None:
    application = opened(anvil.url, LORESPARK_CONFIRMATIONS="2", LORESPARK_PRIVATE_KEY=",".join(KEYS))
    anvil.ask("evm_setAutomine", False)
    dropped = []

    def drop() -> None:
        pending = anvil.ask("txpool_content")["pending"]
        hashes = [sent["hash"] for sender in pending.values() for sent in sender.values()]
        if hashes and len(dropped) < 20:
            dropped.append(anvil.ask("anvil_dropTransaction", chance.choice(hashes)))

    start_worker(application, ["mint"])
    with meanwhile(lambda: anvil.ask("anvil_mine", hex(1)), random.Random(turn), 0.3):
        with meanwhile(drop, chance, 0.05):
            mints = minted(application, 12, chance)

            def more_dropped() -> bool:
                if all_ended(application):
                    mints.extend(minted(application, 3, chance))
                return len(dropped) >= 5

            wait_for(more_dropped)
        wait_until_all_ended(application)
    assert len(dropped) >= 5
    assert_agrees(application, anvil, mints)


@pytest.mark.parametrize("turn", range(3))
def test_through_restarts_of_the_node_each_mint_has_one_token(
    anvil: Anvil, opened: Open, minted: Minted, chance: random.Random, turn: int
) -> None:
    application = opened(anvil.url)
    start_worker(application, ["mint"])
    mints = []
    for _ in range(3):
        mints += minted(application, 3, chance)
        time.sleep(chance.uniform(0, 0.4))
        anvil.stop()
        mints += minted(application, 2, chance)
        anvil.start()
    wait_until_all_ended(application)
    assert_agrees(application, anvil, mints)


@pytest.mark.parametrize("turn", range(2))
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_through_a_node_that_fails_each_mint_has_one_token(
    anvil: Anvil, opened: Open, minted: Minted, chance: random.Random, fault: Any, turn: int
) -> None:
    with Proxy(anvil.url, chance.randrange(2**32), (fault,)) as proxy:
        application = opened(proxy.url)
        proxy.rate = 0.1 if fault.__name__ == "late" else 0.3
        start_worker(application, ["mint"])
        mints = minted(application, 5, chance)
        time.sleep(1.0)
        mints += minted(application, 3, chance)
        wait_until_all_ended(application)
        while "eth_sendRawTransaction" not in proxy.met:
            assert len(mints) < 200, "no fault met a transaction"
            mints += minted(application, 2, chance)
            wait_until_all_ended(application)
        proxy.rate = 0.0
        assert proxy.met.count("eth_sendRawTransaction") >= 1
        assert_agrees(application, anvil, mints)


def test_where_one_node_fails_the_next_is_asked(anvil: Anvil, opened: Open, minted: Minted) -> None:
    with Proxy(anvil.url, 1) as first, Proxy(anvil.url, 1) as second:
        application = opened(f"{first.url}, {second.url}")
        (mint,) = minted(application, 1, random.Random(1))
        application.jobs.mint(mint.id)
        assert set(second.asked) == {"eth_chainId"}, "it was checked at the start and not needed since"
        first.rate = 1.0
        (other,) = minted(application, 1, random.Random(1))
        application.jobs.mint(other.id)
        assert "eth_sendRawTransaction" in second.asked
        assert_agrees(application, anvil, [mint, other])
