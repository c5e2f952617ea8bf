"""The same contract on two nodes: the embedded chain, and a real anvil from npm."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

from chain.artifact import ContractArtifact, parse_artifact
from chain.asset_contract import VOUCHER_ROLE, AssetContract
from chain.collection import (
    CollectionFactory,
    CollectionTerms,
    factory_transaction,
    implementation_transaction,
)
from chain.connection import ChainSettings, Connection, connect
from chain.contract_call import ContractCalls, creation_transaction
from chain.errors import TransactionReverted
from chain.signer import EnvironmentSigner
from chain.transactions import Receipt, next_nonce, submit, wait_for_receipt
from chain.voucher import VoucherContract, vouchers_transaction
from tests.contracts.shop import Shop
from tools.compile_contracts import compile_contract

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

    def deploy(self, artifact: ContractArtifact, *arguments: Any) -> "Deployed":
        """A new contract, and the account that made it."""
        owner = self.account()
        made = self.send(
            owner, creation_transaction(self.web3, artifact, arguments, sender=owner.address, nonce=0)
        )
        assert made.contract_address is not None
        return Deployed(self, ContractCalls(self.web3, made.contract_address, artifact), owner)


@dataclass(frozen=True)
class Deployed:
    """A contract of a test."""

    node: Node
    contract: ContractCalls
    owner: EnvironmentSigner

    @property
    def address(self) -> str:
        return self.contract.address

    def do(self, signer: EnvironmentSigner, function: str, *arguments: Any, value_wei: int = 0) -> Receipt:
        nonce = next_nonce(self.node.web3, signer.address)
        call = self.contract.transaction(
            function, *arguments, sender=signer.address, nonce=nonce, value_wei=value_wei
        )
        return self.node.send(signer, call)


@dataclass(frozen=True)
class Collection:
    """A fresh collection: its contract, its administrator, its minter, its house and two people who play."""

    node: Node
    contract: AssetContract
    admin: EnvironmentSigner
    minter: EnvironmentSigner
    house: EnvironmentSigner
    player: EnvironmentSigner
    stranger: EnvironmentSigner

    def do(self, signer: EnvironmentSigner, function: str, *arguments: Any) -> Receipt:
        nonce = next_nonce(self.node.web3, signer.address)
        call = self.contract.transaction(function, *arguments, sender=signer.address, nonce=nonce)
        return self.node.send(signer, call)

    def mint(self, *digests: bytes) -> Receipt:
        """Mints to the player: one token by mint, several by mintBatch."""
        return self.mint_to(self.player.address, *digests)

    def mint_to(self, to: str, *digests: bytes) -> Receipt:
        nonce, sender = next_nonce(self.node.web3, self.minter.address), self.minter.address
        if len(digests) == 1:
            return self.node.send(
                self.minter, self.contract.mint_transaction(to, digests[0], sender=sender, nonce=nonce)
            )
        return self.node.send(
            self.minter, self.contract.mint_batch_transaction(to, digests, sender=sender, nonce=nonce)
        )


@pytest.fixture(scope="session")
def npm(skip_or_fail: SkipOrFail) -> None:
    for package in ("solc", "solady", "@openzeppelin/contracts", "erc721a"):
        if not (CONTRACTS / "node_modules" / package).is_dir():
            skip_or_fail(f"{package} is not installed; run `npm ci --ignore-scripts` in chain/contracts")


@pytest.fixture(scope="session", params=["embedded", pytest.param("anvil", marks=[pytest.mark.needs_anvil])])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    if request.param == "anvil":
        settings = ChainSettings("anvil", CHAIN_ID, rpc_url=request.getfixturevalue("anvil_url"))
    else:
        path = tmp_path_factory.mktemp("chain") / "chain.sqlite"
        settings = ChainSettings("embedded", CHAIN_ID, embedded_path=path)
    with connect(settings) as connection:
        yield Node(request.param, connection)


@pytest.fixture(scope="session")
def factory(node: Node) -> CollectionFactory:
    maker = node.account()
    code = node.send(maker, implementation_transaction(node.web3, sender=maker.address, nonce=0))
    assert code.contract_address is not None
    made = node.send(
        maker, factory_transaction(node.web3, code.contract_address, sender=maker.address, nonce=1)
    )
    assert made.contract_address is not None
    return CollectionFactory(node.web3, made.contract_address)


@pytest.fixture
def collection(node: Node, factory: CollectionFactory) -> Collection:
    admin, minter, house = node.account(), node.account(), node.account()
    terms = CollectionTerms(
        admin=admin.address,
        minter=minter.address,
        house=house.address,
        name="Lorespark",
        symbol="LORE",
        contract_uri="ipfs://collection",
        royalty_receiver=admin.address,
        royalty_basis_points=500,
    )
    made = node.send(admin, factory.creation(terms, bytes(32), sender=admin.address, nonce=0))
    contract = AssetContract(node.web3, factory.created(made))
    return Collection(node, contract, admin, minter, house, node.account(), node.account())


@pytest.fixture(scope="session")
def compiled(npm: None) -> Callable[[str], ContractArtifact]:
    """Compiles a contract of chain/contracts/test, once."""

    @cache
    def compile_one(name: str) -> ContractArtifact:
        return parse_artifact(compile_contract(name, "test"))

    return compile_one


@pytest.fixture
def refused() -> Callable[[str], AbstractContextManager[None]]:
    """Expects that a contract refuses with the error of this name."""

    @contextlib.contextmanager
    def expect(reason: str) -> Iterator[None]:
        with pytest.raises(TransactionReverted) as caught:
            yield
        assert caught.value.reason == reason

    return expect


@pytest.fixture(scope="session")
def voucher_contract(node: Any) -> VoucherContract:
    maker = node.account()
    made = node.send(maker, vouchers_transaction(node.web3, sender=maker.address, nonce=0))
    return VoucherContract(node.web3, made.contract_address)


@pytest.fixture
def shop(collection: Any, voucher_contract: VoucherContract) -> Shop:
    studio = collection.node.account()
    collection.do(collection.admin, "grantRoles", voucher_contract.address, 1)
    collection.do(collection.admin, "grantRoles", studio.address, VOUCHER_ROLE)
    return Shop(collection, voucher_contract, studio)
