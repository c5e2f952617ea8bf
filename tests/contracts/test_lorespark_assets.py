"""What the asset contract does and refuses, on the embedded chain and on anvil alike."""

import base64
import hashlib
from typing import Any

import pytest
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.address import ZERO_ADDRESS
from chain.artifact import lorespark_assets
from chain.asset_contract import AssetContract, CollectionTerms, MintedToken, deployment_transaction
from chain.errors import ContractMissing, TransactionRejected, TransactionReverted, UnknownToken
from chain.transactions import next_nonce

# Each example sends transactions, so a few are enough, and it does no harm that they share a collection.
FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

DIGESTS = st.binary(min_size=32, max_size=32).filter(any)
TOKEN = 1


def digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def cid_of(digest: bytes) -> str:
    """The canonical text of a CIDv1 with raw codec and sha2-256, from the specifications alone."""
    body = bytes([0x01, 0x55, 0x12, 0x20]) + digest
    return "b" + base64.b32encode(body).decode().lower().rstrip("=")


def topics(collection: Any, receipt: Any) -> list[bytes]:
    logs = collection.node.web3.eth.get_transaction_receipt(receipt.tx_hash)["logs"]
    return [bytes(log["topics"][0]) for log in logs]


# ---------------------------------------------------------------------- the collection


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
    code = collection.node.web3.eth.get_code(collection.contract.address)
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


def test_a_collection_refuses_nobody_as_its_administrator(node: Any) -> None:
    contract = node.web3.eth.contract(abi=lorespark_assets().abi, bytecode=lorespark_assets().bytecode)
    arguments = (ZERO_ADDRESS, ZERO_ADDRESS, "L", "L", "", ZERO_ADDRESS, 0)
    draft = {"from": node.account().address, "data": contract.constructor(*arguments).data_in_transaction}
    with pytest.raises(Exception, match=keccak(text="AdminIsZeroAddress()")[:4].hex()):
        node.web3.eth.estimate_gas(draft)


@pytest.mark.parametrize(
    "interface", ["01ffc9a7", "7f5828d0", "80ac58cd", "5b5e139f", "2a55205a", "49064906", "e8a3d485"]
)
def test_the_interfaces_it_has_are_declared(collection: Any, interface: str) -> None:
    assert collection.contract.view("supportsInterface", bytes.fromhex(interface)) is True


@pytest.mark.parametrize("interface", ["ffffffff", "00000000", "780e9d63", "d9b67a26"])
def test_the_interfaces_it_lacks_are_not_declared(collection: Any, interface: str) -> None:
    assert collection.contract.view("supportsInterface", bytes.fromhex(interface)) is False


# ---------------------------------------------------------------------- minting


def test_ids_count_from_one_and_a_batch_is_consecutive(collection: Any) -> None:
    digests = [digest_of(str(number)) for number in range(4)]
    first = collection.contract.minted_tokens(collection.mint(digests[0]))
    rest = collection.contract.minted_tokens(collection.mint(*digests[1:]))
    player = collection.player.address
    assert first == (MintedToken(1, player, digests[0]),)
    assert rest == tuple(MintedToken(number + 1, player, digests[number]) for number in (1, 2, 3))
    assert [collection.contract.owner_of(number) for number in (1, 2, 3, 4)] == [player] * 4
    assert [collection.contract.metadata_digest(number) for number in (1, 2, 3, 4)] == digests
    assert collection.contract.view("balanceOf", player) == collection.contract.total_minted() == 4


def test_minting_emits_a_transfer_for_each_token(collection: Any) -> None:
    receipt = collection.mint(*(digest_of(str(number)) for number in range(7)))
    assert topics(collection, receipt) == [keccak(text="Transfer(address,address,uint256)")] * 7


@FEW
@given(digests=st.lists(DIGESTS, min_size=1, max_size=6))
def test_a_token_uri_is_the_address_of_its_digest(collection: Any, digests: list[bytes]) -> None:
    for token in collection.contract.minted_tokens(collection.mint(*digests)):
        assert token.digest is not None
        assert collection.contract.token_uri(token.token_id) == f"ipfs://{cid_of(token.digest)}"
        assert collection.contract.metadata_digest(token.token_id) == token.digest


@pytest.mark.parametrize("digest", [b"\xff" * 32, bytes(31) + b"\x01", b"\x80" + bytes(31)])
def test_a_token_uri_is_right_at_the_edges_of_a_digest(collection: Any, digest: bytes) -> None:
    collection.mint(digest)
    assert collection.contract.token_uri(TOKEN) == f"ipfs://{cid_of(digest)}"


@pytest.mark.parametrize(("count", "most_gas"), [(1, 82_000), (10, 52_000), (100, 50_000)])
def test_a_token_costs_at_most_this_much_gas(collection: Any, count: int, most_gas: int) -> None:
    collection.mint(digest_of("the player's and the counter's slots are warm after this one"))
    receipt = collection.mint(*(digest_of(str(number)) for number in range(count)))
    assert receipt.gas_used / count <= most_gas


def test_empty_batches_and_empty_digests_are_refused(collection: Any) -> None:
    player, minter = collection.player.address, collection.minter
    for function, argument, reason in (
        ("mintBatch", [], "EmptyBatch"),
        ("mintBatch", [digest_of("a"), bytes(32)], "EmptyDigest"),
        ("mint", bytes(32), "EmptyDigest"),
    ):
        with pytest.raises(TransactionReverted) as refused:
            collection.do(minter, function, player, argument)
        assert refused.value.reason == reason
    assert collection.contract.total_minted() == 0


def test_a_digest_of_the_wrong_size_never_leaves_the_process(collection: Any) -> None:
    for digest in (b"", b"\x01" * 31, b"\x01" * 33, bytes(32)):
        with pytest.raises(TransactionRejected, match="32 bytes"):
            collection.contract.mint_transaction(
                collection.player.address, digest, sender=collection.minter.address, nonce=0
            )


def test_nothing_is_minted_to_nobody(collection: Any) -> None:
    with pytest.raises(TransactionReverted) as refused:
        collection.do(collection.minter, "mint", ZERO_ADDRESS, digest_of("a"))
    assert refused.value.reason == "TransferToZeroAddress"


def test_a_batch_beyond_the_gas_cap_is_refused_before_it_is_sent(collection: Any) -> None:
    with pytest.raises(TransactionRejected, match="split the batch"):
        collection.contract.mint_batch_transaction(
            collection.player.address,
            [digest_of(str(number)) for number in range(320)],
            sender=collection.minter.address,
            nonce=next_nonce(collection.node.web3, collection.minter.address),
        )


# ---------------------------------------------------------------------- permissions

# function, its arguments for a collection, who may call it
PERMISSIONS: list[tuple[str, Any, str]] = [
    ("mint", lambda c: (c.player.address, digest_of("b")), "minter"),
    ("mintBatch", lambda c: (c.player.address, [digest_of("b")]), "minter"),
    ("updateMetadata", lambda c: (TOKEN, digest_of("b")), "admin"),
    ("setContractURI", lambda c: ("ipfs://other",), "admin"),
    ("setDefaultRoyalty", lambda c: (c.player.address, 100), "admin"),
    ("deleteDefaultRoyalty", lambda c: (), "admin"),
    ("grantRoles", lambda c: (c.stranger.address, 1), "admin"),
    ("revokeRoles", lambda c: (c.minter.address, 1), "admin"),
    ("transferOwnership", lambda c: (c.player.address,), "admin"),
    ("renounceOwnership", lambda c: (), "admin"),
    ("freezeMetadata", lambda c: (TOKEN,), "admin"),
    ("freezeMetadata", lambda c: (TOKEN,), "player"),
]


@pytest.mark.parametrize(("function", "arguments", "who"), PERMISSIONS)
def test_those_who_may_can(collection: Any, function: str, arguments: Any, who: str) -> None:
    collection.mint(digest_of("a"))
    assert collection.do(getattr(collection, who), function, *arguments(collection)).status == 1


@pytest.mark.parametrize(("function", "arguments", "who"), PERMISSIONS)
def test_those_who_may_not_cannot(collection: Any, function: str, arguments: Any, who: str) -> None:
    collection.mint(digest_of("a"))
    others = {"admin": ("minter", "player", "stranger"), "minter": ("admin", "player", "stranger")}
    for other in ("minter", "stranger") if function == "freezeMetadata" else others[who]:
        with pytest.raises(TransactionReverted) as refused:
            collection.do(getattr(collection, other), function, *arguments(collection))
        assert refused.value.reason == "Unauthorized"


def test_the_minter_role_can_be_given_and_taken(collection: Any) -> None:
    collection.do(collection.admin, "grantRoles", collection.stranger.address, 1)
    collection.do(collection.stranger, "mint", collection.player.address, digest_of("a"))
    collection.do(collection.admin, "revokeRoles", collection.stranger.address, 1)
    with pytest.raises(TransactionReverted):
        collection.do(collection.stranger, "mint", collection.player.address, digest_of("b"))
    assert collection.contract.total_minted() == 1


# ---------------------------------------------------------------------- metadata


def test_metadata_changes_until_it_is_frozen_for_ever(collection: Any) -> None:
    collection.mint(digest_of("a"))
    changed = collection.do(collection.admin, "updateMetadata", TOKEN, digest_of("b"))
    assert topics(collection, changed) == [keccak(text="MetadataUpdate(uint256)")]
    assert collection.contract.metadata_digest(TOKEN) == digest_of("b")
    assert not collection.contract.metadata_frozen(TOKEN)

    frozen = collection.do(collection.player, "freezeMetadata", TOKEN)
    assert topics(collection, frozen) == [keccak(text="MetadataFrozen(uint256)")]
    collection.do(
        collection.player, "transferFrom", collection.player.address, collection.stranger.address, TOKEN
    )
    for function, arguments in (("updateMetadata", (TOKEN, digest_of("c"))), ("freezeMetadata", (TOKEN,))):
        with pytest.raises(TransactionReverted) as refused:
            collection.do(collection.admin, function, *arguments)
        assert refused.value.reason == "MetadataIsFrozen"
    assert collection.contract.metadata_frozen(TOKEN)
    assert collection.contract.metadata_digest(TOKEN) == digest_of("b")


def test_metadata_is_never_updated_to_nothing(collection: Any) -> None:
    collection.mint(digest_of("a"))
    with pytest.raises(TransactionReverted) as refused:
        collection.do(collection.admin, "updateMetadata", TOKEN, bytes(32))
    assert refused.value.reason == "EmptyDigest"


def test_a_new_collection_address_is_announced(collection: Any) -> None:
    changed = collection.do(collection.admin, "setContractURI", "ipfs://other")
    assert topics(collection, changed) == [keccak(text="ContractURIUpdated()")]
    assert collection.contract.view("contractURI") == "ipfs://other"


# ---------------------------------------------------------------------- royalty


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


# ---------------------------------------------------------------------- owning and moving


def test_an_owner_moves_a_token_and_a_stranger_does_not(collection: Any) -> None:
    collection.mint(digest_of("a"))
    player, stranger = collection.player.address, collection.stranger.address
    with pytest.raises(TransactionReverted) as refused:
        collection.do(collection.stranger, "transferFrom", player, stranger, TOKEN)
    assert refused.value.reason == "NotOwnerNorApproved"
    collection.do(collection.player, "transferFrom", player, stranger, TOKEN)
    assert collection.contract.owner_of(TOKEN) == stranger
    assert collection.contract.view("balanceOf", player) == 0
    assert collection.contract.view("balanceOf", stranger) == 1


def test_an_approval_is_for_one_token_and_one_move(collection: Any) -> None:
    collection.mint(digest_of("a"), digest_of("b"))
    player, stranger = collection.player.address, collection.stranger.address
    collection.do(collection.player, "approve", stranger, 1)
    assert collection.contract.view("getApproved", 1) == stranger
    with pytest.raises(TransactionReverted):
        collection.do(collection.stranger, "transferFrom", player, stranger, 2)
    collection.do(collection.stranger, "transferFrom", player, collection.minter.address, 1)
    assert collection.contract.view("getApproved", 1) == ZERO_ADDRESS
    with pytest.raises(TransactionReverted):
        collection.do(collection.stranger, "transferFrom", collection.minter.address, stranger, 1)


def test_an_operator_moves_everything_until_stopped(collection: Any) -> None:
    collection.mint(digest_of("a"), digest_of("b"))
    player, stranger = collection.player.address, collection.stranger.address
    collection.do(collection.player, "setApprovalForAll", stranger, True)
    collection.do(collection.stranger, "transferFrom", player, stranger, 1)
    collection.do(collection.player, "setApprovalForAll", stranger, False)
    with pytest.raises(TransactionReverted):
        collection.do(collection.stranger, "transferFrom", player, stranger, 2)
    assert [collection.contract.owner_of(number) for number in (1, 2)] == [stranger, player]


def test_a_safe_transfer_refuses_a_contract_that_cannot_hold_tokens(collection: Any) -> None:
    collection.mint(digest_of("a"))
    with pytest.raises(TransactionReverted):
        collection.do(
            collection.player,
            "safeTransferFrom(address,address,uint256)",
            collection.player.address,
            collection.contract.address,
            TOKEN,
        )
    assert collection.contract.owner_of(TOKEN) == collection.player.address


def test_a_token_that_does_not_exist_is_unknown(collection: Any) -> None:
    collection.mint(digest_of("a"))
    for view in (
        collection.contract.token_uri,
        collection.contract.metadata_digest,
        collection.contract.owner_of,
    ):
        for unknown in (0, 2, 2**256 - 1):
            with pytest.raises(UnknownToken, match=f"no token {unknown};"):
                view(unknown)
    for function, arguments in (("updateMetadata", (2, digest_of("a"))), ("freezeMetadata", (2,))):
        with pytest.raises(TransactionReverted) as refused:
            collection.do(collection.admin, function, *arguments)
        assert refused.value.reason == "TokenDoesNotExist"


def test_transfers_are_found_in_their_order(collection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chain.asset_contract.BLOCKS_PER_LOG_REQUEST", 2)
    player, stranger = collection.player.address, collection.stranger.address
    first = collection.mint(digest_of("a"), digest_of("b"))
    collection.do(collection.admin, "setContractURI", "ipfs://not-a-transfer")
    last = collection.do(collection.player, "transferFrom", player, stranger, 2)
    found = list(collection.contract.transfers(first.block_number, last.block_number))
    assert [(item.token_id, item.sender, item.receiver) for item in found] == [
        (1, ZERO_ADDRESS, player),
        (2, ZERO_ADDRESS, player),
        (2, player, stranger),
    ]
    assert [item.tx_hash for item in found] == [first.tx_hash, first.tx_hash, last.tx_hash]
    assert [item.block_hash for item in found] == [first.block_hash, first.block_hash, last.block_hash]
    assert list(collection.contract.transfers(first.block_number, first.block_number)) == found[:2]
    assert list(collection.contract.transfers(last.block_number + 1, last.block_number)) == []


def test_an_address_without_a_contract_is_told_apart(node: Any) -> None:
    contract = AssetContract(node.web3, node.account().address)
    assert not contract.is_deployed()
    with pytest.raises(ContractMissing, match="no such contract"):
        contract.owner_of(TOKEN)
