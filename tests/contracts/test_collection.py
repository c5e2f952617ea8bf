"""What a collection says of itself, and its royalty, on the embedded chain and on anvil alike."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.address import ZERO_ADDRESS
from chain.artifact import lorespark_assets
from chain.collection import CollectionTerms, deployment_transaction
from chain.errors import TransactionReverted
from chain.transactions import next_nonce
from tests.contracts.tokens import TOKEN

# Each example sends transactions, so a few are enough, and it does no harm that they share a collection.
FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_collection_says_what_it_was_deployed_with(collection: Any) -> None:
    contract = collection.contract
    assert contract.is_deployed()
    assert contract.view("name") == "Lorespark"
    assert contract.view("symbol") == "LORE"
    assert contract.view("contractURI") == "ipfs://collection"
    assert contract.view("owner") == collection.admin.address
    assert contract.may_mint(collection.minter.address)
    assert not contract.may_mint(collection.admin.address)
    assert contract.total_minted() == 0


def test_the_code_on_the_chain_is_the_artifact(collection: Any) -> None:
    web3, admin = collection.node.web3, collection.node.account()
    terms = CollectionTerms(admin.address, "Lorespark", "LORE", "")
    call = deployment_transaction(web3, terms, sender=admin.address, nonce=0)
    code = web3.eth.get_code(collection.node.send(admin, call).contract_address)
    assert bytes(code) == lorespark_assets().deployed_bytecode


def test_a_collection_may_have_neither_minter_nor_royalty(node: Any) -> None:
    admin = node.account()
    terms = CollectionTerms(admin.address, "Lorespark", "LORE", "ipfs://collection")
    call = deployment_transaction(
        node.web3, terms, sender=admin.address, nonce=next_nonce(node.web3, admin.address)
    )
    address = node.send(admin, call).contract_address
    contract = node.web3.eth.contract(address=address, abi=lorespark_assets().abi)
    assert contract.functions.royaltyInfo(1, 10_000).call() == [ZERO_ADDRESS, 0]
    assert contract.functions.rolesOf(ZERO_ADDRESS).call() == 0


def test_a_collection_refuses_royalty_above_the_price(node: Any) -> None:
    admin = node.account()
    terms = CollectionTerms(
        admin.address, "L", "L", "", royalty_receiver=admin.address, royalty_basis_points=10_001
    )
    with pytest.raises(TransactionReverted) as refused:
        deployment_transaction(node.web3, terms, sender=admin.address, nonce=0)
    assert refused.value.reason == "RoyaltyOverflow"


@pytest.mark.parametrize(
    "interface",
    ["01ffc9a7", "7f5828d0", "80ac58cd", "5b5e139f", "2a55205a", "49064906", "e8a3d485", "702c55a6"],
)
def test_the_interfaces_it_has_are_declared(collection: Any, interface: str) -> None:
    assert collection.contract.view("supportsInterface", bytes.fromhex(interface)) is True


@pytest.mark.parametrize("interface", ["ffffffff", "00000000", "780e9d63", "d9b67a26"])
def test_the_interfaces_it_lacks_are_not_declared(collection: Any, interface: str) -> None:
    assert collection.contract.view("supportsInterface", bytes.fromhex(interface)) is False


@FEW
@given(basis_points=st.integers(0, 10_000), price_wei=st.integers(0, 10**30))
def test_the_royalty_is_its_share_of_any_price(collection: Any, basis_points: int, price_wei: int) -> None:
    collection.do(collection.admin, "setDefaultRoyalty", collection.stranger.address, basis_points)
    royalty = collection.contract.royalty_info(TOKEN, price_wei)
    assert royalty.receiver == collection.stranger.address
    assert royalty.amount_wei == price_wei * basis_points // 10_000


def test_the_royalty_can_end_and_never_exceeds_the_price(collection: Any) -> None:
    assert collection.contract.royalty_info(TOKEN, 10_000).amount_wei == 500
    for receiver, basis_points, reason in (
        (collection.player.address, 10_001, "RoyaltyOverflow"),
        (ZERO_ADDRESS, 1, "RoyaltyReceiverIsZeroAddress"),
    ):
        with pytest.raises(TransactionReverted) as refused:
            collection.do(collection.admin, "setDefaultRoyalty", receiver, basis_points)
        assert refused.value.reason == reason
    collection.do(collection.admin, "deleteDefaultRoyalty")
    assert collection.contract.royalty_info(TOKEN, 10_000).amount_wei == 0
