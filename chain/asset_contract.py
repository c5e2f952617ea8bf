"""The asset contract as the rest of the game uses it: unsigned transactions to sign, and views."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eth_typing import ChecksumAddress, HexStr
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.types import LogReceipt

from chain.address import parse_address, parse_recipient
from chain.artifact import lorespark_assets
from chain.boundary import node_boundary
from chain.contract_call import ContractCalls
from chain.errors import TransactionRejected, TransactionReverted, UnknownToken
from chain.transactions import Receipt
from chain.transfer import TRANSFER_TOPIC, MintedToken, Transfer, read_transfer

# The blocks one request for logs asks for. Public nodes refuse ranges from 1,000 (the strictest) to 10,000.
BLOCKS_PER_LOG_REQUEST = 1_000

# The most tokens one transaction mints: what one page holds.
MAX_BATCH = 256

DIGEST_BYTES = 32

# The contract's roles, as `grantRoles` takes them.
MINTER_ROLE, PROVER_ROLE, VOUCHER_ROLE = 1, 2, 4


@dataclass(frozen=True)
class Royalty:
    """Who is paid for a sale, and how much; the zero address and 0 wei where there is no royalty."""

    receiver: ChecksumAddress
    amount_wei: int


class AssetContract(ContractCalls):
    """One deployed collection.

    Token ids are page << 8 | index: the pages are numbered from 1, and each mint, single or batch, is one.
    Views raise NodeUnreachable or NodeRefused where the node fails, and ContractMissing where nothing is
    deployed at the address.
    """

    def __init__(self, web3: Web3, address: str) -> None:
        """Raises InvalidAddress."""
        super().__init__(web3, address, lorespark_assets())

    # ------------------------------------------------------------------ transactions

    def mint_transaction(self, to: str, digest: bytes, *, sender: str, nonce: int) -> dict[str, Any]:
        """The unsigned transaction that mints one token; digest is 32 bytes. Raises as `transaction`."""
        return self.transaction(
            "mint", parse_recipient(to), checked_digest(digest), sender=sender, nonce=nonce
        )

    def mint_batch_transaction(
        self, to: str, digests: Sequence[bytes], *, sender: str, nonce: int
    ) -> dict[str, Any]:
        """The unsigned transaction that mints a token for each of 1 to MAX_BATCH 32-byte digests to one owner.

        Raises as `transaction`.
        """
        checked = _checked_batch(digests)
        return self.transaction("mintBatch", parse_recipient(to), checked, sender=sender, nonce=nonce)

    def mint_many_transaction(
        self, mints: Sequence[tuple[str, bytes]], *, sender: str, nonce: int
    ) -> dict[str, Any]:
        """The unsigned transaction that mints a token for each of 1 to MAX_BATCH pairs of owner and digest.

        Raises as `transaction`.
        """
        owners = [parse_recipient(owner) for owner, _ in mints]
        digests = _checked_batch([digest for _, digest in mints])
        return self.transaction("mintMany", owners, digests, sender=sender, nonce=nonce)

    # ------------------------------------------------------------------ views

    def token_uri(self, token_id: int) -> str:
        """The IPFS address of a token's metadata. Raises UnknownToken."""
        return str(self._of_token("tokenURI", token_id))

    def metadata_digest(self, token_id: int) -> bytes:
        """The sha2-256 digest of a token's metadata, 32 bytes. Raises UnknownToken."""
        return bytes(self._of_token("metadataDigest", token_id))

    def metadata_frozen(self, token_id: int) -> bool:
        """Whether a token's metadata can no longer change."""
        return bool(self.view("metadataFrozen", token_id))

    def owner_of(self, token_id: int) -> ChecksumAddress:
        """A token's owner. Raises UnknownToken."""
        return to_checksum_address(self._of_token("ownerOf", token_id))

    def royalty_info(self, token_id: int, price_wei: int) -> Royalty:
        """What a sale at price_wei owes (ERC-2981)."""
        receiver, amount_wei = self.view("royaltyInfo", token_id, price_wei)
        return Royalty(to_checksum_address(receiver), int(amount_wei))

    def total_minted(self) -> int:
        """How many tokens were minted, burned ones included; it is no token's id."""
        return int(self.view("totalMinted"))

    def may_mint(self, address: str) -> bool:
        """Whether an account has the minter role."""
        return self.has_roles(address, MINTER_ROLE)

    def has_roles(self, address: str, roles: int) -> bool:
        """Whether an account has all of these roles, which are added up."""
        return bool(self.view("hasAllRoles", parse_address(address), roles))

    def recipe_hash(self, token_id: int) -> bytes | None:
        """The sha2-256 of the recipe that is bound to a token (ERC-7007), 32 bytes, or None."""
        found = bytes(self.view("recipeOf", token_id))
        return found if any(found) else None

    # ------------------------------------------------------------------ what happened

    def minted_ids(self, receipt: Receipt) -> list[int]:
        """The ids of the tokens that a mined transaction minted here, in order; asks no node."""
        return sorted(item.token_id for item in self._transfers(receipt.logs) if item.is_mint)

    def minted_tokens(self, receipt: Receipt) -> tuple[MintedToken, ...]:
        """The tokens a mined transaction minted here, in the order of their ids."""
        with node_boundary("Reading what the transaction minted"):
            data = self._web3.eth.get_transaction(HexStr(receipt.tx_hash))["input"]
        transfers = self._transfers(receipt.logs)
        mints = sorted((item for item in transfers if item.is_mint), key=lambda item: item.token_id)
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
                "topics": ["0x" + TRANSFER_TOPIC.hex()],
            }
            with node_boundary("Reading the transfers"):
                logs = self._web3.eth.get_logs(wanted)
            yield from (read_transfer(log) for log in logs)

    # ------------------------------------------------------------------ within

    def _transfers(self, logs: Sequence[LogReceipt]) -> list[Transfer]:
        return [
            read_transfer(log)
            for log in logs
            if to_checksum_address(log["address"]) == self.address
            and bytes(log["topics"][0]) == TRANSFER_TOPIC
        ]

    def _of_token(self, function: str, token_id: int) -> Any:
        try:
            return self.view(function, token_id)
        except TransactionReverted as error:
            if error.reason == "TokenDoesNotExist":
                raise UnknownToken(
                    f"The contract {self.address} has no token {token_id}; check the token's number."
                ) from error
            raise

    def _sent_digests(self, data: bytes) -> list[bytes]:
        """The digests in a call of mint, mintBatch or mintMany; none in any other."""
        function, arguments = self.decode_call(data) or ("", {})
        if function == "mint":
            return [bytes(arguments["digest"])]
        return [bytes(digest) for digest in arguments.get("digests", ())]


def checked_digest(digest: bytes) -> bytes:
    """The digest. Raises TransactionRejected where it is none."""
    if len(digest) != DIGEST_BYTES or not any(digest):
        raise TransactionRejected(
            f"A metadata digest has {DIGEST_BYTES} bytes and is not zero; give the sha2-256 of the document."
        )
    return digest


def _checked_batch(digests: Sequence[bytes]) -> list[bytes]:
    if not 1 <= len(digests) <= MAX_BATCH:
        raise TransactionRejected(
            f"{len(digests)} tokens cannot be minted at once; give 1 to {MAX_BATCH} digests, or split the batch."
        )
    return [checked_digest(digest) for digest in digests]
