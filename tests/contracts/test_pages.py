"""Pages of tokens: their data contracts, their first owners, and what a token costs."""

import hashlib
from typing import Any

import pytest
import rlp
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.address import ZERO_ADDRESS
from chain.asset_contract import AssetContract
from chain.collection import CollectionTerms, deployment_transaction
from chain.errors import UnknownToken
from chain.transactions import next_nonce
from chain.transfer import MintedToken

FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PAGE = 256


def digests(count: int, salt: str = "") -> list[bytes]:
    return [hashlib.sha256(f"{salt}{number}".encode()).digest() for number in range(count)]


def created_address(creator: str, nonce: int) -> str:
    """Where CREATE puts a contract (yellow paper, section 7)."""
    return to_checksum_address(keccak(rlp.encode([bytes.fromhex(creator[2:]), nonce]))[12:])


# ---------------------------------------------------------------------- data contracts


def test_a_page_is_the_code_that_was_promised(collection: Any) -> None:
    web3, contract = collection.node.web3, collection.contract
    collection.mint(*digests(3))
    collection.mint_to(collection.house.address, *digests(2, "house"))
    owner = bytes.fromhex(collection.player.address[2:])
    for number, code in (
        (1, b"\0" + owner + b"".join(digests(3))),
        (2, b"\0" + b"".join(digests(2, "house"))),
    ):
        address = contract.view("pageAddress", number)
        assert address == created_address(contract.address, number)
        assert bytes(web3.eth.get_code(address)) == code
    assert web3.eth.get_code(contract.view("pageAddress", 3)) == b""


def test_running_a_page_does_nothing(collection: Any) -> None:
    invalid = b"\xfe" * 32  # an instruction that no call survives, were it reached
    collection.mint_to(collection.house.address, invalid)
    page = collection.contract.view("pageAddress", 1)
    assert collection.node.web3.eth.call({"to": page, "data": "0xff"}) == b""


@FEW
@given(
    sizes=st.lists(st.sampled_from([1, 2, 7, 8, 9, 15, 16, 17]), min_size=1, max_size=3), housed=st.booleans()
)
def test_every_token_of_a_page_has_its_owner_digest_and_event(
    collection: Any, sizes: list[int], housed: bool
) -> None:
    owner = collection.house.address if housed else collection.player.address
    before = collection.contract.view("balanceOf", owner)
    for size in sizes:
        page = collection.contract.view("totalPages") + 1
        wanted = digests(size, str(page))
        minted = collection.contract.minted_tokens(collection.mint_to(owner, *wanted))
        assert minted == tuple(
            MintedToken((page << 8) + index, owner, digest) for index, digest in enumerate(wanted)
        )
        for token in minted:
            assert collection.contract.owner_of(token.token_id) == owner
            assert collection.contract.metadata_digest(token.token_id) == token.digest
        with pytest.raises(UnknownToken):
            collection.contract.owner_of((page << 8) + size)
    assert collection.contract.view("balanceOf", owner) == before + sum(sizes)


def test_a_whole_page_is_256_tokens(collection: Any) -> None:
    wanted = digests(256)
    minted = collection.contract.minted_tokens(collection.mint(*wanted))
    assert [token.token_id for token in minted] == list(range(PAGE, 2 * PAGE))
    assert collection.contract.metadata_digest(PAGE + 255) == wanted[255]
    assert collection.contract.owner_of(PAGE + 255) == collection.player.address
    for unknown in (PAGE - 1, 2 * PAGE):
        with pytest.raises(UnknownToken):
            collection.contract.owner_of(unknown)


@pytest.mark.needs_npm
def test_pages_are_found_beyond_one_byte_of_nonce(collection: Any, compiled: Any) -> None:
    mints = collection.node.deploy(compiled("ManyMints"))
    collection.do(collection.admin, "grantRoles", mints.address, 1)
    for first, count in ((1, 130), (131, 130)):
        mints.do(
            mints.owner, "mintPages", collection.contract.address, collection.player.address, first, count
        )
    for page in (1, 127, 128, 129, 255, 256, 257, 260):
        assert collection.contract.view("pageAddress", page) == created_address(
            collection.contract.address, page
        )
        assert collection.contract.metadata_digest(page << 8) == (page << 8).to_bytes(32, "big")
        assert collection.contract.owner_of(page << 8) == collection.player.address
    with pytest.raises(UnknownToken):
        collection.contract.owner_of(261 << 8)


# ---------------------------------------------------------------------- the house


def test_the_house_moves_its_tokens_and_nobody_elses(collection: Any, refused: Any) -> None:
    house, player = collection.house, collection.player
    assert collection.contract.view("house") == house.address
    collection.mint_to(house.address, *digests(2))
    collection.mint(*digests(2, "player"))
    with refused("TransferFromIncorrectOwner"):
        collection.do(house, "transferFrom", house.address, player.address, 2 * PAGE)
    with refused("TransferFromIncorrectOwner"):
        collection.do(player, "transferFrom", player.address, house.address, PAGE)
    with refused("NotOwnerNorApproved"):
        collection.do(player, "transferFrom", house.address, player.address, PAGE)
    collection.do(house, "transferFrom", house.address, player.address, PAGE)
    collection.do(player, "transferFrom", player.address, house.address, 2 * PAGE + 1)
    owners = [collection.contract.owner_of(token) for token in (PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1)]
    assert owners == [player.address, house.address, player.address, house.address]
    assert [collection.contract.view("balanceOf", who.address) for who in (house, player)] == [2, 2]


def test_a_collection_without_a_house_has_none(node: Any) -> None:
    admin = node.account()
    terms = CollectionTerms(admin.address, "L", "L", "", minter=admin.address)
    made = node.send(admin, deployment_transaction(node.web3, terms, sender=admin.address, nonce=0))
    contract = collection_at(node, made.contract_address)
    assert contract.view("house") == ZERO_ADDRESS
    node.send(
        admin, contract.mint_many_transaction([(admin.address, digests(1)[0])], sender=admin.address, nonce=1)
    )
    assert contract.owner_of(PAGE) == admin.address


def collection_at(node: Any, address: str) -> Any:

    return AssetContract(node.web3, address)


# ---------------------------------------------------------------------- many owners, and burning


def test_one_page_may_have_as_many_owners_as_tokens(collection: Any, refused: Any) -> None:
    node, contract = collection.node, collection.contract
    owners = [collection.player.address, collection.stranger.address, collection.house.address]
    pairs = list(zip([*owners, owners[0]], digests(4), strict=True))
    call = contract.mint_many_transaction(
        pairs,
        sender=collection.minter.address,
        nonce=next_nonce(node.web3, collection.minter.address),
    )
    minted = contract.minted_tokens(node.send(collection.minter, call))
    assert [(token.owner, token.digest) for token in minted] == pairs
    assert [contract.owner_of(token.token_id) for token in minted] == [owner for owner, _ in pairs]
    assert [contract.metadata_digest(token.token_id) for token in minted] == digests(4)
    assert [contract.view("balanceOf", owner) for owner in owners] == [2, 1, 1]
    with refused("TransferFromIncorrectOwner"):
        collection.do(collection.house, "transferFrom", owners[2], owners[0], PAGE)
    collection.do(collection.player, "transferFrom", owners[0], owners[1], PAGE)
    assert contract.owner_of(PAGE) == owners[1]
    with pytest.raises(UnknownToken):
        contract.owner_of(PAGE + 4)


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("who", ["player", "house"])
def test_a_burned_token_is_gone_for_ever(collection: Any, refused: Any, moved: bool, who: str) -> None:
    owner, other = getattr(collection, who), collection.stranger
    collection.mint_to(owner.address, *digests(2))
    if moved:
        collection.do(owner, "transferFrom", owner.address, other.address, PAGE)
        owner = other
    before = collection.contract.view("balanceOf", owner.address)
    collection.do(owner, "burn", PAGE)
    assert collection.contract.view("balanceOf", owner.address) == before - 1
    assert collection.contract.total_minted() == 2
    for view in (
        collection.contract.owner_of,
        collection.contract.metadata_digest,
        collection.contract.token_uri,
    ):
        with pytest.raises(UnknownToken):
            view(PAGE)
    for function, arguments in (
        ("burn", (PAGE,)),
        ("approve", (other.address, PAGE)),
        ("transferFrom", (owner.address, collection.minter.address, PAGE)),
        ("freezeMetadata", (PAGE,)),
    ):
        with refused("TokenDoesNotExist"):
            collection.do(owner, function, *arguments)
    with refused("TokenDoesNotExist"):
        collection.do(collection.admin, "updateMetadata", PAGE, digests(1)[0])


def test_who_may_move_a_token_may_burn_it(collection: Any, refused: Any) -> None:
    collection.mint(*digests(3))
    with refused("NotOwnerNorApproved"):
        collection.do(collection.stranger, "burn", PAGE)
    collection.do(collection.player, "approve", collection.stranger.address, PAGE)
    collection.do(collection.stranger, "burn", PAGE)
    collection.do(collection.player, "setApprovalForAll", collection.stranger.address, True)
    collection.do(collection.stranger, "burn", PAGE + 1)
    assert collection.contract.view("balanceOf", collection.player.address) == 1


# ---------------------------------------------------------------------- gas

# Minted to, by the page of so many: the most gas for each token. The house's pages carry no owner.
MINT_GAS = [("house", 1, 77_500), ("house", 100, 9_530), ("player", 1, 81_500), ("player", 100, 9_570)]


@pytest.mark.parametrize(("who", "count", "most_gas"), MINT_GAS)
def test_a_token_costs_at_most_this_much_gas(collection: Any, who: str, count: int, most_gas: int) -> None:
    owner = getattr(collection, who).address
    collection.mint_to(owner, *digests(1, "the owner's and the counters' slots are warm after this one"))
    assert collection.mint_to(owner, *digests(count)).gas_used / count <= most_gas


def test_a_collection_with_code_of_its_own_reaches_the_goals(node: Any) -> None:
    admin, player = node.account(), node.account()
    terms = CollectionTerms(admin.address, "L", "L", "", minter=admin.address, house=admin.address)
    made = node.send(admin, deployment_transaction(node.web3, terms, sender=admin.address, nonce=0))
    contract = collection_at(node, made.contract_address)

    def send(signer: Any, function: str, *arguments: Any) -> int:
        nonce = next_nonce(node.web3, signer.address)
        call = contract.transaction(function, *arguments, sender=signer.address, nonce=nonce)
        return int(node.send(signer, call).gas_used)

    send(admin, "mint", admin.address, digests(1)[0])
    send(admin, "mint", player.address, digests(1)[0])
    assert send(admin, "mintBatch", admin.address, digests(100)) / 100 <= 9_500
    for index in (0, 57, 99):
        assert send(admin, "transferFrom", admin.address, player.address, 3 * PAGE + index) <= 62_000
    send(admin, "mintBatch", player.address, digests(100))
    assert send(player, "transferFrom", player.address, admin.address, 4 * PAGE + 57) <= 62_000
