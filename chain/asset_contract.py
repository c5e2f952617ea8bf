"""The asset contract as the rest of the game uses it: unsigned transactions to sign, and views."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eth_typing import ChecksumAddress, HexStr
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import Web3Exception
from web3.types import LogReceipt

from chain.address import ZERO_ADDRESS, parse_address, parse_recipient
from chain.artifact import lorespark_assets
from chain.boundary import node_boundary
from chain.errors import TransactionRejected, TransactionReverted, UnknownToken
from chain.fees import current_fees
from chain.transactions import Receipt

# A node estimates on the newest state and the transaction runs on a later one; this is the room in between.
_GAS_ROOM_PERCENT = 120

# The most gas one transaction may have on a post-Osaka node (EIP-7825).
TRANSACTION_GAS_CAP_GAS = 2**24

# The blocks one request for logs asks for. Public nodes refuse ranges from 1,000 (the strictest) to 10,000.
BLOCKS_PER_LOG_REQUEST = 1_000

_DIGEST_BYTES = 32


@dataclass(frozen=True)
class CollectionTerms:
    """What a collection is deployed with. Without a minter or a royalty receiver there is none at first."""

    admin: str
    name: str
    symbol: str
    contract_uri: str
    minter: str | None = None
    royalty_receiver: str | None = None
    royalty_basis_points: int = 0


@dataclass(frozen=True)
class MintedToken:
    """A token that a transaction minted. digest is None where the contract was called through another one."""

    token_id: int
    owner: ChecksumAddress
    digest: bytes | None


@dataclass(frozen=True)
class Transfer:
    """One change of a token's owner; sender is the zero address for a mint."""

    token_id: int
    sender: ChecksumAddress
    receiver: ChecksumAddress
    block_number: int
    block_hash: str
    tx_hash: str
    log_index: int


@dataclass(frozen=True)
class Royalty:
    """Who is paid for a sale, and how much; the zero address and 0 wei where there is no royalty."""

    receiver: ChecksumAddress
    amount_wei: int


def deployment_transaction(web3: Web3, terms: CollectionTerms, *, sender: str, nonce: int) -> dict[str, Any]:
    """The unsigned transaction that deploys a collection.

    Raises InvalidAddress, TransactionReverted where the terms cannot hold, and node errors.
    """
    contract = web3.eth.contract(abi=lorespark_assets().abi, bytecode=lorespark_assets().bytecode)
    arguments = (
        parse_recipient(terms.admin),
        parse_address(terms.minter or ZERO_ADDRESS),
        terms.name,
        terms.symbol,
        terms.contract_uri,
        parse_address(terms.royalty_receiver or ZERO_ADDRESS),
        terms.royalty_basis_points,
    )
    data = contract.constructor(*arguments).data_in_transaction
    return _complete(
        web3, {"data": data, "value": 0}, sender=sender, nonce=nonce, action="Preparing the deployment"
    )


class AssetContract:
    """One deployed collection.

    Views raise NodeUnreachable or NodeRefused where the node fails, and ContractMissing where nothing is
    deployed at the address.
    """

    def __init__(self, web3: Web3, address: str) -> None:
        """Raises InvalidAddress."""
        self.address = parse_recipient(address)
        self._web3 = web3
        contract: Contract = web3.eth.contract(address=self.address, abi=lorespark_assets().abi)
        self._contract = contract

    # ------------------------------------------------------------------ transactions

    def mint_transaction(self, to: str, digest: bytes, *, sender: str, nonce: int) -> dict[str, Any]:
        """The unsigned transaction that mints one token; digest is 32 bytes. Raises as `transaction`."""
        return self.transaction("mint", parse_recipient(to), _checked(digest), sender=sender, nonce=nonce)

    def mint_batch_transaction(
        self, to: str, digests: Sequence[bytes], *, sender: str, nonce: int
    ) -> dict[str, Any]:
        """The unsigned transaction that mints a token for each 32-byte digest. Raises as `transaction`."""
        checked = [_checked(digest) for digest in digests]
        return self.transaction("mintBatch", parse_recipient(to), checked, sender=sender, nonce=nonce)

    def transaction(self, function: str, *arguments: Any, sender: str, nonce: int) -> dict[str, Any]:
        """An unsigned call of any function, complete but for its signature (EIP-1559).

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
        call = {"to": self.address, "data": data, "value": 0}
        return _complete(self._web3, call, sender=sender, nonce=nonce, action=f"Preparing {function}")

    # ------------------------------------------------------------------ views

    def is_deployed(self) -> bool:
        """Whether there is a contract at the address."""
        with node_boundary("Looking for the contract"):
            return bool(self._web3.eth.get_code(self.address))

    def token_uri(self, token_id: int) -> str:
        """The IPFS address of a token's metadata. Raises UnknownToken."""
        return str(self._of_token("tokenURI", token_id))

    def metadata_digest(self, token_id: int) -> bytes:
        """The sha2-256 digest of a token's metadata, 32 bytes. Raises UnknownToken."""
        return bytes(self._of_token("metadataDigest", token_id))

    def metadata_frozen(self, token_id: int) -> bool:
        """Whether a token's metadata can no longer change."""
        return bool(self._view("metadataFrozen", token_id))

    def owner_of(self, token_id: int) -> ChecksumAddress:
        """A token's owner. Raises UnknownToken."""
        return to_checksum_address(self._of_token("ownerOf", token_id))

    def royalty_info(self, token_id: int, price_wei: int) -> Royalty:
        """What a sale at price_wei owes (ERC-2981)."""
        receiver, amount_wei = self._view("royaltyInfo", token_id, price_wei)
        return Royalty(to_checksum_address(receiver), int(amount_wei))

    def total_minted(self) -> int:
        """How many tokens there are; their ids run from 1 to this number."""
        return int(self._view("totalMinted"))

    def may_mint(self, address: str) -> bool:
        """Whether an account has the minter role."""
        role = self._view("MINTER_ROLE")
        return bool(self._view("hasAllRoles", parse_address(address), role))

    def view(self, function: str, *arguments: Any) -> Any:
        """What any other view returns. Raises TransactionReverted where the contract refuses."""
        return self._view(function, *arguments)

    # ------------------------------------------------------------------ what happened

    def minted_tokens(self, receipt: Receipt) -> tuple[MintedToken, ...]:
        """The tokens a mined transaction minted here, in the order of their ids."""
        with node_boundary("Reading what the transaction minted"):
            logs = self._web3.eth.get_transaction_receipt(HexStr(receipt.tx_hash))["logs"]
            data = self._web3.eth.get_transaction(HexStr(receipt.tx_hash))["input"]
        transfers = [
            _transfer(log)
            for log in logs
            if to_checksum_address(log["address"]) == self.address
            and bytes(log["topics"][0]) == _TRANSFER_TOPIC
        ]
        mints = sorted(
            (item for item in transfers if item.sender == ZERO_ADDRESS), key=lambda item: item.token_id
        )
        digests: Sequence[bytes | None] = self._sent_digests(bytes(data))
        if len(digests) != len(mints):
            digests = [None] * len(mints)
        return tuple(
            MintedToken(mint.token_id, mint.receiver, digest)
            for mint, digest in zip(mints, digests, strict=True)
        )

    def transfers(self, from_block: int, to_block: int) -> Iterator[Transfer]:
        """Every change of owner in a range of blocks, both ends included, as they happened.

        Asks for at most BLOCKS_PER_LOG_REQUEST blocks at a time, when the iterator gets there.
        """
        for first in range(from_block, to_block + 1, BLOCKS_PER_LOG_REQUEST):
            wanted: Any = {
                "address": self.address,
                "fromBlock": first,
                "toBlock": min(first + BLOCKS_PER_LOG_REQUEST - 1, to_block),
                "topics": ["0x" + _TRANSFER_TOPIC.hex()],
            }
            with node_boundary("Reading the transfers"):
                logs = self._web3.eth.get_logs(wanted)
            yield from (_transfer(log) for log in logs)

    # ------------------------------------------------------------------ within

    def _view(self, function: str, *arguments: Any) -> Any:
        with node_boundary(f"Reading {function} of the asset contract"):
            return self._contract.get_function_by_name(function)(*arguments).call()

    def _of_token(self, function: str, token_id: int) -> Any:
        try:
            return self._view(function, token_id)
        except TransactionReverted as error:
            if error.reason == "TokenDoesNotExist":
                raise UnknownToken(
                    f"The contract {self.address} has no token {token_id}; check the token's number."
                ) from error
            raise

    def _sent_digests(self, data: bytes) -> list[bytes]:
        """The digests in a call of mint or mintBatch; none in any other."""
        try:
            function, arguments = self._contract.decode_function_input(data)
        except ValueError:
            return []
        if function.fn_name == "mint":
            return [bytes(arguments["digest"])]
        return [bytes(digest) for digest in arguments.get("digests", ())]


_TRANSFER_TOPIC = lorespark_assets().event_topic("Transfer")


def _complete(web3: Web3, call: dict[str, Any], *, sender: str, nonce: int, action: str) -> dict[str, Any]:
    """Adds sender, nonce, chain id, gas and fees."""
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


def _checked(digest: bytes) -> bytes:
    if len(digest) != _DIGEST_BYTES or not any(digest):
        raise TransactionRejected(
            f"A metadata digest has {_DIGEST_BYTES} bytes and is not zero; give the sha2-256 of the document."
        )
    return digest


def _transfer(log: LogReceipt) -> Transfer:
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
