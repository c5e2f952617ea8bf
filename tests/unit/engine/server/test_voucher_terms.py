"""Vouchers with a price and vouchers for whoever has them: asked for over HTTP and claimed by a wallet's own means."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from starlette.testclient import TestClient

from assets.asset import Asset
from chain.asset_contract import AssetContract
from chain.errors import TransactionReverted
from chain.signer import EnvironmentSigner
from chain.transactions import submit, wait_for_receipt
from chain.voucher import VoucherContract
from engine.api.account import NewKey, Scope
from engine.app import Application
from engine.database.tenants import add_key
from tests.unit.engine.server.promising import TO, claim, hold, problem, promised, row, work
from tests.unit.engine.server.wallets import Wallet, sign_in

PRICE_WEI = 25 * 10**15


def asked(client: TestClient, asset_id: str, headers: Any, **body: Any) -> Any:
    """The voucher on these terms alone."""
    return client.post(f"/v1/assets/{asset_id}/claim", json=body, headers=headers)


def signed(client: TestClient, application: Application, headers: Any, made: Any, **query: str) -> Any:
    """The voucher once a worker signed it, as it is read with these words of a query."""
    assert made.status_code == 202, made.text
    work(application, made.json()["id"])
    return client.get(made.json()["links"]["self"], params=query, headers=headers).json()


def send(application: Application, transaction: dict[str, str], value_wei: int | None = None) -> str:
    """As a browser wallet does with what the API answered; returns who sent it. Raises TransactionReverted."""
    connection, sender = application.connection, EnvironmentSigner(secrets.token_hex(32))
    assert connection.embedded is not None
    connection.embedded.fund(sender.address, 10**18)
    made = sender.sign_transaction(
        {
            "type": 2,
            "chainId": int(transaction["chainId"], 16),
            "nonce": 0,
            "to": transaction["to"],
            "data": transaction["data"],
            "value": int(transaction["value"], 16) if value_wei is None else value_wei,
            "gas": 500_000,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 1,
        }
    )
    submit(connection.web3, made)
    wait_for_receipt(connection.web3, made.hash, timeout_s=20, poll_latency_s=0.005)
    return sender.address


def test_a_price_is_signed_and_paid_with_the_claim(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    made = asked(client, asset.asset_id, studio, to=TO, price_wei=str(PRICE_WEI))
    voucher = signed(client, application, studio, made)
    promise = voucher["promise"]
    assert voucher["price_wei"] == promise["typed_data"]["message"]["priceWei"] == str(PRICE_WEI)
    assert promise["transaction"]["value"] == hex(PRICE_WEI)
    signable = encode_typed_data(full_message=promise["typed_data"])
    assert Account.recover_message(signable, signature=promise["signature"]) == promise["signer"]
    with pytest.raises(TransactionReverted, match="PaymentTooSmall"):
        send(application, promise["transaction"], PRICE_WEI - 1)
    send(application, promise["transaction"])
    contract = VoucherContract(application.connection.web3, voucher["contract"])
    assert contract.proceeds_wei(voucher["collection"]) == PRICE_WEI
    tokens = AssetContract(application.connection.web3, voucher["collection"])
    assert tokens.owner_of(256).lower() == TO


def test_whoever_has_a_bearer_voucher_claims_it_for_the_account_of_their_choice(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    made = asked(client, asset.asset_id, studio, bearer=True)
    assert made.json()["to"] is None
    voucher = signed(client, application, studio, made)
    assert voucher["promise"]["transaction"] is None, "it takes an account"
    receiver = Wallet().address
    again = client.get(voucher["links"]["self"], params={"to": receiver}, headers=studio).json()
    assert again["promise"]["signature"] == voucher["promise"]["signature"]
    send(application, again["promise"]["transaction"])
    follower = application.follower
    assert follower is not None
    application.claims.settle(follower.follow().head_block)
    told = client.get(f"/v1/assets/{asset.asset_id}", headers=studio).json()
    assert told["owner"] == receiver
    listed = client.get("/v1/vouchers?status=claimed", headers=studio).json()["data"]
    assert [(each["id"], each["to"]) for each in listed] == [(voucher["id"], None)]


def test_an_account_that_is_asked_for_changes_nothing_of_a_voucher_for_another(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    made = asked(client, asset.asset_id, studio, to=TO)
    voucher = signed(client, application, studio, made)
    again = client.get(voucher["links"]["self"], params={"to": Wallet().address}, headers=studio).json()
    assert again["promise"] == voucher["promise"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"to": TO, "bearer": True},
        {"to": TO, "price_wei": "-1"},
        {"to": TO, "price_wei": "0x1"},
        {"to": TO, "price_wei": "01"},
        {"to": TO, "price_wei": str(2**256)},
        {"to": TO, "price_wei": 1.5},
    ],
)
def test_terms_that_say_nothing_or_cannot_be_kept_are_refused(
    client: TestClient, asset: Asset, studio: dict[str, str], body: dict[str, Any]
) -> None:
    assert asked(client, asset.asset_id, studio, **body).status_code == 422
    assert client.get("/v1/vouchers", headers=studio).json()["data"] == []


def test_the_highest_price_of_the_chain_can_be_asked(
    client: TestClient, asset: Asset, studio: dict[str, str]
) -> None:
    made = asked(client, asset.asset_id, studio, to=TO, price_wei=str(2**256 - 1))
    assert (made.status_code, made.json()["price_wei"]) == (202, str(2**256 - 1))


def test_an_asset_is_not_promised_on_two_terms(
    client: TestClient, asset: Asset, studio: dict[str, str]
) -> None:
    first = asked(client, asset.asset_id, studio, to=TO, price_wei="5")
    assert asked(client, asset.asset_id, studio, to=TO, price_wei="5").json() == first.json()
    for other in ({"to": TO}, {"to": TO, "price_wei": "6"}, {"bearer": True, "price_wei": "5"}):
        assert problem(asked(client, asset.asset_id, studio, **other)) == (409, "conflict")


def test_players_neither_set_prices_nor_make_bank_notes(
    client: TestClient, browser: TestClient, asset: Asset, studio: dict[str, str]
) -> None:
    wallet = Wallet()
    hold(client, asset.asset_id, studio, player=sign_in(browser, wallet))
    for body in ({"to": wallet.address, "price_wei": "1"}, {"bearer": True}):
        assert problem(asked(browser, asset.asset_id, None, **body)) == (422, "invalid-fields")
    assert client.get("/v1/vouchers", headers=studio).json()["data"] == []


def test_a_player_reads_and_claims_what_a_studio_promised_to_their_account_and_does_not_cancel_it(
    client: TestClient, browser: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    wallet = Wallet()
    sign_in(browser, wallet)
    made = asked(client, asset.asset_id, studio, to=wallet.address, price_wei=str(PRICE_WEI))
    voucher_id, path = made.json()["id"], made.json()["links"]["self"]
    work(application, voucher_id)
    listed = browser.get("/v1/wallet/vouchers").json()["data"]
    assert [(each["id"], each["promise"]) for each in listed] == [(voucher_id, None)]
    assert row(application, voucher_id).handed_out_at is None, "a list hands nothing out"
    assert problem(browser.delete(path)) == (404, "unknown-record"), "it is the studio's"
    transaction = browser.get(path).json()["promise"]["transaction"]
    assert transaction["value"] == hex(PRICE_WEI)
    send(application, transaction)
    tokens = AssetContract(application.connection.web3, row(application, voucher_id).collection)
    assert tokens.owner_of(256) == wallet.address


def test_a_bearer_voucher_is_no_players_to_read(
    client: TestClient, browser: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    wallet = Wallet()
    hold(client, asset.asset_id, studio, player=sign_in(browser, wallet))
    made = asked(client, asset.asset_id, studio, bearer=True)
    work(application, made.json()["id"])
    path = made.json()["links"]["self"]
    assert problem(browser.get(path, params={"to": wallet.address})) == (404, "unknown-record")
    assert browser.get("/v1/wallet/vouchers").json()["data"] == []
    assert row(application, made.json()["id"]).handed_out_at is None


def test_a_bank_note_is_not_read_by_a_key_that_may_only_read(
    client: TestClient,
    application: Application,
    asset: Asset,
    studio: dict[str, str],
    tenant_of: Callable[[dict[str, str]], str],
) -> None:
    """Whoever reads it can have the token."""
    made = asked(client, asset.asset_id, studio, bearer=True)
    work(application, made.json()["id"])
    with application.records.database.writing() as connection:
        key = add_key(connection, tenant_of(studio), NewKey(name="reader", scopes=(Scope.READ,)))
    reader, path = {"Authorization": f"Bearer {key.secret}"}, made.json()["links"]["self"]
    assert problem(client.get(path, headers=reader)) == (403, "scope-missing")
    assert row(application, made.json()["id"]).handed_out_at is None
    assert client.get(path, headers=studio).json()["promise"] is not None


def test_what_was_promised_before_there_were_prices_is_free(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    voucher = promised(client, application, asset.asset_id, studio)
    assert (voucher["price_wei"], voucher["promise"]["transaction"]["value"]) == ("0", "0x0")
    assert problem(claim(client, asset.asset_id, studio, price_wei="1")) == (409, "conflict")
