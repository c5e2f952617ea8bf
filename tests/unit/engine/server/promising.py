"""What tests of vouchers share: asking for them, a worker, and who brings them to the chain."""

import secrets
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update
from starlette.testclient import TestClient

from chain.signer import EnvironmentSigner
from chain.transactions import Receipt, submit, wait_for_receipt
from engine.app import Application
from engine.database import tables
from engine.database.vouchers import EXPIRY_MARGIN_S, QUEUE

TO = "0x" + "12" * 20
Headers = Callable[..., dict[str, str]]


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


def pass_deadline(application: Application, voucher_id: str) -> None:
    with application.records.database.writing() as connection:
        connection.execute(
            update(tables.vouchers)
            .where(tables.vouchers.c.id == voucher_id)
            .values(deadline_s=int(time.time()) - EXPIRY_MARGIN_S - 1)
        )
        connection.execute(update(tables.jobs).values(run_after_ms=0))
