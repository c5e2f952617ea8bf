"""What an account has on the chain."""

from web3 import Web3

from chain.address import parse_recipient
from chain.boundary import node_boundary


def balance_wei(web3: Web3, address: str) -> int:
    """The account's balance after the newest block. Raises InvalidAddress, NodeUnreachable or NodeRefused."""
    account = parse_recipient(address)
    with node_boundary("Reading a balance"):
        return int(web3.eth.get_balance(account))
