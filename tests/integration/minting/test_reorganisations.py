"""Blocks that are taken back while mints wait to be final."""

import random
import time

import pytest

from engine.database.mints import MintRecord, history_of
from engine.jobs.opening import start_worker
from tests.integration.minting.recorded_chain import (
    Minted,
    Open,
    assert_agrees,
    history,
    meanwhile,
    status,
    wait_for,
    wait_until_all_ended,
)
from tests.integration.node import Anvil

pytestmark = pytest.mark.needs_anvil


@pytest.mark.parametrize("depth", range(1, 7))
def test_through_reorganisations_each_mint_has_one_token(
    anvil: Anvil, opened: Open, minted: Minted, chance: random.Random, depth: int
) -> None:
    application = opened(anvil.url, LORESPARK_CONFIRMATIONS="8")
    anvil.ask("anvil_mine", hex(10))
    reorganised: list[int] = []  # how many transactions each removed

    def reorganise() -> None:
        if len(reorganised) < 12 or not any(reorganised):
            head = int(anvil.ask("eth_blockNumber"), 16)
            blocks = [anvil.ask("eth_getBlockByNumber", hex(head - back), False) for back in range(depth)]
            anvil.ask("anvil_reorg", depth, [])
            reorganised.append(sum(len(block["transactions"]) for block in blocks))

    start_worker(application, ["mint"])
    mints: list[MintRecord] = []
    with meanwhile(lambda: anvil.ask("anvil_mine", hex(1)), random.Random(depth), 0.3):
        with meanwhile(reorganise, chance, 0.5):
            while len(reorganised) < 12 or not any(reorganised):
                assert len(mints) < 200, "no reorganisation met a mint"
                mints += minted(application, 2, chance)
                time.sleep(chance.uniform(0, 0.5))
        wait_until_all_ended(application)
    assert_agrees(application, anvil, mints)


def test_what_a_reorganisation_removes_is_followed_to_its_final_block(
    anvil: Anvil, opened: Open, minted: Minted
) -> None:
    application = opened(anvil.url)
    first = minted(application, 1, random.Random(1))
    application.jobs.mint(first[0].id)
    application.close()
    again = opened(anvil.url, LORESPARK_CONFIRMATIONS="4")
    anvil.ask("anvil_mine", hex(3))
    (mint,) = minted(again, 1, random.Random(2))
    look = again.mint_job.look
    wait_for(lambda: look(mint.id) is not None and status(again, mint) == "mined")
    anvil.ask("anvil_reorg", 1, [])
    assert look(mint.id) is not None
    assert history(again, mint)[-2:] == ["sent", "mined"]
    with again.records.database.reading() as connection:
        reasons = [change.reason for change in history_of(connection, mint.id)]
    assert any("reorganisation" in reason for reason in reasons if reason)
    anvil.ask("anvil_mine", hex(4))
    assert look(mint.id) is None
    assert history(again, mint) == ["prepared", "signed", "sent", "mined", "sent", "mined", "confirmed"]
    assert_agrees(again, anvil, [*first, mint])
