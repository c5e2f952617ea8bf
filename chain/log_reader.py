"""Reading a chain's past: blocks, the logs of as wide a range as the node allows, and what tokens were minted with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import rlp  # type: ignore[import-untyped]
from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak
from web3 import Web3

from chain.boundary import node_boundary
from chain.errors import NodeRefused, NodeUnreachable
from chain.event import TOPICS, Event, read_event

# Blocks of one request. Public nodes refuse more than 1,000 to 10,000; the range grows and shrinks with what they say.
FIRST_RANGE_BLOCKS: Final = 2_000
MOST_BLOCKS: Final = 100_000
# Logs of one range, above which the next is narrower: what is written in one transaction stays small.
MANY_LOGS: Final = 4_000
MOST_ADDRESSES: Final = 200  # of one request; nodes refuse long lists
DIGEST_BYTES: Final = 32


@dataclass(frozen=True)
class Block:
    """``hash`` is 0x and 64 hexadecimal digits; ``time_s`` is Unix time."""

    number: int
    hash: str
    time_s: int


class LogReader:
    """Reads through one node. Methods raise NodeUnreachable, and NodeRefused where it answers with an error."""

    def __init__(self, web3: Web3, range_blocks: int = FIRST_RANGE_BLOCKS) -> None:
        """``range_blocks`` is how many it asks for at first."""
        self._web3, self.range_blocks = web3, range_blocks

    def block(self, number: int | None = None) -> Block | None:
        """The block of this number on the chain as it is now, or the newest; None beyond that."""
        tag = "latest" if number is None else hex(number)
        found = self._ask("Reading a block", "eth_getBlockByNumber", tag, False)
        if found is None:
            return None
        return Block(int(found["number"], 16), str(found["hash"]), int(found["timestamp"], 16))

    def events(
        self, addresses: Sequence[str], first_block: int, last_block: int
    ) -> tuple[int, tuple[Event, ...]]:
        """What these contracts' logs say from ``first_block`` on, in the order of the chain, and the last block read.

        That is at most ``last_block``: where the node refuses the range it asks for half of it, down to one block.
        """
        while True:
            last = min(last_block, first_block + self.range_blocks - 1)
            try:
                events = self._events(addresses, first_block, last)
            except NodeRefused:
                if last == first_block:
                    raise
                self.range_blocks = (last - first_block + 1) // 2
                continue
            except NodeUnreachable:  # or the answer takes it too long
                self.range_blocks = max(1, (last - first_block + 1) // 2)
                raise
            if len(events) > MANY_LOGS:
                self.range_blocks = max(1, (last - first_block + 1) // 2)
            elif last == first_block + self.range_blocks - 1:
                self.range_blocks = min(MOST_BLOCKS, self.range_blocks * 2)
            return last, events

    def minted_digests(self, contract: str, page: int) -> tuple[bytes, ...]:
        """The metadata digests that a page's tokens were minted with, by their index; none where it is no page.

        They are a data contract's code, at the address that the page's number gives it: see PagedERC721.
        """
        made = keccak(rlp.encode([to_canonical_address(contract), page]))[12:]
        code = bytes.fromhex(
            self._ask("Reading a page of tokens", "eth_getCode", to_checksum_address(made), "latest")[2:]
        )
        header = len(code) % DIGEST_BYTES
        return tuple(code[begin : begin + DIGEST_BYTES] for begin in range(header, len(code), DIGEST_BYTES))

    def metadata_digest(self, contract: str, token_id: int, block_number: int) -> bytes | None:
        """A token's metadata digest at the end of a block, or now where the node kept no state that old.

        None where the token is burned.
        """
        call = {"to": contract, "data": "0x" + (_METADATA_DIGEST + token_id.to_bytes(32, "big")).hex()}
        for tag in (hex(block_number), "latest"):
            answer = self._request("Reading a token's metadata digest", "eth_call", call, tag)
            if "error" not in answer:
                found = bytes.fromhex(str(answer["result"])[2:])
                return found if len(found) == DIGEST_BYTES else None
            if _is_revert(answer["error"]):
                return None
        raise _refused("Reading a token's metadata digest", answer["error"])

    def deployment_block(self, address: str, head_block: int) -> int | None:
        """The block that a contract came with; 0 where the node kept no state that old; None where there is none."""
        if not self._has_code(address, head_block):
            return None
        least, most = 0, head_block
        while least < most:
            middle = (least + most) // 2
            try:
                there = self._has_code(address, middle)
            except NodeRefused:
                return 0
            least, most = (least, middle) if there else (middle + 1, most)
        return least

    def _has_code(self, address: str, number: int) -> bool:
        return len(str(self._ask("Looking for the contract", "eth_getCode", address, hex(number)))) > 2

    def _events(self, addresses: Sequence[str], first_block: int, last_block: int) -> tuple[Event, ...]:
        found: list[Event] = []
        for begin in range(0, len(addresses), MOST_ADDRESSES):
            wanted = {
                "address": list(addresses[begin : begin + MOST_ADDRESSES]),
                "fromBlock": hex(first_block),
                "toBlock": hex(last_block),
                "topics": [list(TOPICS)],
            }
            found += map(read_event, self._ask("Reading the logs", "eth_getLogs", wanted))
        found.sort(key=lambda event: (event.place.block_number, event.place.log_index))
        return tuple(found)

    def _ask(self, action: str, method: str, *params: Any) -> Any:
        answer = self._request(action, method, *params)
        if "error" in answer:
            raise _refused(action, answer["error"])
        if "result" not in answer:
            raise NodeRefused(f"{action} failed because the node's answer holds no result; use another node.")
        return answer["result"]

    def _request(self, action: str, method: Any, *params: Any) -> Any:
        # The provider itself: web3's formatting takes several times as long as the node for thousands of logs.
        with node_boundary(action):
            return self._web3.provider.make_request(method, params)


def _refused(action: str, said: Any) -> NodeRefused:
    message = said.get("message", "no message") if isinstance(said, dict) else said
    return NodeRefused(f"{action} failed because the node refused: {str(message).rstrip('.')[:300]}.")


def _is_revert(said: Any) -> bool:
    """Whether the contract itself refused; code 3 is that of geth and those that follow it."""
    return isinstance(said, dict) and (said.get("code") == 3 or "revert" in str(said.get("message", "")))


_METADATA_DIGEST: Final = keccak(text="metadataDigest(uint256)")[:4]
