"""What happened to tokens, as the contract's logs tell it."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from web3.types import LogReceipt

from chain.address import ZERO_ADDRESS
from chain.artifact import lorespark_assets

TRANSFER_TOPIC = lorespark_assets().event_topic("Transfer")


@dataclass(frozen=True)
class MintedToken:
    """A token that a transaction minted. digest is None where the contract was called through another one."""

    token_id: int
    owner: ChecksumAddress
    digest: bytes | None


@dataclass(frozen=True)
class Transfer:
    """One change of a token's owner; sender is the zero address for a mint, receiver for a burn."""

    token_id: int
    sender: ChecksumAddress
    receiver: ChecksumAddress
    block_number: int
    block_hash: str
    tx_hash: str
    log_index: int

    @property
    def is_mint(self) -> bool:
        """Whether the token came into being."""
        return self.sender == ZERO_ADDRESS


def read_transfer(log: LogReceipt) -> Transfer:
    """A transfer from a log whose first topic is TRANSFER_TOPIC."""
    _, sender, receiver, token_id = (bytes(topic) for topic in log["topics"])
    return Transfer(
        token_id=int.from_bytes(token_id, "big"),
        sender=to_checksum_address(sender[12:]),
        receiver=to_checksum_address(receiver[12:]),
        block_number=log["blockNumber"],
        block_hash="0x" + bytes(log["blockHash"]).hex(),
        tx_hash="0x" + bytes(log["transactionHash"]).hex(),
        log_index=log["logIndex"],
    )
