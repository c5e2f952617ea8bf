"""Vouchers: promises of assets that a studio signs, and the contract where players claim them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_typing import ChecksumAddress
from eth_utils.abi import function_abi_to_4byte_selector
from eth_utils.address import to_checksum_address
from web3 import Web3

from chain.address import ZERO_ADDRESS, parse_address, parse_recipient
from chain.artifact import lorespark_vouchers
from chain.asset_contract import BLOCKS_PER_LOG_REQUEST, MAX_BATCH, checked_digest
from chain.boundary import node_boundary
from chain.contract_call import ContractCalls, creation_transaction
from chain.errors import TransactionRejected
from chain.signer import TypedDataSigner

_TYPES = {
    "Voucher": [
        {"name": "collection", "type": "address"},
        {"name": "digest", "type": "bytes32"},
        {"name": "recipient", "type": "address"},
        {"name": "priceWei", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
    ]
}

_CLAIM = function_abi_to_4byte_selector(
    next(entry for entry in lorespark_vouchers().abi if entry.get("name") == "claim")  # type: ignore[arg-type]
)
_CLAIMED = lorespark_vouchers().event_topic("Claimed")
_WORD_BYTES = 32

# The largest number that the contract's uint256 holds.
_LARGEST = 2**256 - 1


@dataclass(frozen=True)
class Voucher:
    """A promise that an asset can be claimed, as the contract's struct of the same name.

    digest is the metadata's sha2-256, 32 bytes. Without a recipient whoever is first claims it: it is a bank
    note. nonce is used once by its signer; deadline_s is the last second at which it holds (Unix time).
    """

    collection: str
    digest: bytes
    nonce: int
    deadline_s: int
    price_wei: int = 0
    recipient: str | None = None

    def __post_init__(self) -> None:
        """Raises InvalidAddress or TransactionRejected for what no contract would take."""
        parse_recipient(self.collection)
        if self.recipient is not None:
            parse_recipient(self.recipient)
        checked_digest(self.digest)
        if not all(0 <= number <= _LARGEST for number in (self.nonce, self.deadline_s, self.price_wei)):
            raise TransactionRejected(
                "A voucher's nonce, deadline and price have 0 to 256 bits; give smaller numbers."
            )

    def message(self) -> dict[str, Any]:
        """Its fields in the order and spelling of the contract's struct (EIP-712)."""
        return {
            "collection": parse_recipient(self.collection),
            "digest": self.digest,
            "recipient": parse_address(self.recipient or ZERO_ADDRESS),
            "priceWei": self.price_wei,
            "nonce": self.nonce,
            "deadline": self.deadline_s,
        }


@dataclass(frozen=True)
class SignedVoucher:
    """A voucher with its signature: all that a player needs to claim it."""

    voucher: Voucher
    signer: str
    signature: bytes


@dataclass(frozen=True)
class Claim:
    """A voucher that became a token."""

    token_id: int
    recipient: ChecksumAddress
    tx_hash: str
    block_number: int


def voucher_domain(*, chain_id: int, contract: str) -> dict[str, Any]:
    """What a voucher's signature holds for, and nowhere else (EIP-712). Raises InvalidAddress."""
    return {
        "name": "Lorespark Vouchers",
        "version": "1",
        "chainId": chain_id,
        "verifyingContract": parse_recipient(contract),
    }


def typed_data(voucher: Voucher, *, chain_id: int, contract: str) -> dict[str, Any]:
    """What was signed, as JSON that wallets and libraries read (eth_signTypedData_v4): bytes in hexadecimal, and
    numbers as texts, since JSON's own hold 53 bits."""
    told = {
        name: "0x" + value.hex() if isinstance(value, bytes) else str(value)
        for name, value in voucher.message().items()
    }
    domain = [
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ]
    return {
        "types": {"EIP712Domain": domain, **_TYPES},
        "primaryType": "Voucher",
        "domain": voucher_domain(chain_id=chain_id, contract=contract),
        "message": told,
    }


def claim_call_data(signed: SignedVoucher, to: str) -> bytes:
    """What a transaction to the voucher contract carries that claims the voucher, known without asking a chain.

    A voucher without a recipient goes to `to`. Raises InvalidAddress.
    """
    message = tuple(signed.voucher.message().values())
    types = [f"({','.join(field['type'] for field in _TYPES['Voucher'])})", "address", "bytes", "address"]
    return _CLAIM + encode(
        types, [message, parse_recipient(signed.signer), signed.signature, parse_recipient(to)]
    )


def sign_voucher(signer: TypedDataSigner, voucher: Voucher, *, chain_id: int, contract: str) -> SignedVoucher:
    """Signs a voucher for one voucher contract on one chain. Raises InvalidAddress."""
    domain = voucher_domain(chain_id=chain_id, contract=contract)
    return SignedVoucher(voucher, signer.address, signer.sign_typed_data(domain, _TYPES, voucher.message()))


def vouchers_transaction(web3: Web3, *, sender: str, nonce: int) -> dict[str, Any]:
    """The unsigned transaction that deploys a voucher contract, which serves any number of collections."""
    return creation_transaction(web3, lorespark_vouchers(), (), sender=sender, nonce=nonce)


class VoucherContract(ContractCalls):
    """A deployed voucher contract. A collection uses it by granting it the minter role."""

    def __init__(self, web3: Web3, address: str) -> None:
        """Raises InvalidAddress."""
        super().__init__(web3, address, lorespark_vouchers())

    # ------------------------------------------------------------------ transactions

    def claim_transaction(
        self,
        signed: SignedVoucher,
        *,
        sender: str,
        nonce: int,
        to: str | None = None,
        value_wei: int | None = None,
    ) -> dict[str, Any]:
        """The unsigned transaction that claims a voucher, for its price unless told otherwise.

        A voucher without a recipient goes to `to`, or else to the sender. Raises as `transaction`.
        """
        voucher = signed.voucher
        return self.transaction(
            "claim",
            tuple(voucher.message().values()),
            parse_recipient(signed.signer),
            signed.signature,
            parse_recipient(voucher.recipient or to or sender),
            sender=sender,
            nonce=nonce,
            value_wei=voucher.price_wei if value_wei is None else value_wei,
        )

    def claim_many_transaction(
        self, signed: Sequence[SignedVoucher], *, sender: str, nonce: int, to: str | None = None
    ) -> dict[str, Any]:
        """The unsigned transaction that claims 1 to MAX_BATCH vouchers together, for their prices.

        They are of one signer, for one collection and for one recipient, `to` or else the sender. Raises as
        `transaction`.
        """
        signers = {parse_recipient(item.signer) for item in signed}
        if len(signers) != 1 or len(signed) > MAX_BATCH:
            raise TransactionRejected(
                f"Vouchers are claimed together 1 to {MAX_BATCH} at a time and by signer; split them."
            )
        return self.transaction(
            "claimMany",
            [tuple(item.voucher.message().values()) for item in signed],
            signers.pop(),
            [item.signature for item in signed],
            parse_recipient(to or sender),
            sender=sender,
            nonce=nonce,
            value_wei=sum(item.voucher.price_wei for item in signed),
        )

    def cancel_transaction(self, nonces: Sequence[int], *, sender: str, nonce: int) -> dict[str, Any]:
        """The unsigned transaction by which a signer takes vouchers back. Raises as `transaction`."""
        return self.transaction("cancel", list(nonces), sender=sender, nonce=nonce)

    def withdraw_transaction(self, collection: str, to: str, *, sender: str, nonce: int) -> dict[str, Any]:
        """The unsigned transaction by which a collection's owner is paid. Raises as `transaction`."""
        arguments = (parse_recipient(collection), parse_recipient(to))
        return self.transaction("withdraw", *arguments, sender=sender, nonce=nonce)

    # ------------------------------------------------------------------ views

    def is_used(self, signer: str, nonce: int) -> bool:
        """Whether a signer's voucher was claimed or cancelled."""
        return bool(self.view("isUsed", parse_address(signer), nonce))

    def proceeds_wei(self, collection: str) -> int:
        """What was paid for a collection's tokens and not withdrawn yet."""
        return int(self.view("proceedsWei", parse_address(collection)))

    def voucher_hash(self, voucher: Voucher) -> bytes:
        """What the signer of a voucher signs, 32 bytes (EIP-712): for contracts that sign (ERC-1271)."""
        return bytes(self.view("voucherHash", tuple(voucher.message().values())))

    # ------------------------------------------------------------------ what happened

    def claim_of(
        self, collection: str, signer: str, nonce: int, from_block: int, to_block: int
    ) -> Claim | None:
        """How the signer's voucher for a collection was claimed within a range of blocks, both ends included.

        Asks for at most BLOCKS_PER_LOG_REQUEST blocks at a time. Raises node errors.
        """
        topics = [
            "0x" + _CLAIMED.hex(),
            *("0x" + "00" * 12 + parse_address(each)[2:].lower() for each in (collection, signer)),
        ]
        for first in range(from_block, to_block + 1, BLOCKS_PER_LOG_REQUEST):
            wanted: Any = {
                "address": self.address,
                "fromBlock": first,
                "toBlock": min(first + BLOCKS_PER_LOG_REQUEST - 1, to_block),
                "topics": topics,
            }
            with node_boundary("Reading the claims of vouchers"):
                logs = self._web3.eth.get_logs(wanted)
            for log in logs:
                data = bytes(log["data"])
                claimed, recipient, token_id = (
                    data[start : start + _WORD_BYTES] for start in range(0, 3 * _WORD_BYTES, _WORD_BYTES)
                )
                if int.from_bytes(claimed) == nonce:
                    return Claim(
                        int.from_bytes(token_id),
                        to_checksum_address(recipient[12:]),
                        "0x" + bytes(log["transactionHash"]).hex(),
                        log["blockNumber"],
                    )
        return None
