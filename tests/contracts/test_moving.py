"""Owning, approving and moving, and how transfers are found."""

from typing import Any

import pytest

from chain.address import ZERO_ADDRESS
from chain.asset_contract import AssetContract
from chain.errors import ContractMissing, TransactionReverted, UnknownToken
from tests.contracts.tokens import TOKEN, digest_of


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
