"""Contracts that answer a transfer or a payment with a call of their own gain nothing by it."""

import hashlib
from typing import Any

import pytest

from chain.address import ZERO_ADDRESS
from chain.asset_contract import VOUCHER_ROLE
from chain.errors import TransactionReverted
from chain.voucher import Voucher, VoucherContract, sign_voucher, vouchers_transaction

pytestmark = pytest.mark.needs_npm

TOKEN = 256
SAFE_TRANSFER = "safeTransferFrom(address,address,uint256)"


def digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def encoded(contract: Any, function: str, *arguments: Any) -> bytes:
    return bytes.fromhex(contract._contract.encode_abi(function, args=list(arguments))[2:])


@pytest.fixture
def hostile(collection: Any, compiled: Any) -> Any:
    return collection.node.deploy(compiled("HostileReceiver"))


def test_a_receiver_cannot_move_a_token_on_behind_the_senders_back(collection: Any, hostile: Any) -> None:
    """It owns the token by then, so it may move it: once, and every balance stays true."""
    contract, player, stranger = collection.contract, collection.player, collection.stranger
    collection.mint(digest_of("a"), digest_of("b"))
    onward = encoded(contract, "transferFrom", hostile.address, stranger.address, TOKEN)
    hostile.do(hostile.owner, "prepare", contract.address, onward, 0)
    collection.do(player, SAFE_TRANSFER, player.address, hostile.address, TOKEN)
    assert (hostile.contract.view("attempts"), hostile.contract.view("successes")) == (1, 1)
    assert contract.owner_of(TOKEN) == stranger.address
    balances = [
        contract.view("balanceOf", who) for who in (player.address, hostile.address, stranger.address)
    ]
    assert balances == [1, 0, 1]


@pytest.mark.parametrize("other", ["the sender's other token", "the same token back", "burning the other"])
def test_a_receiver_cannot_touch_what_is_not_its_own(collection: Any, hostile: Any, other: str) -> None:
    contract, player = collection.contract, collection.player
    collection.mint(digest_of("a"), digest_of("b"))
    call = {
        "the sender's other token": ("transferFrom", player.address, hostile.address, TOKEN + 1),
        "the same token back": ("transferFrom", player.address, hostile.address, TOKEN),
        "burning the other": ("burn", TOKEN + 1),
    }[other]
    hostile.do(hostile.owner, "prepare", contract.address, encoded(contract, *call), 0)
    collection.do(player, SAFE_TRANSFER, player.address, hostile.address, TOKEN)
    assert (hostile.contract.view("attempts"), hostile.contract.view("successes")) == (1, 0)
    assert [contract.owner_of(token) for token in (TOKEN, TOKEN + 1)] == [hostile.address, player.address]


@pytest.mark.parametrize("answer", [bytes(4), b"\xff\xff\xff\xff"])
def test_a_receiver_that_answers_wrongly_gets_nothing(
    collection: Any, hostile: Any, refused: Any, answer: bytes
) -> None:
    collection.mint(digest_of("a"))
    hostile.do(hostile.owner, "answerWith", answer)
    player = collection.player
    with refused("TransferToNonERC721ReceiverImplementer"):
        collection.do(player, SAFE_TRANSFER, player.address, hostile.address, TOKEN)
    assert collection.contract.owner_of(TOKEN) == player.address


def test_minting_and_claiming_call_nobody(collection: Any, hostile: Any) -> None:
    hostile.do(hostile.owner, "prepare", collection.contract.address, b"", 0)
    collection.mint_to(hostile.address, digest_of("a"))
    collection.mint_to(hostile.address, digest_of("a"), digest_of("b"))
    assert hostile.contract.view("attempts") == 0
    assert collection.contract.view("balanceOf", hostile.address) == 3


@pytest.mark.parametrize("attack", ["claim", "withdraw"])
def test_a_refund_cannot_claim_twice_or_reach_the_proceeds(
    collection: Any, hostile: Any, refused: Any, attack: str
) -> None:
    node, studio, maker = collection.node, collection.node.account(), collection.node.account()
    made = node.send(maker, vouchers_transaction(node.web3, sender=maker.address, nonce=0))
    vouchers = VoucherContract(node.web3, made.contract_address)
    collection.do(collection.admin, "grantRoles", vouchers.address, 1)
    collection.do(collection.admin, "grantRoles", studio.address, VOUCHER_ROLE)
    voucher = Voucher(collection.contract.address, digest_of("a"), 0, 2**40, 100, hostile.address)
    signed = sign_voucher(studio, voucher, chain_id=node.web3.eth.chain_id, contract=vouchers.address)
    struct = tuple(voucher.message().values())
    claim = encoded(vouchers, "claim", struct, studio.address, signed.signature, ZERO_ADDRESS)
    withdraw = encoded(vouchers, "withdraw", collection.contract.address, hostile.address)
    again, value_wei = (claim, 100) if attack == "claim" else (withdraw, 0)
    hostile.do(hostile.owner, "prepare", vouchers.address, again, value_wei)
    hostile.do(hostile.owner, "run", vouchers.address, claim, 300, value_wei=300)
    # The refund of 200 wei came with a chance to call; the voucher was used and the price booked by then.
    assert (hostile.contract.view("attempts"), hostile.contract.view("successes")) == (1, 0)
    assert collection.contract.total_minted() == 1
    assert node.web3.eth.get_balance(hostile.address) == 200
    assert node.web3.eth.get_balance(vouchers.address) == 100
    assert vouchers.proceeds_wei(collection.contract.address) == 100


def test_a_collection_that_lies_takes_nothing_of_anothers(collection: Any, hostile: Any) -> None:
    node, maker, player = collection.node, collection.node.account(), collection.player
    made = node.send(maker, vouchers_transaction(node.web3, sender=maker.address, nonce=0))
    vouchers = VoucherContract(node.web3, made.contract_address)
    with pytest.raises(TransactionReverted):
        hostile.do(
            hostile.owner,
            "run",
            vouchers.address,
            encoded(vouchers, "withdraw", hostile.address, hostile.address),
            0,
        )
    voucher = Voucher(hostile.address, digest_of("a"), 0, 2**40)
    signed = sign_voucher(player, voucher, chain_id=node.web3.eth.chain_id, contract=vouchers.address)
    with pytest.raises(TransactionReverted):
        vouchers.claim_transaction(signed, sender=player.address, nonce=0)
