"""Vouchers whose server is killed at any moment on a real anvil that reorganises: one token of an asset at most."""

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import select

from assets.asset import Asset
from chain.errors import ChainError
from chain.voucher import VoucherContract
from engine.app import Application
from engine.database import tables
from engine.database.vouchers import QUEUE, VoucherRecord
from engine.errors import Conflict, EngineError
from tests.conftest import ANVIL
from tests.integration.claiming import (
    claim,
    follow,
    handed_out,
    opened,
    promise,
    read,
    take_back,
    tokens_of,
    waiting,
)
from tests.integration.node import Anvil

pytestmark = pytest.mark.needs_anvil
CONFIRMATIONS = 4
DEEPEST = CONFIRMATIONS - 1  # what is final stays
ROUNDS = 8
LONGEST_S = 1.0  # about what signing the first voucher takes, the contracts' deployment included
WAIT_S = 120.0  # on a machine that does much else
LATER_S = 0.2  # longer each time, so that the last rounds get to claims
SEED = 20_261_125


@pytest.fixture
def anvil(tmp_path: Path, skip_or_fail: Callable[[str], NoReturn]) -> Iterator[Anvil]:
    if not ANVIL.exists():
        skip_or_fail("anvil is not installed; run `npm ci --ignore-scripts` in chain/contracts")
    with Anvil(tmp_path) as node:
        yield node


@contextmanager
def mining(anvil: Anvil) -> Iterator[None]:
    """Blocks come all the time, as on a chain that others use."""
    ended = threading.Event()

    def mine() -> None:
        while not ended.wait(0.05):
            anvil.ask("evm_mine")

    thread = threading.Thread(target=mine)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def work_until_killed(folder: Path, url: str) -> None:
    """What a server's worker does, for ever."""
    application = opened(folder, url, CONFIRMATIONS)
    while True:
        work(application)


def work(application: Application) -> None:
    """Every job that is due, each once; what the chain keeps from going on is tried again."""
    with suppress(ChainError, EngineError):
        follow(application)
    for record_id in waiting(application):
        if not record_id.startswith("expire:"):
            with suppress(ChainError, EngineError):
                application.jobs.finish(QUEUE, record_id, once=True)


def vouchers(application: Application) -> list[VoucherRecord]:
    with application.records.database.reading() as connection:
        return [VoucherRecord(**row._mapping) for row in connection.execute(select(tables.vouchers))]


def test_killed_at_any_moment_an_asset_has_one_token_at_most(
    tmp_path: Path, anvil: Anvil, add_asset: Callable[..., Asset]
) -> None:
    chance, context = random.Random(SEED), multiprocessing.get_context("fork")
    application = opened(tmp_path, anvil.url, CONFIRMATIONS)
    assets = [add_asset(application, seed).asset_id for seed in (1, 2, 3)]
    for round_ in range(ROUNDS):
        for asset_id in assets:
            with suppress(Conflict):  # it is claimed
                promise(application, asset_id)
        application.close()
        child = context.Process(target=work_until_killed, args=(tmp_path, anvil.url))
        child.start()
        with mining(anvil):
            time.sleep(0.3 + chance.uniform(0, LONGEST_S) + round_ * LATER_S)
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join(timeout=30)
        assert child.exitcode == -signal.SIGKILL, "it did not fail before"
        application = opened(tmp_path, anvil.url, CONFIRMATIONS)
        for record in vouchers(application):
            if record.status == "signed" and chance.random() < 0.7:
                record = handed_out(application, record.id)
            if record.handed_out_at is not None and chance.random() < 0.5:
                claim(anvil, record)
            if read(application, record.id).status in ("prepared", "signed") and chance.random() < 0.4:
                take_back(application, record.id)
        if chance.random() < 0.6:
            anvil.ask("anvil_reorg", chance.randint(1, DEEPEST), [])
    try:
        with mining(anvil):
            settle(application)
            assert_true(application, assets)
            for asset_id in assets:
                with suppress(Conflict):
                    promise(application, asset_id)
            settle(application)
            for record in vouchers(application):
                if record.status == "signed":
                    claim(anvil, handed_out(application, record.id))
            settle(application)
        assert_true(application, assets)
        claimed = [each.asset_id for each in vouchers(application) if each.status == "claimed"]
        assert sorted(claimed) == sorted(assets), "in the end each asset is one token"
    finally:
        application.close()


def settle(application: Application) -> None:
    """Works until nothing is left to do but to wait for deadlines."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        work(application)
        if all(each.startswith("expire:") for each in waiting(application)):
            break
    else:
        pytest.fail(
            f"left: {waiting(application)}; {[(each.id, each.error) for each in vouchers(application)]}"
        )
    head = application.connection.web3.eth.block_number + CONFIRMATIONS
    while application.connection.web3.eth.block_number < head and time.monotonic() < deadline:
        time.sleep(0.05)
    work(application)


def assert_true(application: Application, assets: list[str]) -> None:
    """An asset has one token, or a voucher that may become one, or nothing that anybody could still claim."""
    found = vouchers(application)
    for asset_id in assets:
        own = [each for each in found if each.asset_id == asset_id]
        tokens = {token for each in own for token in tokens_of(application, each.digest)}
        assert len(tokens) <= 1, [(each.id, each.status) for each in own]
        open_ = [each for each in own if each.handed_out_at is not None and not is_used(application, each)]
        assert len(open_) + len(tokens) <= 1, [(each.id, each.status, each.nonce) for each in own]
        assert all(each.status == "signed" for each in open_)
        assert [each.status for each in own].count("claimed") == len(tokens)
    nonces = [each.nonce for each in found if each.nonce is not None]
    assert len(set(nonces)) == len(nonces)


def is_used(application: Application, record: VoucherRecord) -> bool:
    contract = VoucherContract(application.connection.web3, str(record.contract))
    return contract.is_used(str(record.signer), int(str(record.nonce)))
