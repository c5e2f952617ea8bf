"""Transactions on the embedded chain: signed once, sent until they are there, and past each other's nonces."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from assets.asset import Asset
from chain.asset_contract import AssetContract
from chain.errors import InsufficientFunds, NodeUnreachable, TransactionRejected
from chain.transactions import next_nonce, submit
from engine.app import Application
from engine.database import tables
from engine.database.mints import MintRecord, history_of
from engine.errors import JobFailed, WrongChain
from engine.jobs import mint as mint_module
from engine.jobs import outbox as outbox_module
from engine.jobs import sending as sending_module
from engine.settings import Settings

KEYS = ("11" * 32, "12" * 32)


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    with Application.open(settings) as opened:
        yield opened


@pytest.fixture
def mint(application: Application, add_asset: Callable[..., Asset]) -> MintRecord:
    """A mint that is prepared, in a collection that is deployed."""
    mint, _ = application.records.add_mint(add_asset(application), application.chain.signer.address, 31337)
    assert isinstance(application.mint_job._contract.ensure(), AssetContract)
    return mint


def tokens(application: Application) -> int:
    return application.mint_job.contract().total_minted()


def sent(application: Application) -> list[Any]:
    with application.records.database.reading() as connection:
        return list(connection.execute(select(tables.transactions).order_by(tables.transactions.c.number)))


def found(application: Application, mint: MintRecord) -> MintRecord:
    record = application.records.mint(mint.id)
    assert record is not None
    return record


def statuses(application: Application, mint: MintRecord) -> list[str]:
    with application.records.database.reading() as connection:
        return [change.status for change in history_of(connection, mint.id)]


def cut(*_: Any) -> None:
    raise NodeUnreachable("the line was cut.")


def test_what_is_sent_was_stored_before(
    application: Application, mint: MintRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sending_module, "submit", cut)
        with pytest.raises(NodeUnreachable):
            application.mint_job.look(mint.id)
    assert (found(application, mint).status, tokens(application)) == ("signed", 0)
    stored = sent(application)[-1]
    assert application.mint_job.look(mint.id) is None
    assert found(application, mint).tx_hash == stored.hash
    assert tokens(application) == 1
    assert statuses(application, mint) == ["prepared", "signed", "sent", "mined", "confirmed"]


def test_what_ended_is_neither_sent_nor_signed_again(
    application: Application, mint: MintRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert application.mint_job.look(mint.id) is None

    def refuse(*_: Any) -> None:
        raise AssertionError("it was done again")

    monkeypatch.setattr(application.connection.embedded, "send", refuse)
    monkeypatch.setattr(type(application.chain.signer), "sign_transaction", refuse)
    assert application.mint_job.look(mint.id) is None
    assert application.chain.outbox.follow(sent(application)[-1].purpose).status == "confirmed"
    assert tokens(application) == 1


def test_a_nonce_that_another_user_of_the_key_took_is_replaced_by_the_next(
    application: Application, mint: MintRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer, web3 = application.chain.signer, application.connection.web3
    contract = application.mint_job.contract()
    with monkeypatch.context() as patch:
        patch.setattr(sending_module, "submit", cut)
        with pytest.raises(NodeUnreachable):
            application.mint_job.look(mint.id)
    nonce = next_nonce(web3, signer.address)
    other = contract.transaction("grantRoles", "0x" + "11" * 20, 2, sender=signer.address, nonce=nonce)
    submit(web3, signer.sign_transaction(other))
    assert application.mint_job.look(mint.id) is not None  # noticed
    waiting = found(application, mint)
    assert waiting.status == "signed"
    assert application.mint_job.look(mint.id) == 0.0  # and sure
    assert (found(application, mint).status, tokens(application)) == ("prepared", 0)
    assert "took its nonce" in (found(application, mint).error or "")
    assert application.mint_job.look(mint.id) is None
    _, first, second = sent(application)
    assert (first.nonce, first.status) == (nonce, "lost")
    assert (second.nonce, second.status) == (nonce + 1, "confirmed")
    assert tokens(application) == 1
    assert (found(application, mint).status, found(application, mint).error) == ("confirmed", None)


def test_what_no_node_will_ever_take_leaves_no_gap(
    application: Application,
    mint: MintRecord,
    add_asset: Callable[..., Asset],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = []

    def refuse(web3: Any, signed: Any) -> None:
        if not refused or signed.hash in refused:
            refused.append(signed.hash)
            raise TransactionRejected(
                "The transaction was not sent because the node refused it: intrinsic gas."
            )
        submit(web3, signed)

    monkeypatch.setattr(sending_module, "submit", refuse)
    assert application.mint_job.look(mint.id) is None
    ended = found(application, mint)
    assert (ended.status, "intrinsic gas" in (ended.error or "")) == ("failed", True)
    _, first, filler = sent(application)
    assert (first.status, filler.purpose, filler.status) == ("refused", "empty", "confirmed")
    assert (filler.nonce, filler.replaces) == (first.nonce, first.hash)
    other, _ = application.records.add_mint(
        add_asset(application, 2), application.chain.signer.address, 31337
    )
    assert application.mint_job.look(other.id) is None
    assert sent(application)[-1].nonce == first.nonce + 1
    assert (found(application, other).status, tokens(application)) == ("confirmed", 1)


def test_a_deployment_that_is_refused_is_tried_anew_by_the_next_mint(
    application: Application, add_asset: Callable[..., Asset], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []

    def refuse(web3: Any, signed: Any) -> None:
        if not refused or signed.hash in refused:
            refused.append(signed.hash)
            raise TransactionRejected(
                "The transaction was not sent because the node refused it: intrinsic gas."
            )
        submit(web3, signed)

    monkeypatch.setattr(sending_module, "submit", refuse)
    asset = add_asset(application)
    with pytest.raises(JobFailed, match="intrinsic gas"):
        application.mint(asset.asset_id)
    assert application.unfinished() == 0
    assert application.mint(asset.asset_id).mint.id == f"mint-{asset.asset_id}-2"
    assert tokens(application) == 1


def test_an_earlier_nonce_that_was_never_sent_goes_first(
    application: Application,
    mint: MintRecord,
    add_asset: Callable[..., Asset],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sending_module, "submit", cut)
        with pytest.raises(NodeUnreachable):
            application.mint_job.look(mint.id)
    with application.records.database.writing() as connection:  # as where the chain counts what waits
        own = tables.signers.c.chain_id == 31337
        nonce = connection.scalar(select(tables.signers.c.next_nonce).where(own))
        connection.execute(tables.signers.update().where(own).values(next_nonce=nonce + 2))
    other, _ = application.records.add_mint(
        add_asset(application, 2), application.chain.signer.address, 31337
    )
    assert application.mint_job.look(other.id) is None
    assert application.mint_job.look(mint.id) is None
    by_nonce = {row.nonce: row for row in sent(application)}
    assert sorted(by_nonce) == list(range(nonce + 3))
    assert [by_nonce[each].purpose for each in (nonce, nonce + 1)] == ["empty", "empty"]
    assert tokens(application) == 2


def test_an_account_without_coins_waits_for_some(
    application: Application, mint: MintRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poor(*_: Any) -> None:
        raise InsufficientFunds("its sender cannot pay for it; send coins.")

    with monkeypatch.context() as patch:
        patch.setattr(sending_module, "submit", poor)
        with pytest.raises(InsufficientFunds):
            application.mint_job.look(mint.id)
    assert found(application, mint).status == "signed"
    assert application.mint_job.look(mint.id) is None
    assert len(sent(application)) == 2


def test_one_mint_that_the_contract_refuses_fails_alone(
    application: Application,
    mint: MintRecord,
    add_asset: Callable[..., Asset],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The refusal is decided before signing here; tests/integration/minting/test_batches.py has one that is mined."""
    me = application.chain.signer.address
    mints = [mint] + [
        application.records.add_mint(add_asset(application, seed), me, 31337)[0] for seed in range(2, 8)
    ]
    bad = application.records.asset(mints[3].asset_id)
    assert bad is not None
    digests_of = mint_module.digests_of

    def with_a_bad_one(*arguments: Any) -> list[bytes]:
        return [bytes(32) if d == bad.metadata_cid.digest else d for d in digests_of(*arguments)]

    monkeypatch.setattr(mint_module, "digests_of", with_a_bad_one)
    for each in mints:
        for _ in range(8):
            if application.mint_job.look(each.id) is None:
                break
    assert [found(application, each).status for each in mints].count("confirmed") == 6
    ended = found(application, mints[3])
    assert (ended.status, "digest" in (ended.error or "")) == ("failed", True)
    assert tokens(application) == 6


def test_who_signs_second_for_a_purpose_signs_nothing(
    application: Application, mint: MintRecord, settings: Settings
) -> None:
    outbox = application.chain.outbox
    built = []

    def build(nonce: int) -> dict[str, Any]:
        me = application.chain.signer.address
        if not built:  # another process gets in between
            built.append(nonce)
            with application.records.database.writing() as connection:
                values = {**dict(sent(application)[0]._mapping), "purpose": "twice", "hash": "0x" + "01" * 32}
                del values["number"]
                connection.execute(tables.transactions.insert().values(**values | {"status": "signed"}))
        return application.mint_job.contract().mint_transaction(me, bytes([1] * 32), sender=me, nonce=nonce)

    before = len(sent(application))
    outbox.sign("twice", build, application.chain.signer.address)
    assert len(sent(application)) == before + 1
    assert sent(application)[-1].hash == "0x" + "01" * 32


def test_a_mint_of_another_chain_waits_for_its_chain(
    application: Application, add_asset: Callable[..., Asset]
) -> None:
    mint, _ = application.records.add_mint(add_asset(application), application.chain.signer.address, 5)
    assert application.unfinished() == 0
    with pytest.raises(WrongChain, match="belongs to chain 5, not to 31337; set LORESPARK_CHAIN_ID"):
        application.jobs.mint(mint.id)
    assert found(application, mint).status == "prepared"
    assert application.records.contract(31337) is None


def test_after_a_passing_trouble_the_same_mint_goes_on(
    application: Application, mint: MintRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(outbox_module, "receipt", cut)
        with pytest.raises(NodeUnreachable, match="the line was cut"):
            application.mint(mint.asset_id)
        assert application.resume() == [f"{mint.id} could not be finished: the line was cut."]
    assert application.unfinished() == 1
    minted = application.mint(mint.asset_id)
    assert (minted.mint.id, minted.mint.status, minted.already_minted) == (mint.id, "confirmed", False)
    assert application.mint(mint.asset_id).already_minted
    assert tokens(application) == 1


def test_further_keys_are_granted_the_role_and_share_the_work(
    settings: Settings, add_asset: Callable[..., Asset]
) -> None:
    environment = {"LORESPARK_DATA_DIR": str(settings.data_dir), "LORESPARK_PRIVATE_KEY": ",".join(KEYS)}
    with Application.open(Settings.from_environment(environment)) as application:
        for seed in range(1, 4):
            application.mint(add_asset(application, seed).asset_id)
        contract: AssetContract = application.mint_job.contract()
        assert all(contract.may_mint(address) for address in application.chain.outbox.addresses)
        assert {row.purpose.split("/")[0] for row in sent(application)} >= {"deploy", "grant"}
        assert all(row.status != "lost" for row in sent(application))
