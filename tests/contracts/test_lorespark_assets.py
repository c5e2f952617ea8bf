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
from chain.asset_contract import AssetContract
from chain.collection import CollectionTerms, deployment_transaction
from chain.errors import ContractMissing, TransactionRejected, TransactionReverted, UnknownToken
from chain.transactions import next_nonce
from chain.transfer import MintedToken

# Each example sends transactions, so a few are enough, and it does no harm that they share a collection.
FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

DIGESTS = st.binary(min_size=32, max_size=32).filter(any)
TOKEN = 256  # the first of the first page


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


# ---------------------------------------------------------------------- minting


def test_an_id_is_a_page_and_an_index(collection: Any) -> None:
    digests = [digest_of(str(number)) for number in range(4)]
    first = collection.contract.minted_tokens(collection.mint(digests[0]))
    rest = collection.contract.minted_tokens(collection.mint(*digests[1:]))
    player = collection.player.address
    ids = [256, 512, 513, 514]
    assert first == (MintedToken(256, player, digests[0]),)
    assert rest == tuple(MintedToken(ids[number], player, digests[number]) for number in (1, 2, 3))
    assert [collection.contract.owner_of(number) for number in ids] == [player] * 4
    assert [collection.contract.metadata_digest(number) for number in ids] == digests
    assert collection.contract.view("balanceOf", player) == collection.contract.total_minted() == 4
    assert collection.contract.view("totalPages") == 2


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


def test_batches_of_no_size_and_empty_digests_are_refused(collection: Any, refused: Any) -> None:
    player, minter = collection.player.address, collection.minter
    for function, arguments, reason in (
        ("mintBatch", (player, []), "EmptyBatch"),
        ("mintBatch", (player, [digest_of("a")] * 257), "BatchTooLarge"),
        ("mintMany", ([], []), "EmptyBatch"),
        ("mintMany", ([player] * 257, [digest_of("a")] * 257), "BatchTooLarge"),
        ("mintMany", ([player], [digest_of("a")] * 2), "LengthsDiffer"),
        ("mint", (player, bytes(32)), "EmptyDigest"),
    ):
        with refused(reason):
            collection.do(minter, function, *arguments)
    assert collection.contract.total_minted() == 0


def test_a_digest_of_the_wrong_size_never_leaves_the_process(collection: Any) -> None:
    for digest in (b"", b"\x01" * 31, b"\x01" * 33, bytes(32)):
        with pytest.raises(TransactionRejected, match="32 bytes"):
            collection.contract.mint_transaction(
                collection.player.address, digest, sender=collection.minter.address, nonce=0
            )


def test_nothing_is_minted_to_nobody(collection: Any, refused: Any) -> None:
    for function, arguments in (
        ("mint", (ZERO_ADDRESS, digest_of("a"))),
        ("mintBatch", (ZERO_ADDRESS, [digest_of("a")])),
        ("mintMany", ([collection.player.address, ZERO_ADDRESS], [digest_of("a"), digest_of("b")])),
    ):
        with refused("TransferToZeroAddress"):
            collection.do(collection.minter, function, *arguments)


def test_a_batch_larger_than_a_page_never_leaves_the_process(collection: Any) -> None:
    for count in (0, 257):
        with pytest.raises(TransactionRejected, match="1 to 256"):
            collection.contract.mint_batch_transaction(
                collection.player.address,
                [digest_of(str(number)) for number in range(count)],
                sender=collection.minter.address,
                nonce=0,
            )


# ---------------------------------------------------------------------- permissions

# function, its arguments for a collection, who may call it
PERMISSIONS: list[tuple[str, Any, str]] = [
    ("mint", lambda c: (c.player.address, digest_of("b")), "minter"),
    ("mintBatch", lambda c: (c.player.address, [digest_of("b")]), "minter"),
    ("updateMetadata", lambda c: (TOKEN, digest_of("b")), "admin"),
    ("setContractURI", lambda c: ("ipfs://other",), "admin"),
    ("mintMany", lambda c: ([c.player.address], [digest_of("b")]), "minter"),
    ("setMintingPaused", lambda c: (True,), "admin"),
    ("setAigcVerifier", lambda c: (c.player.address,), "admin"),
    ("setDefaultRoyalty", lambda c: (c.player.address, 100), "admin"),
    ("deleteDefaultRoyalty", lambda c: (), "admin"),
    ("grantRoles", lambda c: (c.stranger.address, 1), "admin"),
    ("revokeRoles", lambda c: (c.minter.address, 1), "admin"),
    ("burn", lambda c: (TOKEN,), "player"),
    ("approve", lambda c: (c.stranger.address, TOKEN), "player"),
    ("transferFrom", lambda c: (c.player.address, c.stranger.address, TOKEN), "player"),
    ("renounceOwnership", lambda c: (), "admin"),
    ("freezeMetadata", lambda c: (TOKEN,), "admin"),
    ("freezeMetadata", lambda c: (TOKEN,), "player"),
]


@pytest.mark.parametrize(("function", "arguments", "who"), PERMISSIONS)
def test_those_who_may_can(collection: Any, function: str, arguments: Any, who: str) -> None:
    collection.mint(digest_of("a"))
    assert collection.do(getattr(collection, who), function, *arguments(collection)).status == 1


@pytest.mark.parametrize(("function", "arguments", "who"), PERMISSIONS)
def test_those_who_may_not_cannot(
    collection: Any, function: str, arguments: Any, who: str, refused: Any
) -> None:
    collection.mint(digest_of("a"))
    owners_own = function in ("burn", "approve", "transferFrom")
    others = {"admin", "minter", "house", "player", "stranger"} - {who}
    if function == "freezeMetadata":
        others -= {"admin", "player"}
    for other in sorted(others):
        with refused("NotOwnerNorApproved" if owners_own else "Unauthorized"):
            collection.do(getattr(collection, other), function, *arguments(collection))


def test_the_minter_role_can_be_given_and_taken(collection: Any) -> None:
    collection.do(collection.admin, "grantRoles", collection.stranger.address, 1)
    collection.do(collection.stranger, "mint", collection.player.address, digest_of("a"))
    collection.do(collection.admin, "revokeRoles", collection.stranger.address, 1)
    with pytest.raises(TransactionReverted):
        collection.do(collection.stranger, "mint", collection.player.address, digest_of("b"))
    assert collection.contract.total_minted() == 1


def test_ownership_takes_the_new_owner_and_the_old_one(collection: Any, refused: Any) -> None:
    admin, player = collection.admin, collection.player
    with refused("NoHandoverRequest"):
        collection.do(admin, "transferOwnership", player.address)
    collection.do(player, "requestOwnershipHandover")
    with refused("Unauthorized"):
        collection.do(player, "completeOwnershipHandover", player.address)
    collection.do(admin, "transferOwnership", player.address)
    assert collection.contract.view("owner") == player.address
    with refused("Unauthorized"):
        collection.do(admin, "setContractURI", "ipfs://mine")


def test_losing_the_role_stops_the_first_minter_too(collection: Any, refused: Any) -> None:
    minter, stranger = collection.minter, collection.stranger
    collection.do(collection.admin, "grantRoles", stranger.address, 1 | 2)
    collection.do(collection.admin, "revokeRoles", minter.address, 1)
    with refused("Unauthorized"):
        collection.do(minter, "mint", collection.player.address, digest_of("a"))
    collection.do(stranger, "mint", collection.player.address, digest_of("a"))
    collection.do(collection.admin, "grantRoles", minter.address, 1)
    collection.do(minter, "mint", collection.player.address, digest_of("b"))
    collection.do(minter, "renounceRoles", 1)
    with refused("Unauthorized"):
        collection.do(minter, "mint", collection.player.address, digest_of("c"))
    collection.do(stranger, "mint", collection.player.address, digest_of("c"))


def test_a_pause_stops_minting_and_nothing_else(collection: Any, refused: Any) -> None:
    collection.mint(digest_of("a"))
    paused = collection.do(collection.admin, "setMintingPaused", True)
    assert topics(collection, paused) == [keccak(text="MintingPaused(bool)")]
    assert collection.contract.view("mintingPaused") is True
    player, stranger = collection.player.address, collection.stranger.address
    for function, arguments in (
        ("mint", (player, digest_of("b"))),
        ("mintBatch", (player, [digest_of("b")])),
        ("mintMany", ([player], [digest_of("b")])),
    ):
        with refused("MintingIsPaused"):
            collection.do(collection.minter, function, *arguments)
    collection.do(collection.player, "transferFrom", player, stranger, TOKEN)
    collection.do(collection.stranger, "burn", TOKEN)
    collection.do(collection.admin, "setMintingPaused", False)
    assert collection.contract.view("mintingPaused") is False
    collection.mint(digest_of("b"))
    assert collection.contract.total_minted() == 2


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
    collection.do(collection.player, "approve", stranger, TOKEN)
    assert collection.contract.view("getApproved", TOKEN) == stranger
    with pytest.raises(TransactionReverted):
        collection.do(collection.stranger, "transferFrom", player, stranger, TOKEN + 1)
    collection.do(collection.stranger, "transferFrom", player, collection.minter.address, TOKEN)
    assert collection.contract.view("getApproved", TOKEN) == ZERO_ADDRESS
    with pytest.raises(TransactionReverted):
        collection.do(collection.stranger, "transferFrom", collection.minter.address, stranger, TOKEN)


def test_an_operator_moves_everything_until_stopped(collection: Any) -> None:
    collection.mint(digest_of("a"), digest_of("b"))
    player, stranger = collection.player.address, collection.stranger.address
    collection.do(collection.player, "setApprovalForAll", stranger, True)
    collection.do(collection.stranger, "transferFrom", player, stranger, TOKEN)
    collection.do(collection.player, "setApprovalForAll", stranger, False)
    with pytest.raises(TransactionReverted):
        collection.do(collection.stranger, "transferFrom", player, stranger, TOKEN + 1)
    assert [collection.contract.owner_of(number) for number in (TOKEN, TOKEN + 1)] == [stranger, player]


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
        for unknown in (0, 1, TOKEN + 1, 2 * TOKEN, 2**72 + TOKEN, 2**256 - 1):
            with pytest.raises(UnknownToken, match=f"no token {unknown};"):
                view(unknown)
    for function, arguments in (
        ("updateMetadata", (2, digest_of("a"))),
        ("freezeMetadata", (2,)),
        ("burn", (2,)),
    ):
        with pytest.raises(TransactionReverted) as refused:
            collection.do(collection.admin, function, *arguments)
        assert refused.value.reason == "TokenDoesNotExist"


def test_transfers_are_found_in_their_order(collection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chain.asset_contract.BLOCKS_PER_LOG_REQUEST", 2)
    player, stranger = collection.player.address, collection.stranger.address
    first = collection.mint(digest_of("a"), digest_of("b"))
    collection.do(collection.admin, "setContractURI", "ipfs://not-a-transfer")
    last = collection.do(collection.player, "transferFrom", player, stranger, TOKEN + 1)
    found = list(collection.contract.transfers(first.block_number, last.block_number))
    assert [(item.token_id, item.sender, item.receiver) for item in found] == [
        (TOKEN, ZERO_ADDRESS, player),
        (TOKEN + 1, ZERO_ADDRESS, player),
        (TOKEN + 1, player, stranger),
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
