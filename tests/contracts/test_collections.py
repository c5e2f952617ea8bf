"""The factory: a contract for each studio, and nobody else's address."""

from typing import Any

import pytest

from chain.address import ZERO_ADDRESS
from chain.artifact import lorespark_assets, lorespark_collections
from chain.asset_contract import AssetContract
from chain.collection import (
    CollectionTerms,
    deployment_transaction,
    factory_transaction,
    implementation_transaction,
)
from chain.errors import ContractMissing, InvalidAddress, TransactionRejected
from chain.transactions import next_nonce

SALT = b"\1" * 32

# Both lie under EIP-170's 24,576 bytes with much room.
MOST_CODE_BYTES = 20_000


def terms_of(signer: Any, **more: Any) -> CollectionTerms:
    return CollectionTerms(signer.address, "A studio's", "STUDIO", "ipfs://studio", **more)


def test_each_studio_has_its_own_collection(node: Any, factory: Any) -> None:
    studios = [node.account(), node.account()]
    contracts = []
    for number, studio in enumerate(studios):
        terms = CollectionTerms(
            studio.address,
            f"Studio {number}",
            f"S{number}",
            f"ipfs://{number}",
            minter=studio.address,
            royalty_receiver=studio.address,
            royalty_basis_points=100 * number,
        )
        made = node.send(studio, factory.creation(terms, SALT, sender=studio.address, nonce=0))
        contract = AssetContract(node.web3, factory.created(made))
        assert contract.address == factory.collection_address(studio.address, SALT)
        contracts.append(contract)
        node.send(
            studio, contract.mint_transaction(studio.address, b"\2" * 32, sender=studio.address, nonce=1)
        )
    for number, (studio, contract) in enumerate(zip(studios, contracts, strict=True)):
        assert contract.view("name") == f"Studio {number}"
        assert contract.view("symbol") == f"S{number}"
        assert contract.view("contractURI") == f"ipfs://{number}"
        assert contract.view("owner") == studio.address
        assert contract.royalty_info(256, 10_000).amount_wei == 100 * number
        assert contract.total_minted() == 1
        assert contract.owner_of(256) == studio.address
        assert not contract.may_mint(studios[1 - number].address)


def test_a_new_collection_costs_little_gas(node: Any, factory: Any) -> None:
    studio = node.account()
    terms = terms_of(studio, minter=studio.address, house=studio.address, royalty_receiver=studio.address)
    made = node.send(studio, factory.creation(terms, SALT, sender=studio.address, nonce=0))
    assert made.gas_used <= 310_000


def test_an_address_belongs_to_its_creator_and_is_used_once(node: Any, factory: Any, refused: Any) -> None:
    studio, thief = node.account(), node.account()
    promised = factory.collection_address(studio.address, SALT)
    node.send(thief, factory.creation(terms_of(thief), SALT, sender=thief.address, nonce=0))
    assert not AssetContract(node.web3, promised).is_deployed()
    node.send(studio, factory.creation(terms_of(studio), SALT, sender=studio.address, nonce=0))
    assert AssetContract(node.web3, promised).view("owner") == studio.address
    with refused("CollectionExists"):
        factory.creation(terms_of(studio), SALT, sender=studio.address, nonce=1)


def test_nobody_begins_a_collection_again(node: Any, collection: Any, factory: Any, refused: Any) -> None:
    thief = node.account()
    implementation = AssetContract(node.web3, factory.view("implementation"))
    assert implementation.view("owner") == ZERO_ADDRESS
    made = node.send(thief, deployment_transaction(node.web3, terms_of(thief), sender=thief.address, nonce=0))
    alone = AssetContract(node.web3, made.contract_address)
    for contract in (implementation, collection.contract, alone):
        with refused("InvalidInitialization"):
            contract.transaction("initialise", terms_of(thief).as_argument(), sender=thief.address, nonce=0)


def test_terms_that_cannot_hold_are_refused(node: Any, factory: Any, refused: Any) -> None:
    studio = node.account()
    nobody = (ZERO_ADDRESS, *terms_of(studio).as_argument()[1:])
    with refused("AdminIsZeroAddress"):
        factory.transaction("createCollection", nobody, SALT, sender=studio.address, nonce=0)
    greedy = terms_of(studio, royalty_receiver=studio.address, royalty_basis_points=10_001)
    with refused("RoyaltyOverflow"):
        factory.creation(greedy, SALT, sender=studio.address, nonce=0)
    with pytest.raises(InvalidAddress):
        factory.creation(CollectionTerms(ZERO_ADDRESS, "", "", ""), SALT, sender=studio.address, nonce=0)
    with pytest.raises(TransactionRejected, match="32 bytes"):
        factory.creation(terms_of(studio), b"short", sender=studio.address, nonce=0)


def test_a_factory_needs_an_implementation(node: Any, refused: Any) -> None:
    maker = node.account()
    with refused("ImplementationMissing"):
        factory_transaction(node.web3, maker.address, sender=maker.address, nonce=0)


def test_a_transaction_that_created_nothing_is_told_apart(node: Any, factory: Any) -> None:
    maker = node.account()
    nonce = next_nonce(node.web3, maker.address)
    made = node.send(maker, implementation_transaction(node.web3, sender=maker.address, nonce=nonce))
    with pytest.raises(ContractMissing, match="created no collection"):
        factory.created(made)


def test_the_contracts_fit_a_chain() -> None:
    assert len(lorespark_assets().deployed_bytecode) <= MOST_CODE_BYTES
    assert len(lorespark_collections().deployed_bytecode) <= MOST_CODE_BYTES
