"""Logs as a node's JSON, read into events or refused."""

from typing import Any

import pytest

from chain.artifact import lorespark_assets, lorespark_vouchers
from chain.errors import NodeRefused
from chain.event import TokenMoved, VoucherClaimed, read_event

ANN, BOB = "19e7e376e7c213b7e7e7e46cc70a5dd086daff2a", "1c5a77d9fa7ef466951b2f01f724bca3a5820b63"
TRANSFER = "0x" + lorespark_assets().event_topic("Transfer").hex()
CLAIMED = "0x" + lorespark_vouchers().event_topic("Claimed").hex()


def log(*topics: str, data: str = "0x", **changes: Any) -> dict[str, Any]:
    return {
        "address": "0x" + ANN,
        "topics": list(topics),
        "data": data,
        "blockHash": "0x" + "ab" * 32,
        "blockNumber": "0x2",
        "transactionHash": "0x" + "cd" * 32,
        "logIndex": "0x3",
    } | changes


def word(text: str) -> str:
    return "0x" + text.rjust(64, "0")


def test_a_transfer_is_read_with_its_place() -> None:
    event = read_event(log(TRANSFER, word(ANN), word(BOB), word("101"), blockTimestamp="0x10"))
    assert isinstance(event, TokenMoved)
    assert (event.token_id, event.sender.lower(), event.receiver.lower()) == (257, "0x" + ANN, "0x" + BOB)
    assert (event.place.block_number, event.place.log_index, event.place.time_s) == (2, 3, 16)
    assert read_event(log(TRANSFER, word(ANN), word(BOB), word("1"))).place.time_s is None


def test_a_claim_tells_whose_voucher_became_which_token() -> None:
    data = "0x" + word("7")[2:] + word(BOB)[2:] + word("f" * 64)[2:]
    event = read_event(log(CLAIMED, word(ANN), word(BOB), data=data))
    assert isinstance(event, VoucherClaimed)
    assert (event.nonce, event.token_id) == (7, 2**256 - 1)
    assert (event.collection.lower(), event.signer.lower()) == ("0x" + ANN, "0x" + BOB)
    assert event.recipient.lower() == "0x" + BOB


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        log(),
        log(word("1")),
        log(TRANSFER, word(ANN)),
        log(CLAIMED, word(ANN), word(BOB), data="0x12"),
        log(TRANSFER, word(ANN), word(BOB), "none"),
        log(TRANSFER, word(ANN), word(BOB), word("1"), blockNumber=None),
    ],
)
def test_what_is_no_log_of_ours_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(NodeRefused, match="cannot be read"):
        read_event(wrong)
