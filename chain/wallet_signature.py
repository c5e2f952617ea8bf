"""Whether an account signed a text: an account with a key (EIP-191), or a contract that answers for one (ERC-1271)."""

from collections.abc import Callable
from typing import Final

from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import defunct_hash_message, encode_defunct
from eth_typing import ChecksumAddress
from web3 import Web3

from chain.boundary import node_boundary
from chain.errors import ContractMissing, NodeRefused, TransactionReverted

MAX_SIGNATURE_BYTES: Final = 4_096  # a contract's may hold several keys' signatures
_KEY_SIGNATURE_BYTES: Final = 65
# isValidSignature(bytes32,bytes): its selector, which is also what it answers where the signature holds.
_IS_VALID: Final = bytes.fromhex("1626ba7e")
_GAS: Final = 5_000_000  # bounds what a hostile contract makes the node do


def signed_text(web3: Callable[[], Web3], address: ChecksumAddress, text: str, signature: bytes) -> bool:
    """Whether `address` signed `text` as wallets sign texts.

    `web3` is asked only where the signature is not that of the account's own key: then a contract may answer for
    the account. Raises NodeUnreachable where that cannot be asked.
    """
    if len(signature) > MAX_SIGNATURE_BYTES:
        return False
    if key_signed_text(address, text, signature):
        return True
    return contract_accepts(web3(), address, bytes(defunct_hash_message(text=text)), signature)


def key_signed_text(address: ChecksumAddress, text: str, signature: bytes) -> bool:
    """Whether the account's own key signed it; asks nobody."""
    return _recovered(text, signature) == address


def contract_accepts(web3: Web3, address: ChecksumAddress, digest: bytes, signature: bytes) -> bool:
    """Whether the contract at `address` takes the signature for its own (ERC-1271); False where there is none.

    digest has 32 bytes. The contract is called at the newest block and may answer otherwise at another. Raises
    NodeUnreachable.
    """
    call = _IS_VALID + encode(["bytes32", "bytes"], [digest, signature])
    with node_boundary("Looking for the wallet's contract"):
        if not web3.eth.get_code(address):
            return False
    try:
        with node_boundary("Asking the wallet's contract"):
            answer = bytes(web3.eth.call({"to": address, "data": "0x" + call.hex(), "gas": _GAS}))  # type: ignore[typeddict-item]
    except (TransactionReverted, ContractMissing, NodeRefused):
        return False  # it refuses, has no such function, or spends more gas than it gets
    # bytes4 is padded to a word; a longer answer is no bytes4.
    return answer == _IS_VALID + bytes(28)


def _recovered(text: str, signature: bytes) -> str | None:
    if len(signature) != _KEY_SIGNATURE_BYTES:
        return None
    try:
        return str(Account.recover_message(encode_defunct(text=text), signature=signature))
    except Exception:  # the libraries raise many kinds for numbers that are no signature
        return None
