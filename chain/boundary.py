"""Where web3's errors become ours.

A transport error's text holds the node's URL, and a URL may hold an access key; so those causes are kept in
`__context__` for a debugger, and out of the traceback that a log would print.
"""

import contextlib
import json
from collections.abc import Iterator

import requests
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from web3.exceptions import (
    BadFunctionCallOutput,
    ContractLogicError,
    ProviderConnectionError,
    RequestTimedOut,
    TooManyRequests,
    Web3Exception,
    Web3RPCError,
)

from chain.artifact import error_signatures
from chain.errors import ContractMissing, NodeRefused, NodeUnreachable, TransactionReverted

# Error(string) and Panic(uint256) of Solidity, "Panic via assert and Error via require".
_ERROR_SELECTOR = bytes.fromhex("08c379a0")
_PANIC_SELECTOR = bytes.fromhex("4e487b71")

_UNREACHABLE = (
    requests.RequestException,
    ProviderConnectionError,
    RequestTimedOut,
    TooManyRequests,
    ConnectionError,
    TimeoutError,
)


@contextlib.contextmanager
def node_boundary(action: str) -> Iterator[None]:
    """Translates what web3 raises inside. action begins the sentence: "Reading the token's owner".

    Raises TransactionReverted, ContractMissing, NodeUnreachable or NodeRefused.
    """
    try:
        yield
    except ContractLogicError as error:
        reason = revert_reason(error.data if isinstance(error.data, str) else None)
        said = f"with {reason}" if reason else "without a reason"
        raise TransactionReverted(
            f"{action} failed because the contract refused {said}; check who may do this and with what.",
            reason,
        ) from error
    except BadFunctionCallOutput as error:
        raise ContractMissing(
            f"{action} failed because no such contract answers there; "
            "check the contract's address and network."
        ) from error
    except _UNREACHABLE as error:
        raise NodeUnreachable(
            f"{action} failed because the node did not answer ({type(error).__name__}); "
            "check that it runs and that its address is right."
        ) from None
    except json.JSONDecodeError:
        raise NodeUnreachable(
            f"{action} failed because what answered is not an Ethereum node; check the node's address."
        ) from None
    except Web3Exception as error:
        raise NodeRefused(f"{action} failed because the node refused: {node_message(error)}.") from error


def node_message(error: Web3Exception) -> str:
    """What the node itself said, without web3's wrapping."""
    if isinstance(error, Web3RPCError) and error.rpc_response is not None:
        said = error.rpc_response.get("error")
        if isinstance(said, dict):
            return str(said.get("message", "no message")).rstrip(".")
    return str(error).rstrip(".")


def revert_reason(data: str | None) -> str | None:
    """The name of a contract's error, or its text, from what a call reverted with in hexadecimal.

    None where there is nothing, or nothing known.
    """
    try:
        raw = bytes.fromhex((data or "").removeprefix("0x"))
    except ValueError:
        return None
    selector, arguments = raw[:4], raw[4:]
    try:
        if selector == _ERROR_SELECTOR:
            return str(decode(["string"], arguments)[0])
        if selector == _PANIC_SELECTOR:
            return f"Panic(0x{decode(['uint256'], arguments)[0]:02x})"
    except (DecodingError, UnicodeDecodeError):
        return None
    signature = error_signatures().get(selector)
    return signature.partition("(")[0] if signature else None
