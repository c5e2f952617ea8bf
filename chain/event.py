"""What our contracts' logs say, as frozen values; read from a node's JSON as it came, for there are many."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from chain.artifact import ContractArtifact, lorespark_assets, lorespark_collections, lorespark_vouchers
from chain.errors import NodeRefused


@dataclass(frozen=True, slots=True)
class Place:
    """Where a log lies. ``log_index`` counts within the block; hashes are 0x and 64 hexadecimal digits."""

    contract: ChecksumAddress
    block_number: int
    block_hash: str
    log_index: int
    tx_hash: str
    time_s: int | None  # Unix time of the block, where the node tells it with the log


@dataclass(frozen=True, slots=True)
class TokenMoved:
    """ERC-721; ``sender`` is the zero address for a mint, ``receiver`` for a burn."""

    place: Place
    token_id: int
    sender: ChecksumAddress
    receiver: ChecksumAddress


@dataclass(frozen=True, slots=True)
class MetadataChanged:
    """ERC-4906. The log does not say to what."""

    place: Place
    token_id: int


@dataclass(frozen=True, slots=True)
class MetadataFrozen:
    place: Place
    token_id: int


@dataclass(frozen=True, slots=True)
class RecipeBound:
    """ERC-7007; the log holds the keccak-256 of recipe and content alone."""

    place: Place
    token_id: int
    prompt_hash: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class VoucherClaimed:
    place: Place
    signer: ChecksumAddress
    nonce: int
    collection: ChecksumAddress
    recipient: ChecksumAddress
    token_id: int


@dataclass(frozen=True, slots=True)
class VoucherCancelled:
    place: Place
    signer: ChecksumAddress
    nonce: int


@dataclass(frozen=True, slots=True)
class CollectionCreated:
    place: Place
    creator: ChecksumAddress
    collection: ChecksumAddress


TokenEvent = TokenMoved | MetadataChanged | MetadataFrozen | RecipeBound
VoucherEvent = VoucherClaimed | VoucherCancelled
Event = TokenEvent | VoucherEvent | CollectionCreated


def read_event(log: Mapping[str, Any]) -> Event:
    """The event of one log of ``eth_getLogs``. Raises NodeRefused for what is no log of ours."""
    try:
        place = Place(
            _address(log["address"]),
            int(log["blockNumber"], 16),
            str(log["blockHash"]),
            int(log["logIndex"], 16),
            str(log["transactionHash"]),
            int(log["blockTimestamp"], 16) if log.get("blockTimestamp") else None,
        )
        topics: list[str] = log["topics"]
        return _READERS[topics[0]](place, topics, str(log["data"])[2:])
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise NodeRefused(
            f"The node gave a log that cannot be read ({type(error).__name__}); use another node."
        ) from error


@lru_cache(maxsize=65_536)  # the checksum is a hash, which takes longer than all else here
def _address(text: str) -> ChecksumAddress:
    """The account in an address, or in a 32-byte word."""
    return to_checksum_address("0x" + text[-40:])


def _number(text: str) -> int:
    return int(text, 16)


def _word(data: str, position: int) -> str:
    """The 32-byte word at a position of ABI-encoded data, in hexadecimal."""
    word = data[64 * position : 64 * (position + 1)]
    if len(word) != 64:
        raise ValueError("the data is too short")
    return word


def _moved(place: Place, topics: list[str], _: str) -> Event:
    return TokenMoved(place, _number(topics[3]), _address(topics[1]), _address(topics[2]))


def _changed(place: Place, _: list[str], data: str) -> Event:
    return MetadataChanged(place, _number(_word(data, 0)))


def _frozen(place: Place, topics: list[str], _: str) -> Event:
    return MetadataFrozen(place, _number(topics[1]))


def _bound(place: Place, topics: list[str], _: str) -> Event:
    return RecipeBound(place, _number(topics[1]), topics[2], topics[3])


def _claimed(place: Place, topics: list[str], data: str) -> Event:
    nonce, recipient, token_id = (_word(data, position) for position in range(3))
    return VoucherClaimed(
        place,
        _address(topics[2]),
        _number(nonce),
        _address(topics[1]),
        _address(recipient),
        _number(token_id),
    )


def _cancelled(place: Place, topics: list[str], data: str) -> Event:
    return VoucherCancelled(place, _address(topics[1]), _number(_word(data, 0)))


def _created(place: Place, topics: list[str], _: str) -> Event:
    return CollectionCreated(place, _address(topics[1]), _address(topics[2]))


_Reader = Callable[[Place, list[str], str], Event]


def _topic(artifact: ContractArtifact, name: str) -> str:
    return "0x" + artifact.event_topic(name).hex()


# BatchMetadataUpdate is declared for ERC-4906 and never written by our contract.
_READERS: Final[Mapping[str, _Reader]] = {
    _topic(lorespark_assets(), "Transfer"): _moved,
    _topic(lorespark_assets(), "MetadataUpdate"): _changed,
    _topic(lorespark_assets(), "MetadataFrozen"): _frozen,
    _topic(lorespark_assets(), "AigcData"): _bound,
    _topic(lorespark_vouchers(), "Claimed"): _claimed,
    _topic(lorespark_vouchers(), "Cancelled"): _cancelled,
    _topic(lorespark_collections(), "CollectionCreated"): _created,
}
# The first topics to ask a node for.
TOPICS: Final = tuple(_READERS)
