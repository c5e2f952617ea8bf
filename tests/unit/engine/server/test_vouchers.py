"""Vouchers from the promise to the token, on the embedded chain."""

from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from starlette.testclient import TestClient

from assets.asset import Asset
from chain.asset_contract import MINTER_ROLE, VOUCHER_ROLE, AssetContract
from chain.collection import CollectionTerms, deployment_transaction
from chain.voucher import VoucherContract
from engine.app import Application
from engine.database.claims import voucher_claimed
from engine.jobs.delivered import delivered
from engine.jobs.voucher_contract import ClaimContract
from tests.unit.engine.server.promising import (
    TO,
    claim,
    problem,
    promised,
    row,
    send,
    work,
)


def test_a_voucher_is_all_that_it_takes_to_claim_the_asset(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    made = claim(client, asset.asset_id, studio)
    assert (made.status_code, made.json()["status"], made.json()["promise"]) == (202, "prepared", None)
    assert made.headers["Location"] == made.json()["links"]["self"]
    work(application, made.json()["id"])
    voucher = client.get(made.headers["Location"], headers=studio).json()
    promise = voucher["promise"]
    signable = encode_typed_data(full_message=promise["typed_data"])
    recovered = Account.recover_message(signable, signature=promise["signature"])
    assert recovered == promise["signer"] == application.signer.address
    assert promise["typed_data"]["message"]["recipient"].lower() == TO

    send(application, promise["transaction"])
    tokens = AssetContract(application.connection.web3, voucher["collection"])
    contract = VoucherContract(application.connection.web3, voucher["contract"])
    head = application.connection.web3.eth.block_number
    done = contract.claim_of(voucher["collection"], promise["signer"], int(voucher["nonce"]), 0, head)
    assert done is not None
    assert done.recipient == tokens.owner_of(done.token_id)
    assert tokens.metadata_digest(done.token_id) == asset.metadata_cid.digest

    signer, nonce = promise["signer"], int(voucher["nonce"])
    for _ in range(2):  # whoever follows the chain may see it twice
        with application.records.database.writing() as connection:
            assert voucher_claimed(connection, voucher["chain_id"], signer, nonce, done)
            assert not voucher_claimed(connection, voucher["chain_id"], signer, nonce + 1, done)
            assert not voucher_claimed(connection, 1, signer, nonce, done)
    claimed = client.get(voucher["links"]["self"], headers=studio).json()
    assert (claimed["status"], claimed["token_id"]) == ("claimed", str(done.token_id))
    assert claimed["promise"] is None
    told = client.get(f"/v1/assets/{asset.asset_id}", headers=studio).json()
    assert told["owner"] == done.recipient
    assert told["token"]["token_id"] == str(done.token_id)
    minted = client.post(f"/v1/assets/{asset.asset_id}/mint", json={}, headers=studio).json()
    assert (minted["status"], minted["token_id"]) == ("confirmed", str(done.token_id)), (
        "it has a token already"
    )
    assert problem(claim(client, asset.asset_id, studio)) == (409, "conflict")
    assert problem(client.delete(voucher["links"]["self"], headers=studio)) == (409, "conflict")


def test_a_claim_that_the_chain_tells_of_is_seen_by_who_follows_it(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    voucher = promised(client, application, asset.asset_id, studio)
    follower = application.follower
    assert follower is not None
    assert application.claims.settle(follower.follow().head_block) == 0
    send(application, voucher["promise"]["transaction"])
    assert application.claims.settle(follower.follow().head_block) == 1
    told = client.get(f"/v1/assets/{asset.asset_id}", headers=studio).json()
    assert told["owner"].lower() == TO
    assert told["token"]["contract"] == voucher["collection"]
    assert client.get(voucher["links"]["self"], headers=studio).json()["status"] == "claimed"
    assert application.claims.settle(follower.follow().head_block) == 0


def test_vouchers_share_one_contract_and_have_nonces_side_by_side(
    client: TestClient,
    application: Application,
    studio: dict[str, str],
    tenant_of: Callable[[dict[str, str]], str],
    add_asset: Callable[..., Asset],
) -> None:
    assets = [add_asset(application, seed, tenant_id=tenant_of(studio)) for seed in (1, 2, 3)]
    made = [promised(client, application, asset.asset_id, studio) for asset in assets]
    assert len({each["contract"] for each in made}) == 1
    nonces = [int(each["nonce"]) for each in made]
    assert nonces == [nonces[0], nonces[0] + 1, nonces[0] + 2]
    sent = application.connection.web3.eth.get_transaction_count(application.signer.address)
    assert sent == 4, "the collection, the vouchers, and a role for each of contract and signer"


def test_a_nonce_that_the_chain_has_seen_is_not_taken(
    client: TestClient,
    application: Application,
    studio: dict[str, str],
    tenant_of: Callable[[dict[str, str]], str],
    add_asset: Callable[..., Asset],
) -> None:
    assets = [add_asset(application, seed, tenant_id=tenant_of(studio)) for seed in (1, 2)]
    first = promised(client, application, assets[0].asset_id, studio)
    contract = VoucherContract(application.connection.web3, first["contract"])
    taken, sender = int(first["nonce"]) + 1, application.signer.address
    application.chain.outbox.deliver(  # as after the records were restored from a backup
        "test", lambda nonce: contract.cancel_transaction([taken], sender=sender, nonce=nonce)
    )
    assert contract.is_used(sender, taken)
    second = promised(client, application, assets[1].asset_id, studio)
    assert int(second["nonce"]) != taken
    assert int(second["nonce"]) % 256 == 0, "of a word that nobody used"


def test_an_asset_is_promised_once(client: TestClient, asset: Asset, studio: dict[str, str]) -> None:
    first = claim(client, asset.asset_id, studio).json()
    assert claim(client, asset.asset_id, studio).json() == first
    assert problem(claim(client, asset.asset_id, studio, to="0x" + "34" * 20)) == (409, "conflict")
    minted = client.post(f"/v1/assets/{asset.asset_id}/mint", json={}, headers=studio)
    assert problem(minted) == (409, "conflict")


def test_what_is_minted_is_not_promised(client: TestClient, asset: Asset, studio: dict[str, str]) -> None:
    assert client.post(f"/v1/assets/{asset.asset_id}/mint", json={}, headers=studio).status_code == 202
    assert problem(claim(client, asset.asset_id, studio)) == (409, "conflict")


def test_the_same_idempotency_key_claims_once(
    client: TestClient, asset: Asset, studio: dict[str, str]
) -> None:
    keyed = studio | {"Idempotency-Key": "one"}
    first = claim(client, asset.asset_id, keyed)
    again = claim(client, asset.asset_id, keyed)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert problem(claim(client, asset.asset_id, keyed, valid_s=400)) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    "body", [{"to": "0x" + "00" * 20}, {"to": "nobody"}, {"valid_s": 299}, {"valid_s": 10**9}]
)
def test_a_claim_that_cannot_be_kept_is_refused(
    client: TestClient, asset: Asset, studio: dict[str, str], body: dict[str, Any]
) -> None:
    assert claim(client, asset.asset_id, studio, **body).status_code == 422


def test_what_fails_the_quality_gate_is_promised_only_by_force(
    client: TestClient,
    application: Application,
    studio: dict[str, str],
    tenant_of: Callable[[dict[str, str]], str],
    add_asset: Callable[..., Asset],
    pixels: Callable[..., Any],
) -> None:
    blank = pixels() * 0
    broken = add_asset(application, 7, blank, tenant_id=tenant_of(studio))
    assert problem(claim(client, broken.asset_id, studio)) == (409, "quality-refused")
    forced = claim(client, broken.asset_id, studio, force=True).json()
    now = application.asset(broken.asset_id)
    assert now.quality is not None
    assert row(application, forced["id"]).digest == now.metadata_cid.digest.hex()


def test_vouchers_are_listed_without_what_claims_them(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    voucher = promised(client, application, asset.asset_id, studio)
    for query in ("", "?status=signed", f"?asset={asset.asset_id}"):
        listed = client.get(f"/v1/vouchers{query}", headers=studio).json()["data"]
        assert [(each["id"], each["promise"]) for each in listed] == [(voucher["id"], None)]
    assert client.get("/v1/vouchers?status=claimed", headers=studio).json()["data"] == []


def test_another_collection_gives_the_voucher_contract_its_roles_too(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    """The roles of the first counted for all: after LORESPARK_CONTRACT had changed each voucher failed."""
    promised(client, application, asset.asset_id, studio)
    me = application.signer.address
    terms = CollectionTerms(me, "Second", "S", "ipfs://second", minter=me)
    made = delivered(
        application.chain.outbox,
        application.connection,
        "second",
        lambda nonce: deployment_transaction(
            application.connection.web3, terms, sender=application.signer.address, nonce=nonce
        ),
    )
    second = AssetContract(application.connection.web3, str(made.contract_address))
    contract = ClaimContract(application.records, lambda: application.chain, lambda: application.signer, None)
    assert second.has_roles(contract.ensure(second).address, MINTER_ROLE)
    assert second.has_roles(application.signer.address, VOUCHER_ROLE)
