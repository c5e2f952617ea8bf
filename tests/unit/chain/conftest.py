"""Embedded chains in temporary files, and accounts that own something on them."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chain.asset_contract import AssetContract
from chain.collection import CollectionTerms, deployment_transaction
from chain.connection import ChainSettings, Connection, connect
from chain.signer import EnvironmentSigner
from chain.transactions import next_nonce, submit, wait_for_receipt

CHAIN_ID = 31337
RICH_WEI = 10**20

Open = Callable[..., Connection]


@pytest.fixture
def chain_path(tmp_path: Path) -> Path:
    return tmp_path / "chain.sqlite"


@pytest.fixture
def open_chain(chain_path: Path) -> Iterator[Open]:
    """Opens the test's chain, as often as asked; what is open at the end is closed."""
    opened: list[Connection] = []

    def open_one(chain_id: int = CHAIN_ID) -> Connection:
        opened.append(connect(ChainSettings("embedded", chain_id, embedded_path=chain_path)))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture
def rich(open_chain: Open) -> Callable[[Connection], EnvironmentSigner]:
    def fund(connection: Connection) -> EnvironmentSigner:
        signer = EnvironmentSigner(secrets.token_hex(32))
        assert connection.embedded is not None
        connection.embedded.fund(signer.address, RICH_WEI)
        return signer

    return fund


@pytest.fixture
def deploy() -> Callable[[Connection, EnvironmentSigner], AssetContract]:
    """Deploys a collection that the signer owns and may mint in."""

    def deploy_one(connection: Connection, signer: EnvironmentSigner) -> AssetContract:
        web3 = connection.web3
        terms = CollectionTerms(signer.address, "Lorespark", "LORE", "", minter=signer.address)
        nonce = next_nonce(web3, signer.address)
        signed = signer.sign_transaction(
            deployment_transaction(web3, terms, sender=signer.address, nonce=nonce)
        )
        submit(web3, signed)
        mined = wait_for_receipt(web3, signed.hash, timeout_s=5, poll_latency_s=0.005)
        assert mined.contract_address is not None
        return AssetContract(web3, mined.contract_address)

    return deploy_one
