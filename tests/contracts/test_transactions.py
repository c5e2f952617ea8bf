"""Sending signed transactions, each to happen once, on the embedded chain and on anvil alike."""

from typing import Any

import pytest

from chain import transactions
from chain.errors import (
    InsufficientFunds,
    NonceAhead,
    NonceTaken,
    ReceiptTimeout,
    TransactionRejected,
    TransactionReverted,
    Underpriced,
)
from chain.fees import current_fees
from chain.transactions import next_nonce, receipt, submit, wait_for_receipt

ETHER_WEI = 10**18
UNKNOWN_HASH = "0x" + "ab" * 32


def transfer(node: Any, signer: Any, to: str, **changes: Any) -> Any:
    fees = current_fees(node.web3)
    return signer.sign_transaction(
        {
            "type": 2,
            "chainId": node.web3.eth.chain_id,
            "nonce": next_nonce(node.web3, signer.address),
            "to": to,
            "value": ETHER_WEI,
            "gas": 21_000,
            "maxFeePerGas": fees.max_fee_per_gas_wei,
            "maxPriorityFeePerGas": fees.max_priority_fee_per_gas_wei,
            **changes,
        }
    )


def test_a_transaction_submitted_again_and_again_happens_once(node: Any) -> None:
    sender, receiver = node.account(), node.account(0)
    signed = transfer(node, sender, receiver.address)
    for _ in range(3):
        submit(node.web3, signed)
        assert node.wait(signed.hash).status == 1
    assert node.web3.eth.get_balance(receiver.address) == ETHER_WEI
    assert next_nonce(node.web3, sender.address) == 1


def test_a_node_that_answers_nonce_too_low_for_our_own_transaction_is_understood(
    node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = transfer(node, node.account(), node.account(0).address)
    submit(node.web3, signed)
    # The transaction was not known when asked for, and mined by the time it was sent again.
    answers = iter([None])
    look_up = transactions._find
    monkeypatch.setattr(
        "chain.transactions._find", lambda web3, tx_hash: next(answers, look_up(web3, tx_hash))
    )
    submit(node.web3, signed)


def test_a_nonce_taken_by_another_transaction_is_told_apart(node: Any) -> None:
    sender, receiver = node.account(), node.account(0)
    first = transfer(node, sender, receiver.address)
    second = transfer(node, sender, receiver.address, value=2 * ETHER_WEI)
    assert (first.nonce, second.nonce) == (0, 0)
    submit(node.web3, first)
    node.wait(first.hash)
    with pytest.raises(NonceTaken, match="next nonce"):
        submit(node.web3, second)
    assert receipt(node.web3, second.hash) is None


def test_a_sender_without_funds_is_told_so(node: Any) -> None:
    signed = transfer(node, node.account(ETHER_WEI), node.account(0).address)
    with pytest.raises(InsufficientFunds, match="send coins"):
        submit(node.web3, signed)


def test_a_fee_below_the_base_fee_is_told_so(node: Any) -> None:
    signed = transfer(node, node.account(), node.account(0).address, maxFeePerGas=1, maxPriorityFeePerGas=1)
    with pytest.raises(Underpriced, match="fee of the moment"):
        submit(node.web3, signed)


def test_a_nonce_ahead_is_refused_by_the_embedded_chain_until_its_turn(node: Any) -> None:
    sender, receiver = node.account(), node.account(0)
    ahead = transfer(node, sender, receiver.address, nonce=1)
    if node.name == "embedded":
        with pytest.raises(NonceAhead, match="send that one first"):
            submit(node.web3, ahead)
    else:  # a node with a pool keeps it for later
        submit(node.web3, ahead)
    submit(node.web3, transfer(node, sender, receiver.address, nonce=0))
    submit(node.web3, ahead)
    node.wait(ahead.hash)
    assert node.web3.eth.get_balance(receiver.address) == 2 * ETHER_WEI


def test_a_transaction_of_another_chain_is_refused(node: Any) -> None:
    signed = transfer(node, node.account(), node.account(0).address, chainId=1)
    with pytest.raises(TransactionRejected):
        submit(node.web3, signed)
    assert receipt(node.web3, signed.hash) is None


def test_too_little_gas_is_refused(node: Any) -> None:
    signed = transfer(node, node.account(), node.account(0).address, gas=20_999)
    with pytest.raises(TransactionRejected):
        submit(node.web3, signed)


def test_bytes_that_are_no_transaction_are_refused(node: Any) -> None:
    signed = transfer(node, node.account(), node.account(0).address)
    broken = type(signed)(raw=signed.raw[:-3], hash=UNKNOWN_HASH, nonce=0, sender=signed.sender)
    with pytest.raises(TransactionRejected):
        submit(node.web3, broken)


def test_a_receipt_counts_confirmations_from_its_own_block(node: Any) -> None:
    sender, receiver = node.account(), node.account(0)
    first = transfer(node, sender, receiver.address)
    submit(node.web3, first)
    assert node.wait(first.hash).confirmations == 1
    second = transfer(node, sender, receiver.address)
    submit(node.web3, second)
    node.wait(second.hash)
    found = wait_for_receipt(node.web3, first.hash, timeout_s=5, poll_latency_s=0.005, confirmations=2)
    assert found.confirmations == 2
    assert found.tx_hash == first.hash
    assert found.gas_used == 21_000
    assert found.contract_address is None


def test_waiting_for_what_was_never_sent_ends(node: Any) -> None:
    assert receipt(node.web3, UNKNOWN_HASH) is None
    with pytest.raises(ReceiptTimeout, match="ask again later"):
        wait_for_receipt(node.web3, UNKNOWN_HASH, timeout_s=0.05, poll_latency_s=0.01)


def test_a_mined_revert_names_the_contracts_error(collection: Any) -> None:
    node, stranger = collection.node, collection.stranger
    allowed = collection.contract.mint_transaction(
        collection.player.address, b"\x01" * 32, sender=collection.minter.address, nonce=0
    )
    # Sent by someone who may not, with the gas that would have been enough.
    signed = stranger.sign_transaction({**allowed, "from": stranger.address, "nonce": 0})
    submit(node.web3, signed)
    with pytest.raises(TransactionReverted, match="Unauthorized") as refused:
        node.wait(signed.hash)
    assert refused.value.reason == "Unauthorized"
    assert refused.value.tx_hash == signed.hash
    mined = receipt(node.web3, signed.hash)
    assert mined is not None
    assert mined.status == 0
    assert collection.contract.total_minted() == 0


def test_fees_let_a_transaction_in_at_once(node: Any) -> None:
    fees = current_fees(node.web3)
    base_fee_wei = node.web3.eth.get_block("latest")["baseFeePerGas"]
    assert fees.max_fee_per_gas_wei >= base_fee_wei + fees.max_priority_fee_per_gas_wei
    assert fees.max_priority_fee_per_gas_wei > 0
