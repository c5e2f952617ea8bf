"""The same contract on two nodes: the embedded chain, and a real anvil from npm."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from chain.asset_contract import AssetContract, CollectionTerms, deployment_transaction
from chain.connection import ChainSettings, Connection, connect
from chain.signer import EnvironmentSigner
from chain.transactions import Receipt, next_nonce, submit, wait_for_receipt

CHAIN_ID = 31337
CONTRACTS = Path(__file__).parents[2] / "chain" / "contracts"
RICH_WEI = 10**20

SkipOrFail = Callable[[str], NoReturn]  # the fixture of tests/conftest.py


@dataclass(frozen=True)
class Node:
    """A running chain and the ways to use it in a test."""

    name: str
    connection: Connection

    @property
    def web3(self) -> Any:
        return self.connection.web3

    def account(self, wei: int = RICH_WEI) -> EnvironmentSigner:
        """A new account that owns this much."""
        signer = EnvironmentSigner(secrets.token_hex(32))
        if self.connection.embedded is not None:
            self.connection.embedded.fund(signer.address, wei)
        else:
            self.web3.provider.make_request("anvil_setBalance", [signer.address, hex(wei)])
        return signer

    def wait(self, tx_hash: str) -> Receipt:
        return wait_for_receipt(self.web3, tx_hash, timeout_s=20, poll_latency_s=0.005)

    def send(self, signer: EnvironmentSigner, transaction: dict[str, Any]) -> Receipt:
        signed = signer.sign_transaction(transaction)
        submit(self.web3, signed)
        return self.wait(signed.hash)


@dataclass(frozen=True)
class Collection:
    """A fresh collection: its contract, its administrator, its minter and two people who play."""

    node: Node
    contract: AssetContract
    admin: EnvironmentSigner
    minter: EnvironmentSigner
    player: EnvironmentSigner
    stranger: EnvironmentSigner

    def do(self, signer: EnvironmentSigner, function: str, *arguments: Any) -> Receipt:
        nonce = next_nonce(self.node.web3, signer.address)
        call = self.contract.transaction(function, *arguments, sender=signer.address, nonce=nonce)
        return self.node.send(signer, call)

    def mint(self, *digests: bytes) -> Receipt:
        """Mints to the player: one token by mint, several by mintBatch."""
        nonce = next_nonce(self.node.web3, self.minter.address)
        to, sender = self.player.address, self.minter.address
        if len(digests) == 1:
            return self.node.send(
                self.minter, self.contract.mint_transaction(to, digests[0], sender=sender, nonce=nonce)
            )
        return self.node.send(
            self.minter, self.contract.mint_batch_transaction(to, digests, sender=sender, nonce=nonce)
        )


@pytest.fixture(scope="session")
def npm(skip_or_fail: SkipOrFail) -> None:
    if not (CONTRACTS / "node_modules" / "solc").is_dir():
        skip_or_fail("solc is not installed; run `npm ci --ignore-scripts` in chain/contracts")


@pytest.fixture(scope="session", params=["embedded", pytest.param("anvil", marks=[pytest.mark.needs_anvil])])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    if request.param == "anvil":
        settings = ChainSettings("anvil", CHAIN_ID, rpc_url=request.getfixturevalue("anvil_url"))
    else:
        path = tmp_path_factory.mktemp("chain") / "chain.sqlite"
        settings = ChainSettings("embedded", CHAIN_ID, embedded_path=path)
    with connect(settings) as connection:
        yield Node(request.param, connection)


@pytest.fixture
def collection(node: Node) -> Collection:
    admin, minter = node.account(), node.account()
    terms = CollectionTerms(
        admin=admin.address,
        minter=minter.address,
        name="Lorespark",
        symbol="LORE",
        contract_uri="ipfs://collection",
        royalty_receiver=admin.address,
        royalty_basis_points=500,
    )
    nonce = next_nonce(node.web3, admin.address)
    deployed = node.send(admin, deployment_transaction(node.web3, terms, sender=admin.address, nonce=nonce))
    assert deployed.contract_address is not None
    contract = AssetContract(node.web3, deployed.contract_address)
    return Collection(node, contract, admin, minter, node.account(), node.account())
