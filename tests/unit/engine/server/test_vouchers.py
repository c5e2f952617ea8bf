"""Who holds an asset in the game, and vouchers from the promise to the token, on the embedded chain."""

import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from sqlalchemy import select, update
from starlette.testclient import TestClient

from assets.asset import Asset
from chain.asset_contract import AssetContract
from chain.signer import EnvironmentSigner
from chain.transactions import Receipt, submit, wait_for_receipt
from chain.voucher import VoucherContract
from engine.api.account import Scope
from engine.app import Application
from engine.database import tables
from engine.database.claims import voucher_claimed
from engine.database.vouchers import EXPIRY_MARGIN_S, QUEUE
from engine.server.app import server
from tests.unit.engine.server.wallets import ORIGIN, Wallet, sign_in

TO = "0x" + "12" * 20
Headers = Callable[..., dict[str, str]]


@pytest.fixture
def asset(
    application: Application,
    studio: dict[str, str],
    tenant_of: Callable[[dict[str, str]], str],
    add_asset: Callable[..., Asset],
) -> Asset:
    return add_asset(application, tenant_id=tenant_of(studio))


@pytest.fixture
def studio(headers: Headers) -> dict[str, str]:
    return headers()


@pytest.fixture
def browser(application: Application) -> Iterator[TestClient]:
    with TestClient(server(application), base_url=ORIGIN, headers={"Origin": ORIGIN}) as browser:
        yield browser


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:lorespark:problem:")


def claim(client: TestClient, asset_id: str, headers: Any = None, **body: Any) -> Any:
    return client.post(f"/v1/assets/{asset_id}/claim", json={"to": TO, **body}, headers=headers)


def hold(client: TestClient, asset_id: str, headers: Any, **holder: str | None) -> Any:
    return client.put(f"/v1/assets/{asset_id}/holder", json=holder, headers=headers)


def work(application: Application, record_id: str) -> None:
    application.jobs.finish(QUEUE, record_id)


def promised(client: TestClient, application: Application, asset_id: str, headers: Any) -> dict[str, Any]:
    """A voucher that was signed and handed out."""
    made = claim(client, asset_id, headers)
    assert made.status_code == 202, made.text
    work(application, made.json()["id"])
    found: dict[str, Any] = client.get(made.json()["links"]["self"], headers=headers).json()
    assert found["status"] == "signed", found
    return found


def send(application: Application, transaction: dict[str, str]) -> Receipt:
    """Brings a claim to the chain, as anybody who has it can."""
    connection, sender = application.connection, EnvironmentSigner(secrets.token_hex(32))
    assert connection.embedded is not None
    connection.embedded.fund(sender.address, 10**18)
    signed = sender.sign_transaction(
        {
            "type": 2,
            "chainId": int(transaction["chainId"], 16),
            "nonce": 0,
            "to": transaction["to"],
            "data": transaction["data"],
            "value": int(transaction["value"], 16),
            "gas": 500_000,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 1,
        }
    )
    submit(connection.web3, signed)
    return wait_for_receipt(connection.web3, signed.hash, timeout_s=20, poll_latency_s=0.005)


def row(application: Application, voucher_id: str) -> Any:
    with application.records.database.reading() as connection:
        query = select(tables.vouchers).where(tables.vouchers.c.id == voucher_id)
        return connection.execute(query).one()


# ------------------------------------------------------------------ holders


def test_a_studio_says_who_holds_an_asset(
    client: TestClient, browser: TestClient, asset: Asset, studio: dict[str, str]
) -> None:
    path, player = f"/v1/assets/{asset.asset_id}", sign_in(browser, Wallet())
    assert client.get(path, headers=studio).json()["holder"] is None
    for holder in ({"player": player}, {"reference": "account 42"}):
        told = hold(client, asset.asset_id, studio, **holder).json()
        assert told == {"player": None, "reference": None} | holder
        assert client.get(path, headers=studio).json()["holder"] == told
    hold(client, asset.asset_id, studio)
    assert client.get(path, headers=studio).json()["holder"] is None


def test_a_holder_is_one_that_there_is(client: TestClient, asset: Asset, studio: dict[str, str]) -> None:
    assert problem(hold(client, asset.asset_id, studio, player="player-none")) == (404, "unknown-record")
    both = hold(client, asset.asset_id, studio, player="a", reference="b")
    assert problem(both) == (422, "invalid-fields")
    assert problem(hold(client, asset.asset_id, studio, reference="a\nb")) == (422, "invalid-fields")


def test_the_holder_of_what_is_promised_or_minted_stays(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    made = claim(client, asset.asset_id, studio).json()
    assert problem(hold(client, asset.asset_id, studio, reference="a")) == (409, "conflict")
    client.delete(made["links"]["self"], headers=studio)
    assert hold(client, asset.asset_id, studio, reference="a").status_code == 200
    client.post(f"/v1/assets/{asset.asset_id}/mint", json={}, headers=studio)
    assert problem(hold(client, asset.asset_id, studio, reference="b")) == (409, "conflict")


# ------------------------------------------------------------------ the promise


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


# ------------------------------------------------------------------ players


def test_a_player_claims_what_they_hold_and_nothing_else(
    client: TestClient,
    browser: TestClient,
    application: Application,
    asset: Asset,
    studio: dict[str, str],
) -> None:
    wallet = Wallet()
    player = sign_in(browser, wallet)
    assert problem(claim(browser, asset.asset_id, to=wallet.address)) == (404, "unknown-asset")
    hold(client, asset.asset_id, studio, player=player)
    made = claim(browser, asset.asset_id, to=wallet.address)
    assert made.status_code == 202, made.text
    assert claim(browser, asset.asset_id, to=wallet.address).json() == made.json()
    work(application, made.json()["id"])
    voucher = browser.get(made.json()["links"]["self"]).json()
    send(application, voucher["promise"]["transaction"])
    tokens = AssetContract(application.connection.web3, voucher["collection"])
    assert tokens.owner_of(256) == wallet.address
    with TestClient(server(application), base_url=ORIGIN) as other:
        sign_in(other, Wallet())
        assert problem(other.get(made.json()["links"]["self"])) == (404, "unknown-record")
        assert problem(other.get("/v1/vouchers")) == (401, "key-refused"), "lists are the studios'"


def test_a_players_claim_comes_from_the_sites_own_page(
    client: TestClient, browser: TestClient, asset: Asset, studio: dict[str, str]
) -> None:
    hold(client, asset.asset_id, studio, player=sign_in(browser, Wallet()))
    refused = claim(browser, asset.asset_id, {"Origin": "http://evil.example"})
    assert problem(refused) == (403, "origin-refused")
    assert client.get("/v1/vouchers", headers=studio).json()["data"] == []


def test_only_a_studio_forces_the_quality_gate(
    client: TestClient, browser: TestClient, asset: Asset, studio: dict[str, str]
) -> None:
    hold(client, asset.asset_id, studio, player=sign_in(browser, Wallet()))
    assert problem(claim(browser, asset.asset_id, force=True)) == (422, "invalid-fields")


def test_a_player_takes_back_only_what_nobody_read(
    client: TestClient, browser: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    hold(client, asset.asset_id, studio, player=sign_in(browser, Wallet()))
    first = claim(browser, asset.asset_id).json()
    assert browser.delete(first["links"]["self"]).json()["status"] == "cancelled"
    second = promised(browser, application, asset.asset_id, None)
    assert problem(browser.delete(second["links"]["self"])) == (409, "conflict")
    assert client.delete(second["links"]["self"], headers=studio).json()["status"] == "cancelling"


def test_a_dead_session_and_no_key_claim_nothing(
    client: TestClient, browser: TestClient, asset: Asset
) -> None:
    assert problem(claim(client, asset.asset_id)) == (401, "key-refused")
    sign_in(browser, Wallet())
    with TestClient(browser.app, base_url=ORIGIN, headers={"Origin": ORIGIN}) as copy:
        copy.cookies.update(browser.cookies)
        browser.post("/v1/wallet/logout")
        assert problem(claim(copy, asset.asset_id)) == (401, "not-signed-in")


def test_a_key_without_the_scope_claims_nothing_whatever_cookie_comes_with_it(
    client: TestClient, browser: TestClient, asset: Asset, studio: dict[str, str], headers: Headers
) -> None:
    hold(client, asset.asset_id, studio, player=sign_in(browser, Wallet()))
    lacking = headers(Scope.READ, Scope.CREATE, Scope.ADMIN)
    assert problem(claim(browser, asset.asset_id, lacking)) == (403, "scope-missing")


# ------------------------------------------------------------------ ending


def test_a_voucher_that_nobody_read_is_cancelled_at_once(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    for sign_first in (False, True):
        made = claim(client, asset.asset_id, studio).json()
        if sign_first:
            work(application, made["id"])
            assert row(application, made["id"]).status == "signed"
        path = made["links"]["self"]
        assert client.delete(path, headers=studio).json()["status"] == "cancelled"
        assert client.delete(path, headers=studio).json()["status"] == "cancelled"
        work(application, made["id"])
        found = client.get(path, headers=studio).json()
        assert (found["status"], found["promise"]) == ("cancelled", None)


def test_a_voucher_that_somebody_read_is_cancelled_on_the_chain(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    voucher = promised(client, application, asset.asset_id, studio)
    path = voucher["links"]["self"]
    assert client.delete(path, headers=studio).json()["status"] == "cancelling"
    assert problem(claim(client, asset.asset_id, studio)) == (409, "conflict"), "it may still be claimed"
    work(application, f"cancel:{voucher['id']}")
    assert client.get(path, headers=studio).json()["status"] == "cancelled"
    contract = VoucherContract(application.connection.web3, voucher["contract"])
    assert contract.is_used(voucher["promise"]["signer"], int(voucher["nonce"]))
    again = promised(client, application, asset.asset_id, studio)
    assert again["nonce"] != voucher["nonce"]


def test_a_cancellation_that_comes_too_late_finds_the_claim(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    voucher = promised(client, application, asset.asset_id, studio)
    send(application, voucher["promise"]["transaction"])
    client.delete(voucher["links"]["self"], headers=studio)
    before = application.connection.web3.eth.get_transaction_count(application.signer.address)
    work(application, f"cancel:{voucher['id']}")
    found = client.get(voucher["links"]["self"], headers=studio).json()
    assert (found["status"], found["token_id"]) == ("claimed", "256")
    assert client.get(f"/v1/assets/{asset.asset_id}", headers=studio).json()["token"]["token_id"] == "256"
    sent = application.connection.web3.eth.get_transaction_count(application.signer.address)
    assert sent == before, "nothing is paid for what is too late"


def pass_deadline(application: Application, voucher_id: str) -> None:
    with application.records.database.writing() as connection:
        connection.execute(
            update(tables.vouchers)
            .where(tables.vouchers.c.id == voucher_id)
            .values(deadline_s=int(time.time()) - EXPIRY_MARGIN_S - 1)
        )
        connection.execute(update(tables.jobs).values(run_after_ms=0))


@pytest.mark.parametrize("claimed", [False, True])
def test_after_its_deadline_a_voucher_has_expired_or_was_claimed(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str], claimed: bool
) -> None:
    voucher = promised(client, application, asset.asset_id, studio)
    if claimed:
        send(application, voucher["promise"]["transaction"])
    pass_deadline(application, voucher["id"])
    late = client.get(voucher["links"]["self"], headers=studio).json()
    assert (late["status"], late["promise"]) == ("signed", None), "nothing is handed out that holds no longer"
    work(application, f"expire:{voucher['id']}")
    found = client.get(voucher["links"]["self"], headers=studio).json()
    assert found["status"] == ("claimed" if claimed else "expired")
    assert claim(client, asset.asset_id, studio).status_code == (409 if claimed else 202)


def test_a_voucher_waits_for_its_deadline_before_it_expires(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    voucher = promised(client, application, asset.asset_id, studio)
    with application.records.database.reading() as connection:
        due_ms = connection.scalar(
            select(tables.jobs.c.run_after_ms).where(tables.jobs.c.record_id == f"expire:{voucher['id']}")
        )
    deadline_s = row(application, voucher["id"]).deadline_s
    assert due_ms is not None
    assert abs(due_ms / 1000 - deadline_s - EXPIRY_MARGIN_S) < 60


def test_what_the_chain_refuses_is_told_and_the_asset_is_free_again(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    collection = application.mint_job.ensure_collection()
    stranger = EnvironmentSigner(secrets.token_hex(32))
    vars(application)["signer"] = stranger  # who may not grant roles in the collection
    vars(application).pop("chain", None)
    assert application.connection.embedded is not None
    application.connection.embedded.fund(stranger.address, 10**18)
    made = claim(client, asset.asset_id, studio).json()
    work(application, made["id"])
    found = client.get(made["links"]["self"], headers=studio).json()
    assert (found["status"], found["promise"]) == ("failed", None)
    assert "Unauthorized" in found["error"]
    assert not collection.may_mint(stranger.address)
    assert claim(client, asset.asset_id, studio).status_code == 202
