"""What tests of vouchers on a real node share: a server's part and a player's part of a promise."""

import secrets
from pathlib import Path
from typing import Any

from sqlalchemy import select

from chain.connection import ChainSettings, connect
from chain.errors import TransactionReverted
from chain.signer import EnvironmentSigner
from chain.transactions import submit, wait_for_receipt
from chain.voucher import SignedVoucher, Voucher, claim_call_data
from engine.app import Application
from engine.database import tables
from engine.database.vouchers import (
    QUEUE,
    Asking,
    Terms,
    VoucherRecord,
    add_voucher,
    cancel_voucher,
    hand_out,
    voucher,
)
from engine.settings import EMBEDDED_CHAIN_ID, Settings
from tests.integration.node import KEYS, Anvil

PLAYER = "0x" + "21" * 20
VALID_S = 3_600


def opened(folder: Path, url: str, confirmations: int) -> Application:
    """An application whose chain is the node at ``url``, and which looks often."""
    environment = {
        "LORESPARK_DATA_DIR": str(folder / "data"),
        "LORESPARK_RPC_URL": url,
        "LORESPARK_CHAIN_ID": str(EMBEDDED_CHAIN_ID),
        "LORESPARK_PRIVATE_KEY": KEYS[0],
        "LORESPARK_CONFIRMATIONS": str(confirmations),
    }
    application = Application.open(Settings.from_environment(environment))
    vars(application)["connection"] = connect(
        ChainSettings(
            "anvil",
            EMBEDDED_CHAIN_ID,
            rpc_url=url,
            confirmations=confirmations,
            poll_latency_s=0.02,
            timeout_s=30,
        )
    )
    return application


def promise(application: Application, asset_id: str, bearer: bool = False) -> str:
    """Asks for a voucher; the id of the asset's living one."""
    terms = Terms(None if bearer else PLAYER, VALID_S)
    with application.records.database.writing() as connection:
        asset = application.asset(asset_id)
        made, _ = add_voucher(connection, asset, terms, EMBEDDED_CHAIN_ID, Asking())
    return made.id


def sign(application: Application, voucher_id: str) -> None:
    application.jobs.finish(QUEUE, voucher_id)


def read(application: Application, voucher_id: str) -> VoucherRecord:
    with application.records.database.reading() as connection:
        found = voucher(connection, voucher_id)
    assert found is not None
    return found


def handed_out(application: Application, voucher_id: str) -> VoucherRecord:
    """The voucher in its claimant's hands."""
    with application.records.database.writing() as connection:
        found = voucher(connection, voucher_id)
        assert found is not None
        return hand_out(connection, found)


def take_back(application: Application, voucher_id: str) -> None:
    with application.records.database.writing() as connection:
        found = voucher(connection, voucher_id)
        assert found is not None
        cancel_voucher(connection, found)


def claim(anvil: Anvil, record: VoucherRecord, to: str = PLAYER) -> bool:
    """Brings it to the chain as anybody can; False where the contract says that it was used."""
    assert record.collection is not None and record.signature is not None  # noqa: PT018  it is signed
    assert record.signer is not None and record.nonce is not None and record.contract is not None  # noqa: PT018
    sender = EnvironmentSigner(secrets.token_hex(32))
    anvil.ask("anvil_setBalance", sender.address, hex(10**21))
    promised = Voucher(
        collection=record.collection,
        digest=bytes.fromhex(record.digest),
        nonce=int(record.nonce),
        deadline_s=record.deadline_s,
        price_wei=int(record.price_wei),
        recipient=record.recipient,
    )
    signed = SignedVoucher(promised, record.signer, bytes.fromhex(record.signature[2:]))
    transaction = sender.sign_transaction(
        {
            "type": 2,
            "chainId": EMBEDDED_CHAIN_ID,
            "nonce": 0,
            "to": record.contract,
            "data": "0x" + claim_call_data(signed, to).hex(),
            "value": promised.price_wei,
            "gas": 500_000,
            "maxFeePerGas": 10**11,
            "maxPriorityFeePerGas": 1,
        }
    )
    with connect(ChainSettings("anvil", EMBEDDED_CHAIN_ID, rpc_url=anvil.url)) as connection:
        submit(connection.web3, transaction)
        try:
            wait_for_receipt(connection.web3, transaction.hash, timeout_s=30, poll_latency_s=0.01)
        except TransactionReverted as error:
            if "VoucherUsed" not in str(error):
                raise
            return False
    return True


def follow(application: Application) -> None:
    """What a worker does of the queue `index`, and then of the looks that a reorganisation made necessary."""
    follower = application.follower
    if follower is None:  # nothing is on the chain yet
        return
    application.claims.settle(follower.follow().head_block)
    for record_id in waiting(application, "recheck:"):
        application.jobs.finish(QUEUE, record_id)
    application.claims.settle(follower.follow().head_block)


def waiting(application: Application, begins: str = "") -> list[str]:
    """The jobs of vouchers that wait for a worker."""
    table = tables.jobs
    query = select(table.c.record_id).where(
        table.c.queue == QUEUE, table.c.record_id.startswith(begins, autoescape=True)
    )
    with application.records.database.reading() as connection:
        return list(connection.scalars(query.order_by(table.c.number)))


def mints(application: Application) -> list[Any]:
    with application.records.database.reading() as connection:
        return list(connection.execute(select(tables.mints)))


def tokens_of(application: Application, digest: str) -> list[int]:
    """The ids of the living tokens with this metadata, as the index has them."""
    query = select(tables.tokens.c.token_id).where(
        tables.tokens.c.minted_digest == digest, tables.tokens.c.owner.is_not(None)
    )
    with application.records.database.reading() as connection:
        return [int(each) for each in connection.scalars(query)]
