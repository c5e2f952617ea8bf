"""Addresses as people type them."""

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from chain.address import ZERO_ADDRESS, parse_address, parse_recipient
from chain.errors import InvalidAddress

# The first of EIP-55's own examples.
CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@given(raw=st.binary(min_size=20, max_size=20))
def test_every_spelling_of_an_address_is_the_same_address(raw: bytes) -> None:
    lower = "0x" + raw.hex()
    expected = to_checksum_address(lower)
    assert (
        parse_address(lower) == parse_address("0x" + raw.hex().upper()) == parse_address(expected) == expected
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CHECKSUMMED[2:], "begins with 0x"),
        ("", "begins with 0x"),
        (CHECKSUMMED[:-1], "has 41"),
        (CHECKSUMMED + "0", "has 43"),
        (CHECKSUMMED[:-1] + "g", "only 0-9 and a-f"),
        (CHECKSUMMED[:-1] + "\n", "only 0-9 and a-f"),
        (CHECKSUMMED.replace("5aA", "5AA"), "checksum"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(text: str, words: str) -> None:
    with pytest.raises(InvalidAddress, match=words):
        parse_address(text)


def test_nothing_is_sent_to_the_zero_address() -> None:
    assert parse_address(ZERO_ADDRESS) == ZERO_ADDRESS
    assert parse_recipient(CHECKSUMMED) == CHECKSUMMED
    with pytest.raises(InvalidAddress, match="zero address"):
        parse_recipient(ZERO_ADDRESS)
