"""Who may call what: each function with an account that may and with all that may not."""

from typing import Any

import pytest
from eth_utils.crypto import keccak

from chain.artifact import lorespark_assets
from chain.errors import TransactionReverted
from tests.contracts.tokens import TOKEN, digest_of, topics

SAFE_TRANSFER = "safeTransferFrom(address,address,uint256)"
SAFE_TRANSFER_WITH = "safeTransferFrom(address,address,uint256,bytes)"

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
    (SAFE_TRANSFER, lambda c: (c.player.address, c.stranger.address, TOKEN), "player"),
    (SAFE_TRANSFER_WITH, lambda c: (c.player.address, c.stranger.address, TOKEN, b"data"), "player"),
    ("renounceOwnership", lambda c: (), "admin"),
    ("freezeMetadata", lambda c: (TOKEN,), "admin"),
    ("freezeMetadata", lambda c: (TOKEN,), "player"),
]


# Everything else that writes, and who may.
ELSEWHERE = {
    "addAigcData": "test_provenance.py: who may move the token, and minters",
    "initialise": "test_collections.py: nobody, after the first time",
    "setApprovalForAll": "anybody, of their own tokens",
    "renounceRoles": "anybody, of their own roles",
    "requestOwnershipHandover": "anybody, for themselves",
    "cancelOwnershipHandover": "anybody, of their own request",
    "completeOwnershipHandover": "below: the owner, for who asked",
    "transferOwnership": "below: the same",
}


def test_every_function_that_writes_has_its_permission_tested() -> None:
    writes = {
        each["name"]
        for each in lorespark_assets().abi
        if each["type"] == "function" and each["stateMutability"] not in ("view", "pure")
    }
    listed = {function.partition("(")[0] for function, _, _ in PERMISSIONS}
    assert writes == listed | ELSEWHERE.keys()
    assert not listed & ELSEWHERE.keys()


@pytest.mark.parametrize(("function", "arguments", "who"), PERMISSIONS)
def test_those_who_may_can(collection: Any, function: str, arguments: Any, who: str) -> None:
    collection.mint(digest_of("a"))
    assert collection.do(getattr(collection, who), function, *arguments(collection)).status == 1


@pytest.mark.parametrize(("function", "arguments", "who"), PERMISSIONS)
def test_those_who_may_not_cannot(
    collection: Any, function: str, arguments: Any, who: str, refused: Any
) -> None:
    collection.mint(digest_of("a"))
    owners_own = function in ("burn", "approve", "transferFrom", SAFE_TRANSFER, SAFE_TRANSFER_WITH)
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


def test_nobody_else_ends_a_handover_and_one_that_was_taken_back_is_none(
    collection: Any, refused: Any
) -> None:
    player = collection.player
    collection.do(player, "requestOwnershipHandover")
    for function in ("transferOwnership", "completeOwnershipHandover"):
        for other in (collection.minter, collection.house, collection.stranger, player):
            with refused("Unauthorized"):
                collection.do(other, function, player.address)
    collection.do(player, "cancelOwnershipHandover")
    for function in ("transferOwnership", "completeOwnershipHandover"):
        with refused("NoHandoverRequest"):
            collection.do(collection.admin, function, player.address)
    assert collection.contract.view("owner") == collection.admin.address


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
