"""Signed once, stored before it is sent, sent until the chain has it: on the real embedded chain."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from assets.asset import Asset
from chain.errors import NodeUnreachable, NonceTaken, ReceiptTimeout, TransactionRejected
from chain.transactions import next_nonce, submit
from engine.app import Application
from engine.errors import JobFailed, WrongChain
from engine.jobs import mint as mint_module
from engine.jobs import outbox as outbox_module
from engine.jobs.outbox import MAX_ATTEMPTS, Outbox
from engine.settings import Settings


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    with Application.open(settings) as opened:
        yield opened


@pytest.fixture
def asset(application: Application, add_asset: Callable[..., Asset]) -> Asset:
    return add_asset(application)


@pytest.fixture
def mint_id(application: Application, asset: Asset) -> str:
    """A mint that is prepared, in a collection that is deployed."""
    mint, _ = application.records.add_mint(asset, application.chain.signer.address, 31337)
    application.mint_job.ensure_contract(mint.id)
    return mint.id


def tokens(application: Application) -> int:
    return application.mint_job.contract().total_minted()


def finish(application: Application, mint_id: str) -> None:
    application.mint_job.confirm(mint_id, application.mint_job.deliver(mint_id))


def test_what_is_sent_was_stored_before(
    application: Application, mint_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: Any) -> None:
        raise NodeUnreachable("the line was cut")

    with monkeypatch.context() as patch:
        patch.setattr(outbox_module, "submit", cut)
        with pytest.raises(NodeUnreachable):
            application.mint_job.deliver(mint_id)
    stored = application.records.transaction(f"31337/{mint_id}")
    assert stored is not None
    assert tokens(application) == 0
    assert application.mint_job.deliver(mint_id) == stored.hash
    assert tokens(application) == 1


def test_what_was_sent_is_not_sent_or_signed_again(
    application: Application, mint_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tx_hash = application.mint_job.deliver(mint_id)

    def refuse(*_: Any) -> None:
        raise AssertionError("it was sent again")

    monkeypatch.setattr(application.connection.embedded, "send", refuse)
    monkeypatch.setattr(type(application.chain.signer), "sign_transaction", refuse)
    assert application.mint_job.deliver(mint_id) == tx_hash
    finish(application, mint_id)
    finish(application, mint_id)
    assert tokens(application) == 1
    assert application.unfinished() == 0


def test_a_nonce_that_another_user_of_the_key_took_is_replaced_once(
    application: Application, mint_id: str, asset: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer, web3 = application.chain.signer, application.connection.web3
    contract = application.mint_job.contract()

    def taken(_: Any, signed: Any) -> None:
        other = contract.transaction(
            "grantRoles", "0x" + "11" * 20, 2, sender=signer.address, nonce=next_nonce(web3, signer.address)
        )
        with monkeypatch.context() as patch:
            patch.setattr(outbox_module, "submit", submit)
            submit(web3, signer.sign_transaction(other))
        raise NodeUnreachable("the process died here")

    with monkeypatch.context() as patch:
        patch.setattr(outbox_module, "submit", taken)
        with pytest.raises(NodeUnreachable):
            application.mint_job.deliver(mint_id)
    finish(application, mint_id)
    finish(application, mint_id)
    first = application.records.transaction(f"31337/{mint_id}")
    second = application.records.transaction(f"31337/{mint_id}/2")
    assert first is not None
    assert second is not None
    assert second.nonce == first.nonce + 1
    assert application.records.transaction(f"31337/{mint_id}/3") is None
    assert tokens(application) == 1
    assert contract.metadata_digest(256) == asset.metadata_cid.digest


def test_a_nonce_that_is_always_taken_is_given_up(
    application: Application, mint_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    def taken(_: Any, signed: Any) -> None:
        attempts.append(signed)
        raise NonceTaken("the nonce is taken.")

    monkeypatch.setattr(outbox_module, "submit", taken)
    with pytest.raises(NonceTaken):
        application.mint_job.deliver(mint_id)
    assert len(attempts) == MAX_ATTEMPTS
    assert tokens(application) == 0


def test_chains_do_not_share_transactions(application: Application, mint_id: str) -> None:
    chain = application.chain
    tx_hash = application.mint_job.deliver(mint_id)
    elsewhere = Outbox(application.records, chain.connection.web3, chain.signer, 5)
    assert elsewhere._name(mint_id, 1) != chain.outbox._name(mint_id, 1)
    assert application.records.transaction(f"5/{mint_id}") is None
    assert tx_hash


@pytest.mark.parametrize("trouble", [NodeUnreachable, ReceiptTimeout])
def test_after_a_passing_trouble_the_same_mint_goes_on(
    application: Application, asset: Asset, monkeypatch: pytest.MonkeyPatch, trouble: type[Exception]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise trouble("not now; ask again later.")

    with monkeypatch.context() as patch:
        patch.setattr(mint_module, "wait_for_receipt", fail)
        application.records.set_contract(31337, deployed(application, asset))
        with pytest.raises(trouble, match="ask again later"):
            application.mint(asset.asset_id)
        assert application.resume() == [
            f"mint-{asset.asset_id}-1 could not be finished: not now; ask again later."
        ]
    assert application.unfinished() == 1
    minted = application.mint(asset.asset_id)
    assert (minted.mint.id, minted.mint.status, minted.already_minted) == (
        f"mint-{asset.asset_id}-1",
        "confirmed",
        False,
    )
    assert application.mint(asset.asset_id).already_minted
    assert tokens(application) == 1


def deployed(application: Application, asset: Asset) -> str:
    """A collection, deployed without waiting in the patched way."""
    from chain.collection import CollectionTerms, deployment_transaction  # noqa: PLC0415
    from chain.transactions import receipt  # noqa: PLC0415

    chain = application.chain
    assert chain.connection.embedded is not None
    chain.connection.embedded.fund(chain.signer.address, 10**18)
    terms = CollectionTerms(chain.signer.address, "Test", "TEST", "", minter=chain.signer.address)
    sent = chain.outbox.deliver(
        "test",
        lambda nonce: deployment_transaction(
            chain.connection.web3, terms, sender=chain.signer.address, nonce=nonce
        ),
    )
    found = receipt(chain.connection.web3, sent.hash)
    assert found is not None
    assert found.contract_address is not None
    return found.contract_address


def test_a_refusal_ends_the_mint_and_the_next_one_begins_anew(
    application: Application, asset: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise TransactionRejected(
            "The transaction was not sent because the node refused it; sign another one."
        )

    with monkeypatch.context() as patch:
        patch.setattr(outbox_module, "submit", refuse)
        with pytest.raises(JobFailed, match="the node refused it"):
            application.mint(asset.asset_id)
    assert application.unfinished() == 0
    # The refused deployment was stored and never sent; it is sent now.
    assert application.mint(asset.asset_id).mint.id == f"mint-{asset.asset_id}-2"
    assert tokens(application) == 1


def test_a_mint_of_another_chain_waits_for_its_chain(application: Application, asset: Asset) -> None:
    mint, _ = application.records.add_mint(asset, application.chain.signer.address, 5)
    assert application.unfinished() == 0
    with pytest.raises(WrongChain, match="belongs to chain 5, not to 31337; set LORESPARK_CHAIN_ID"):
        application.jobs.mint(mint.id)
    found = application.records.mint(mint.id)
    assert found is not None
    assert found.status == "prepared"
    assert application.records.contract(31337) is None
    assert application.mint(asset.asset_id).mint.chain_id == 31337
