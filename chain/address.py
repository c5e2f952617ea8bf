"""Account addresses as people type them (EIP-55)."""

import re

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from chain.errors import InvalidAddress

ZERO_ADDRESS = "0x" + "00" * 20

_LENGTH = 42


def parse_address(text: str) -> ChecksumAddress:
    """An address in its checksummed spelling.

    All lower and all upper case carry no checksum and are taken; mixed case has to match it. Raises
    InvalidAddress, which says what is wrong.
    """
    if not text.startswith("0x"):
        raise InvalidAddress("An address begins with 0x; copy it again from the wallet.")
    if len(text) != _LENGTH:
        raise InvalidAddress(
            f"An address has {_LENGTH} characters and this one has {len(text)}; "
            "copy it again from the wallet."
        )
    digits = text[2:]
    if re.fullmatch("[0-9a-fA-F]{40}", digits) is None:
        raise InvalidAddress("An address holds only 0-9 and a-f after its 0x; copy it again from the wallet.")
    address = to_checksum_address(text)
    if digits not in (digits.lower(), digits.upper()) and text != address:
        raise InvalidAddress(
            "The address's checksum does not match its letters; copy it again from the wallet."
        )
    return address


def parse_recipient(text: str) -> ChecksumAddress:
    """An address that something can be sent to: any but the zero address. Raises InvalidAddress."""
    address = parse_address(text)
    if address == ZERO_ADDRESS:
        raise InvalidAddress("Nobody owns the zero address, so nothing can be sent there; give another one.")
    return address
