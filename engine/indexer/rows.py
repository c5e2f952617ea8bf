"""What events say, as the rows that are written of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from chain.address import ZERO_ADDRESS
from chain.event import (
    CollectionCreated,
    Event,
    MetadataChanged,
    MetadataFrozen,
    Place,
    RecipeBound,
    TokenEvent,
    TokenMoved,
    VoucherCancelled,
    VoucherClaimed,
)
from engine.database.chain_index import Batch

TOKENS_OF_PAGE_BITS = 8  # of a token's id, below the number of its page

_Key = tuple[str, int]


class Node(Protocol):
    """What logs leave out."""

    def time_s(self, block_number: int) -> int: ...

    def minted_digests(self, contract: str, page: int) -> tuple[bytes, ...]: ...

    def metadata_digest(self, contract: str, token_id: int, block_number: int) -> bytes | None: ...


class Rows:
    """Gathers rows, event by event in the order of the chain. Methods raise node errors."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._minted: dict[_Key, dict[str, Any]] = {}
        self._changed: dict[str, dict[_Key, dict[str, Any]]] = {"owner": {}, "digest": {}, "frozen": {}}
        self._pages: dict[_Key, tuple[bytes, ...]] = {}
        self._times: dict[int, str] = {}
        self._transfers: list[dict[str, Any]] = []
        self._changes: list[dict[str, Any]] = []
        self._vouchers: list[dict[str, Any]] = []
        self._contracts: list[dict[str, Any]] = []

    def batch(
        self, addresses: Sequence[str], first_block: int, last_block: int, blocks: Mapping[int, str]
    ) -> Batch:
        """All that was gathered."""
        owners, digests, frozen = (
            tuple(self._changed[name].values()) for name in ("owner", "digest", "frozen")
        )
        return Batch(
            addresses,
            first_block,
            last_block,
            blocks,
            contracts=[{**row, "next_block": last_block + 1} for row in self._contracts],
            tokens=tuple(self._minted.values()),
            transfers=self._transfers,
            changes=self._changes,
            vouchers=self._vouchers,
            owners=owners,
            digests=digests,
            frozen=frozen,
        )

    def add(self, event: Event) -> None:
        match event:
            case TokenMoved():
                self._move(event)
            case MetadataChanged():
                digest = self._digest(event.place, event.token_id)
                self._tell(event, "metadata", digest=digest)
                self._change(event, "digest", digest)
            case MetadataFrozen():
                self._tell(event, "frozen")
                self._change(event, "frozen", True)
            case RecipeBound():
                self._tell(event, "recipe", prompt_hash=event.prompt_hash, content_hash=event.content_hash)
            case VoucherClaimed():
                more = {
                    "collection": event.collection,
                    "recipient": event.recipient,
                    "token_id": str(event.token_id),
                }
                self._vouchers.append({**self._voucher(event, "claimed"), **more})
            case VoucherCancelled():
                none = {"collection": None, "recipient": None, "token_id": None}
                self._vouchers.append({**self._voucher(event, "cancelled"), **none})
            case CollectionCreated():
                number = event.place.block_number
                self._contracts.append(
                    {
                        "address": event.collection,
                        "kind": "assets",
                        "first_block": number,
                        "found_block": number,
                        "creator": event.creator,
                    }
                )

    def _move(self, event: TokenMoved) -> None:
        place = event.place
        token = {"contract": place.contract, "token_id": str(event.token_id)}
        at = self._at(place)
        self._transfers.append(
            {
                **_placed(place),
                **token,
                "sender": event.sender,
                "receiver": event.receiver,
                "tx_hash": place.tx_hash,
                "at": at,
            }
        )
        if event.sender != ZERO_ADDRESS:
            self._change(event, "owner", None if event.receiver == ZERO_ADDRESS else event.receiver)
            return
        digest = self._minted_digest(place.contract, event.token_id)
        self._minted[place.contract, event.token_id] = {
            **token,
            "owner": event.receiver,
            "digest": digest,
            "minted_digest": digest,
            "frozen": False,
            "minted_block": place.block_number,
            "minted_index": place.log_index,
            "minted_tx": place.tx_hash,
            "minted_at": at,
            "changed_block": place.block_number,
        }

    def _tell(self, event: TokenEvent, kind: str, **values: Any) -> None:
        self._changes.append(
            {
                **_placed(event.place),
                "contract": event.place.contract,
                "token_id": str(event.token_id),
                "kind": kind,
                "digest": None,
                "prompt_hash": None,
                "content_hash": None,
                "tx_hash": event.place.tx_hash,
                "at": self._at(event.place),
                **values,
            }
        )

    def _change(self, event: TokenEvent, name: str, value: Any) -> None:
        key = (event.place.contract, event.token_id)
        number = event.place.block_number
        if key in self._minted:
            self._minted[key] |= {name: value, "changed_block": number}
            return
        token = {"contract": event.place.contract, "token_id": str(event.token_id)}
        self._changed[name][key] = {**token, "changed_block": number, name: value}

    def _voucher(self, event: VoucherClaimed | VoucherCancelled, kind: str) -> dict[str, Any]:
        place = event.place
        told = {"contract": place.contract, "kind": kind, "signer": event.signer, "nonce": str(event.nonce)}
        return {**_placed(place), **told, "tx_hash": place.tx_hash, "at": self._at(place)}

    def _minted_digest(self, contract: str, token_id: int) -> str | None:
        page, index = token_id >> TOKENS_OF_PAGE_BITS, token_id & ((1 << TOKENS_OF_PAGE_BITS) - 1)
        if page >= 1 << 64:  # no nonce has more bits (EIP-2681), so it is no token of ours
            return None
        if (contract, page) not in self._pages:
            self._pages[contract, page] = self._node.minted_digests(contract, page)
        digests = self._pages[contract, page]
        return digests[index].hex() if index < len(digests) else None

    def _digest(self, place: Place, token_id: int) -> str | None:
        digest = self._node.metadata_digest(place.contract, token_id, place.block_number)
        return None if digest is None else digest.hex()

    def _at(self, place: Place) -> str:
        at = self._times.get(place.block_number)
        if at is None:
            time_s = self._node.time_s(place.block_number) if place.time_s is None else place.time_s
            at = datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._times[place.block_number] = at
        return at


def _placed(place: Place) -> dict[str, Any]:
    return {"block_number": place.block_number, "log_index": place.log_index}
