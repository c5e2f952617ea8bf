"""Calls of our contracts as unsigned transactions, complete but for their signature (EIP-1559)."""

from collections.abc import Sequence
from typing import Any

from web3 import Web3
from web3.contract import Contract
from web3.exceptions import Web3Exception

from chain.address import parse_recipient
from chain.artifact import ContractArtifact
from chain.boundary import node_boundary
from chain.errors import TransactionRejected
from chain.fees import current_fees

# A node estimates on the newest state and the transaction runs on a later one; this is the room in between.
_GAS_ROOM_PERCENT = 120

# The most gas one transaction may have on a post-Osaka node (EIP-7825).
TRANSACTION_GAS_CAP_GAS = 2**24


class ContractCalls:
    """A deployed contract: its views, and unsigned calls of its functions."""

    def __init__(self, web3: Web3, address: str, artifact: ContractArtifact) -> None:
        """Raises InvalidAddress."""
        self.address = parse_recipient(address)
        self._web3 = web3
        contract: Contract = web3.eth.contract(address=self.address, abi=artifact.abi)
        self._contract = contract

    def is_deployed(self) -> bool:
        """Whether there is a contract at the address."""
        with node_boundary("Looking for the contract"):
            return bool(self._web3.eth.get_code(self.address))

    def transaction(
        self, function: str, *arguments: Any, sender: str, nonce: int, value_wei: int = 0
    ) -> dict[str, Any]:
        """An unsigned call of any function.

        Gas is the node's estimate with room, and fees are the network's of the moment. Raises
        TransactionReverted where the contract would refuse it, TransactionRejected where it is too large,
        InvalidAddress, and node errors.
        """
        try:
            data = self._contract.encode_abi(function, args=list(arguments))
        except (Web3Exception, TypeError, ValueError) as error:
            raise TransactionRejected(
                f"{function} cannot be called with these arguments; give those the contract names."
            ) from error
        call = {"to": self.address, "data": data, "value": value_wei}
        return complete_transaction(
            self._web3, call, sender=sender, nonce=nonce, action=f"Preparing {function}"
        )

    def view(self, function: str, *arguments: Any) -> Any:
        """What a view returns. Raises TransactionReverted where the contract refuses, and node errors."""
        with node_boundary(f"Reading {function} of the contract"):
            return self._contract.get_function_by_name(function)(*arguments).call()

    def decode_call(self, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """The function and the arguments of a call; None where it is no function of this contract."""
        try:
            function, arguments = self._contract.decode_function_input(data)
        except ValueError:
            return None
        return function.fn_name, dict(arguments)


def creation_transaction(
    web3: Web3, artifact: ContractArtifact, arguments: Sequence[Any], *, sender: str, nonce: int
) -> dict[str, Any]:
    """The unsigned transaction that deploys a contract. Raises as `ContractCalls.transaction`."""
    contract = web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    data = contract.constructor(*arguments).data_in_transaction
    return complete_transaction(
        web3, {"data": data, "value": 0}, sender=sender, nonce=nonce, action="Preparing the deployment"
    )


def complete_transaction(
    web3: Web3, call: dict[str, Any], *, sender: str, nonce: int, action: str
) -> dict[str, Any]:
    """Adds sender, nonce, chain id, gas and fees. Raises as `ContractCalls.transaction`."""
    draft: Any = {**call, "from": parse_recipient(sender)}
    with node_boundary(action):
        gas = web3.eth.estimate_gas(draft) * _GAS_ROOM_PERCENT // 100
        chain_id = web3.eth.chain_id
    if gas > TRANSACTION_GAS_CAP_GAS:
        raise TransactionRejected(
            f"{action} failed because it needs {gas} gas and a transaction may have "
            f"{TRANSACTION_GAS_CAP_GAS}; split the batch."
        )
    fees = current_fees(web3)
    return {
        **draft,
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "gas": gas,
        "maxFeePerGas": fees.max_fee_per_gas_wei,
        "maxPriorityFeePerGas": fees.max_priority_fee_per_gas_wei,
    }
