"""What a token costs, and how long the embedded chain takes."""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from chain.asset_contract import AssetContract
from chain.collection import CollectionTerms, deployment_transaction
from chain.connection import ChainSettings, Connection, connect
from chain.signer import EnvironmentSigner, Signer
from chain.transactions import Receipt, next_nonce, submit, wait_for_receipt
from tools.bench.figure import Figure, median_s

KEY = "0x" + "11" * 32  # of a throw-away chain


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        settings = ChainSettings("bench", 31337, embedded_path=Path(folder) / "chain.db")
        with connect(settings) as connection:
            yield from _measure(connection, EnvironmentSigner(KEY))
        took = median_s(lambda: connect(settings).close(), 5)
        yield Figure("chain_open_ms", took * 1000, "ms", note="reopened after the mints above")


def _measure(connection: Connection, signer: Signer) -> Iterator[Figure]:
    assert connection.embedded is not None
    connection.embedded.fund(signer.address, 10**18)
    web3, me = connection.web3, signer.address

    def send(transaction: dict[str, object]) -> Receipt:
        signed = signer.sign_transaction(transaction)
        submit(web3, signed)
        return wait_for_receipt(web3, signed.hash, timeout_s=30, poll_latency_s=0.005)

    terms = CollectionTerms(me, "Bench", "B", "", minter=me)
    deployed = send(deployment_transaction(web3, terms, sender=me, nonce=next_nonce(web3, me)))
    assert deployed.contract_address is not None
    contract = AssetContract(web3, deployed.contract_address)
    digests = [hashlib.sha256(str(n).encode()).digest() for n in range(100)]

    def mint(count: int) -> Receipt:
        nonce = next_nonce(web3, me)
        return send(contract.mint_batch_transaction(me, digests[:count], sender=me, nonce=nonce))

    mint(1)  # the first token of an account pays for its balance slot
    for count in (1, 10):
        yield Figure(f"gas_per_token_batch{count}", mint(count).gas_used / count, "gas")
    yield Figure("gas_per_token_batch100", mint(100).gas_used / 100, "gas", 50_000, note="21k base included")
    yield Figure(
        "mint_ms", median_s(lambda: mint(1), 9) * 1000, "ms", note="signed, mined, on disk, receipt read"
    )
