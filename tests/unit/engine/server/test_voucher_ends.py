"""How vouchers end: cancelled here or on the chain, after their deadline, or refused."""

import secrets

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from assets.asset import Asset
from chain.signer import EnvironmentSigner
from chain.voucher import VoucherContract
from engine.app import Application
from engine.database import tables
from engine.database.vouchers import EXPIRY_MARGIN_S
from tests.unit.engine.server.promising import (
    claim,
    pass_deadline,
    problem,
    promised,
    row,
    send,
    work,
)


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
