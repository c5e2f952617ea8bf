"""Vouchers on a real anvil that reorganises: never two tokens of an asset, and what the chain forgot is open again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from assets.asset import Asset
from chain.voucher import VoucherContract
from engine.app import Application
from engine.database.vouchers import QUEUE
from engine.errors import Conflict
from tests.conftest import ANVIL
from tests.integration.claiming import (
    PLAYER,
    claim,
    follow,
    handed_out,
    mints,
    opened,
    promise,
    read,
    sign,
    take_back,
    tokens_of,
    waiting,
)
from tests.integration.node import Anvil

pytestmark = pytest.mark.needs_anvil
OTHER = "0x" + "22" * 20


@pytest.fixture
def anvil(tmp_path: Path, skip_or_fail: Callable[[str], NoReturn]) -> Iterator[Anvil]:
    if not ANVIL.exists():
        skip_or_fail("anvil is not installed; run `npm ci --ignore-scripts` in chain/contracts")
    with Anvil(tmp_path) as node:
        yield node


@pytest.fixture
def application(tmp_path: Path, anvil: Anvil) -> Iterator[Application]:
    """One that takes a block for final at once, so that every reorganisation is deeper than it reckons with."""
    application = opened(tmp_path, anvil.url, confirmations=1)
    yield application
    application.close()


@pytest.fixture
def asset(application: Application, add_asset: Callable[..., Asset]) -> Asset:
    return add_asset(application)


def promised(application: Application, anvil: Anvil, asset: Asset, bearer: bool = False) -> str:
    """A voucher in its claimant's hands, some blocks after all that it needs on the chain."""
    voucher_id = promise(application, asset.asset_id, bearer)
    sign(application, voucher_id)
    anvil.ask("anvil_mine", 8)
    assert handed_out(application, voucher_id).handed_out_at is not None
    return voucher_id


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_a_claim_that_a_reorganisation_removed_is_open_again(
    application: Application, anvil: Anvil, asset: Asset, depth: int
) -> None:
    voucher_id = promised(application, anvil, asset)
    claim(anvil, read(application, voucher_id))
    anvil.ask("anvil_mine", depth - 1)
    follow(application)
    record = read(application, voucher_id)
    assert (record.status, record.token_id) == ("claimed", "256")

    anvil.ask("anvil_reorg", depth, [])
    follow(application)
    record = read(application, voucher_id)
    assert (record.status, record.token_id) == ("signed", None)
    assert "reorganisation" in str(record.error)
    assert [(each.status, each.asset_id) for each in mints(application)] == [("failed", asset.asset_id)]
    assert tokens_of(application, record.digest) == []
    with pytest.raises(Conflict, match="promised by the voucher"):
        application.records.add_mint(application.asset(asset.asset_id), OTHER, record.chain_id)
    assert waiting(application, "expire:") == [f"expire:{voucher_id}"]

    assert claim(anvil, record)
    follow(application)
    assert read(application, voucher_id).status == "claimed"
    (mint,) = mints(application)
    assert (mint.status, mint.error, mint.recipient.lower()) == ("confirmed", None, PLAYER)
    assert len(tokens_of(application, record.digest)) == 1


def test_a_claim_that_is_mined_anew_with_another_token_and_owner_is_followed(
    application: Application, anvil: Anvil, asset: Asset, add_asset: Callable[..., Asset]
) -> None:
    second = promise(application, add_asset(application, 2).asset_id)
    sign(application, second)
    voucher_id = promised(application, anvil, asset, bearer=True)
    handed_out(application, second)
    claim(anvil, read(application, voucher_id), to=PLAYER)
    follow(application)
    assert read(application, voucher_id).token_id == "256"
    anvil.ask("anvil_reorg", 1, [])
    claim(anvil, read(application, second))
    claim(anvil, read(application, voucher_id), to=OTHER)  # whoever has a bank note may be faster
    follow(application)
    assert (read(application, second).token_id, read(application, voucher_id).token_id) == ("256", "512")
    (mint,) = [each for each in mints(application) if each.asset_id == asset.asset_id]
    assert (mint.token_id, mint.recipient.lower(), mint.status) == ("512", OTHER, "confirmed")
    with application.records.database.reading() as connection:
        owner = connection.exec_driver_sql(
            f"SELECT owner FROM assets WHERE id = '{asset.asset_id}'"
        ).scalar_one()
    assert owner.lower() == OTHER


def test_a_claim_that_vanishes_while_a_cancellation_looks_is_cancelled_on_the_chain(
    application: Application, anvil: Anvil, asset: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was told as cancelled while anybody could still claim it: the asset would have had two tokens."""
    voucher_id = promised(application, anvil, asset)
    record = read(application, voucher_id)
    claim(anvil, record)
    take_back(application, voucher_id)
    is_used, asked = VoucherContract.is_used, []

    def and_then_vanishes(contract: VoucherContract, signer: str, nonce: int) -> bool:
        found = is_used(contract, signer, nonce)
        if not asked:
            asked.append(found)
            anvil.ask("anvil_reorg", 1, [])
        return found

    monkeypatch.setattr(VoucherContract, "is_used", and_then_vanishes)
    application.jobs.finish(QUEUE, f"cancel:{voucher_id}")
    assert asked == [True]
    assert read(application, voucher_id).status == "cancelled"
    contract = VoucherContract(application.connection.web3, str(record.contract))
    assert is_used(contract, str(record.signer), int(str(record.nonce)))
    assert not claim(anvil, record)
    follow(application)
    assert tokens_of(application, record.digest) == []


def test_a_cancellation_that_a_reorganisation_removed_is_made_again(
    application: Application, anvil: Anvil, asset: Asset
) -> None:
    voucher_id = promised(application, anvil, asset)
    record = read(application, voucher_id)
    take_back(application, voucher_id)
    application.jobs.finish(QUEUE, f"cancel:{voucher_id}")
    follow(application)
    anvil.ask("anvil_reorg", 2, [])
    contract = VoucherContract(application.connection.web3, str(record.contract))
    assert not contract.is_used(str(record.signer), int(str(record.nonce)))
    follow(application)
    assert contract.is_used(str(record.signer), int(str(record.nonce)))
    assert not claim(anvil, record)
    assert read(application, voucher_id).status == "cancelled"


def test_a_claim_of_a_cancelled_voucher_ends_what_promises_the_asset_again(
    application: Application, anvil: Anvil, asset: Asset
) -> None:
    first = promised(application, anvil, asset)
    record = read(application, first)
    take_back(application, first)
    application.jobs.finish(QUEUE, f"cancel:{first}")
    second = promise(application, asset.asset_id)
    sign(application, second)
    follow(application)
    anvil.ask("anvil_reorg", 3, [])
    assert claim(anvil, record), "the cancellation is gone"
    follow(application)
    assert read(application, first).status == "claimed"
    assert read(application, second).status == "cancelled", "nobody had read it"
    (mint,) = mints(application)
    assert (mint.id, mint.status) == (f"mint-{first}", "confirmed")
    assert len(tokens_of(application, record.digest)) == 1


def test_a_claim_in_a_block_before_the_one_it_was_signed_at_is_found(
    application: Application, anvil: Anvil, asset: Asset
) -> None:
    voucher_id = promise(application, asset.asset_id)
    sign(application, voucher_id)
    anvil.ask("anvil_mine", 8)
    again = promise(application, asset.asset_id)
    assert again == voucher_id
    head = application.connection.web3.eth.block_number
    record = handed_out(application, voucher_id)
    assert record.from_block is not None
    anvil.ask("anvil_rollback", 4)
    claim(anvil, record)
    assert application.connection.web3.eth.block_number < head
    take_back(application, voucher_id)
    application.jobs.finish(QUEUE, f"cancel:{voucher_id}")
    assert read(application, voucher_id).status == "claimed"
