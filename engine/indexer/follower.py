"""Following our contracts' logs into the records: batch by batch, back over what a reorganisation removed, and on.

What is written, and how far was read, is one transaction, begun by whoever still stands where the records do: of two
processes that follow at once one gives way, and a kill anywhere loses and doubles nothing.
"""

import logging
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from chain.errors import NodeRefused
from chain.event import CollectionCreated, Event, VoucherCancelled, VoucherClaimed
from chain.log_reader import Block, LogReader
from engine.database.chain_index import (
    Followed,
    Standing,
    advance,
    standing,
    undo_after,
    watch,
    write_batch,
)
from engine.database.database import Database
from engine.indexer.rows import Rows
from engine.jobs.hold import Hold

log = logging.getLogger(__name__)

# The contracts to follow that no factory tells of: kinds by address.
Sources = Callable[[], Mapping[str, str]]


@dataclass(frozen=True)
class Progress:
    """``done_block`` is the newest that was read of every contract, -1 before the first; ``head_block`` the chain's.

    ``is_current`` says that there was nothing left to do.
    """

    done_block: int
    head_block: int
    is_current: bool


@dataclass(frozen=True)
class _Read:
    """What one look at the chain gave, all of one and the same chain."""

    last_block: int
    addresses: tuple[str, ...]
    blocks: Mapping[int, str]
    rows: Rows


class Follower:
    """Follows one chain into one database.

    Raises NodeUnreachable and NodeRefused where the node fails, and DatabaseUnusable: then nothing was written, and
    ``step`` is to be called again later.
    """

    def __init__(self, database: Database, chain_id: int, reader: LogReader, sources: Sources) -> None:
        self._database, self._chain_id, self._reader, self._sources = database, chain_id, reader, sources

    def step(self, hold: Hold | None = None) -> Progress:
        """Reads one batch, or undoes one reorganisation. Nothing is written once ``hold`` is lost (HoldLost)."""
        head = self._reader.block()
        if head is None:
            raise NodeRefused("The node knows no newest block; wait until it has begun to follow its chain.")
        stands = self._watched(hold, head)
        if not stands.contracts:
            return Progress(head.number, head.number, is_current=True)
        if stands.blocks and self._hash(stands.blocks[0][0]) != stands.blocks[0][1]:
            return self._undo(stands, head, hold)
        first = stands.contracts[0].next_block
        if first > head.number:
            return Progress(first - 1, head.number, is_current=True)
        read = self._read(stands, head)
        if read is None:  # the chain changed meanwhile
            return Progress(first - 1, head.number, is_current=False)
        batch = read.rows.batch(read.addresses, first, read.last_block, read.blocks)
        with self._database.writing() as connection:
            if hold is not None:
                hold.confirm(connection)
            if advance(connection, self._chain_id, stands.version, head.number):
                write_batch(connection, self._chain_id, batch)
        return Progress(read.last_block, head.number, is_current=False)

    def follow(self, hold: Hold | None = None, told: Callable[[Progress], None] = lambda _: None) -> Progress:
        """Steps until there is nothing left to do; ``told`` hears of each."""
        while True:
            progress = self.step(hold)
            told(progress)
            if progress.is_current:
                return progress

    def _watched(self, hold: Hold | None, head: Block) -> Standing:
        """Where the records stand, with what has been deployed of the sources."""
        with self._database.reading() as connection:
            stands = standing(connection, self._chain_id)
        known = {each.address for each in stands.contracts}
        added = []
        for address, kind in self._sources().items():
            if address not in known:
                first = self._reader.deployment_block(address, head.number)
                if first is not None:
                    added.append(Followed(address, kind, first, first))
        if not added:
            return stands
        with self._database.writing() as connection:
            if hold is not None:
                hold.confirm(connection)
            for each in added:
                watch(connection, self._chain_id, each.address, each.kind, each.first_block)
            return standing(connection, self._chain_id)

    def _undo(self, stands: Standing, head: Block, hold: Hold | None) -> Progress:
        """Goes back to the newest block of ours that is still on the chain, or to none."""
        # A block that is still there has all those before it, so what is gone begins at one place.
        gone, there = 0, len(stands.blocks)
        while gone + 1 < there:
            middle = (gone + there) // 2
            number, block_hash = stands.blocks[middle]
            if self._hash(number) == block_hash:
                there = middle
            else:
                gone = middle
        fork = stands.blocks[there][0] if there < len(stands.blocks) else -1
        if fork < 0:
            log.warning(
                "The chain %d has none of the blocks that were read last; all is read again.", self._chain_id
            )
        with self._database.writing() as connection:
            if hold is not None:
                hold.confirm(connection)
            if advance(connection, self._chain_id, stands.version, head.number):
                undo_after(connection, self._chain_id, fork)
        return Progress(fork, head.number, is_current=False)

    def _read(self, stands: Standing, head: Block) -> _Read | None:
        """The next batch; None where the chain changed while it was read, so that it may be of two chains."""
        first = stands.contracts[0].next_block
        behind = [each for each in stands.contracts if each.next_block == first]
        others = [each.next_block - 1 for each in stands.contracts if each.next_block > first]
        # A contract that was added later is read alone until it has caught up with the others.
        most = min([head.number, *others])
        kinds = {each.address: each.kind for each in behind}
        last, events = self._reader.events(tuple(kinds), first, most)
        known, taken = {each.address for each in stands.contracts}, list(events)
        while found := _new_collections(events, kinds, known):
            known |= found
            kinds |= dict.fromkeys(found, "assets")
            last, events = self._reader.events(sorted(found), first, last)
            taken += events
        rows, blocks = Rows(_Node(self._reader)), {}
        for event in sorted(taken, key=lambda event: (event.place.block_number, event.place.log_index)):
            if event.place.block_number <= last and _is_said_by(event, kinds[event.place.contract]):
                rows.add(event)
                blocks[event.place.block_number] = event.place.block_hash
        # Whatever was read is of this block's chain, if the block is on the chain before and after: its hash says
        # all that came before it. Before: the newest of ours was compared, and the node had told of the head.
        anchor = (
            stands.blocks[0] if stands.blocks and stands.blocks[0][0] > last else (head.number, head.hash)
        )
        end = self._reader.block(last)
        if end is None or blocks.get(last, end.hash) != end.hash or self._hash(anchor[0]) != anchor[1]:
            return None
        return _Read(last, tuple(kinds), blocks | {last: end.hash}, rows)

    def _hash(self, number: int) -> str | None:
        found = self._reader.block(number)
        return None if found is None else found.hash


def _is_said_by(event: Event, kind: str) -> bool:
    """Whether a contract of this kind may say it; what others make of our events means nothing."""
    match event:
        case CollectionCreated():
            return kind == "collections"
        case VoucherClaimed() | VoucherCancelled():
            return kind == "vouchers"
    return kind == "assets"


def _new_collections(events: Sequence[Event], kinds: Mapping[str, str], known: Set[str]) -> set[str]:
    return {
        event.collection
        for event in events
        if isinstance(event, CollectionCreated)
        and _is_said_by(event, kinds[event.place.contract])
        and event.collection not in known
    }


class _Node:
    """What rows need to know beyond the logs."""

    def __init__(self, reader: LogReader) -> None:
        self.minted_digests, self.metadata_digest = reader.minted_digests, reader.metadata_digest
        self._reader = reader

    def time_s(self, block_number: int) -> int:
        block = self._reader.block(block_number)
        if block is None:
            raise NodeRefused(
                f"The node gave logs of the block {block_number} and has none; ask again later."
            )
        return block.time_s
