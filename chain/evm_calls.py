"""Runs messages on a state of the embedded chain and keeps nothing: eth_call and eth_estimateGas."""

from dataclasses import dataclass
from typing import Any

from eth.abc import BlockHeaderAPI, ComputationAPI, StateAPI
from eth.chains.base import MiningChain
from eth.exceptions import Revert
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_typing import Address
from eth_utils.exceptions import ValidationError

from chain.errors import RpcFault

# The newest fork that py-evm 0.12 runs; the contracts are compiled for the one before. Raise it with py-evm.
EVM = PragueVM

# The numbers geth gives to these faults.
REVERTED = 3
SERVER_FAULT = -32000

# A search for the lowest sufficient gas limit stops within this many gas of it.
_SEARCH_TOLERANCE_GAS = 500


@dataclass(frozen=True)
class Message:
    """A call: 20-byte sender, 20-byte receiver (b"" creates a contract), value in wei, gas limit or None."""

    sender: bytes
    to: bytes
    value: int
    data: bytes
    gas: int | None = None


def call(chain: MiningChain, header: BlockHeaderAPI, message: Message) -> bytes:
    """What the message returns when it runs on the state after the block of header.

    The message pays no fees, and BASEFEE reads 0. Raises RpcFault where it reverts or halts.
    """
    gas = min(message.gas or header.gas_limit, header.gas_limit)
    return bytes(_succeeded(_run(_state_at(chain, header), message, gas)).output)


def estimate_gas(chain: MiningChain, header: BlockHeaderAPI, message: Message) -> int:
    """A gas limit with which the message succeeds on the state after the block of header.

    Like geth, it runs the message once with all the gas there is, tries what that used with its refund, and
    searches between the two only where a contract demands more than it uses (EIP-150's 63/64).
    Raises RpcFault.
    """
    state = _state_at(chain, header)
    ceiling = min(message.gas or header.gas_limit, header.gas_limit)
    spent = _succeeded(_run(state, message, ceiling))
    # data_floor_gas is what EIP-7623 adds for a message that is mostly data.
    floor = ceiling - int(spent.get_gas_remaining()) + int(spent.data_floor_gas)
    if _run_fits(state, message, floor):
        return floor
    while ceiling - floor > _SEARCH_TOLERANCE_GAS:
        middle = (ceiling + floor) // 2
        if _run_fits(state, message, middle):
            ceiling = middle
        else:
            floor = middle
    return ceiling


def _state_at(chain: MiningChain, header: BlockHeaderAPI) -> StateAPI:
    vm: Any = chain.get_vm(header)
    free = header.copy(base_fee_per_gas=0)
    state: StateAPI = vm.build_state(chain.chaindb.db, free, vm.chain_context, vm.previous_hashes)
    return state


def _run(state: StateAPI, message: Message, gas: int) -> ComputationAPI:
    sender = Address(message.sender)
    unsigned: Any = EVM.get_transaction_builder().create_unsigned_transaction(
        nonce=state.get_nonce(sender),
        gas_price=0,
        gas=gas,
        to=Address(message.to),
        value=message.value,
        data=message.data,
    )
    snapshot = state.snapshot()
    try:
        spoofed: Any = SpoofTransaction(unsigned, from_=sender)
        return state.apply_transaction(spoofed)
    except ValidationError as error:
        if state.get_balance(sender) < message.value:
            raise RpcFault(SERVER_FAULT, "insufficient funds for gas * price + value") from error
        raise RpcFault(SERVER_FAULT, f"invalid message: {error}") from error
    finally:
        state.revert(snapshot)


def _run_fits(state: StateAPI, message: Message, gas: int) -> bool:
    try:
        return bool(_run(state, message, gas).is_success)
    except RpcFault:
        return False  # less than the intrinsic gas


def _succeeded(computation: ComputationAPI) -> ComputationAPI:
    if computation.is_success:
        return computation
    if isinstance(computation.error, Revert):
        raise RpcFault(REVERTED, "execution reverted", bytes(computation.output))
    raise RpcFault(SERVER_FAULT, f"execution halted: {type(computation.error).__name__}")
