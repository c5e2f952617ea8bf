"""What counted as confirmed and was removed by a reorganisation deeper than the confirmations is followed again."""

import logging
from collections.abc import Callable
from typing import Final

from chain.connection import Connection
from chain.log_reader import Block, LogReader
from engine.database import transactions as ledger
from engine.database.batches import reopen_batch
from engine.database.database import Database
from engine.jobs.outbox import Outbox, turn

log = logging.getLogger(__name__)

# How deep a reorganisation may be and still be noticed; Ethereum makes a block final after 64 to 95. Raise it for a
# chain without finality.
WATCHED_BLOCKS: Final = 256
_MOST: Final = 64  # how many blocks or nonces one look sees to; the next goes on
_REMOVED: Final = (
    "A reorganisation deeper than LORESPARK_CONFIRMATIONS removed its block; it is followed again."
)
_UNWANTED: Final = "The contract refused it in a block that a reorganisation removed."


class DeepReorganisations:
    """Of one chain. Each look costs two or three requests to the node, and one for each block that is new to it."""

    def __init__(
        self, database: Database, connection: Callable[[], Connection], outbox: Callable[[], Outbox]
    ) -> None:
        self._database, self._connection, self._outbox = database, connection, outbox
        self._newest: Block | None = None  # on whose chain the blocks in ``_there`` were seen
        self._there: set[tuple[int, str]] = set()

    def look(self) -> int:
        """Opens again what lost its block, and brings to its end what no mint's job follows; returns how many
        transactions were opened again. Safe to repeat after a crash anywhere inside, and in several processes at once.

        Raises node errors.
        """
        opened = self._connection()
        if opened.embedded is not None:
            return 0  # it has one block after the other
        chain_id = opened.settings.chain_id
        gone = self._gone(chain_id, LogReader(opened.web3))
        count = sum(self._reopen(chain_id, *place) for place in gone)
        with self._database.reading() as connection:
            left = ledger.unfollowed(connection, chain_id, _MOST)
        for sender, nonce in left:
            self._outbox().follow_nonce(sender, nonce)
        return count

    def _gone(self, chain_id: int, reader: LogReader) -> list[tuple[int, str]]:
        """The blocks with confirmed transactions that are no longer in the chain."""
        head = reader.block()
        if head is None:
            return []
        with self._database.reading() as connection:
            places = ledger.confirmed_places(connection, chain_id, head.number - WATCHED_BLOCKS)
        # A block that is still there has all those before it.
        if self._newest is None or not _is_there(reader, self._newest):
            self._there.clear()
        self._there &= places
        gone = []
        for number, block_hash in sorted(places - self._there)[:_MOST]:
            found = reader.block(number)
            if found is None:
                continue  # a node that is behind
            if found.hash == block_hash:
                self._there.add((number, block_hash))
            else:
                gone.append((number, block_hash))
        self._newest = head
        if not _is_there(reader, head):
            self._there.clear()  # it changed meanwhile
        return gone

    def _reopen(self, chain_id: int, number: int, block_hash: str) -> int:
        with self._database.reading() as connection:
            removed = ledger.confirmed_in(connection, chain_id, block_hash)
        count = 0
        for version in removed:
            with (
                self._database.exclusive(turn(chain_id, version.sender)),
                self._database.writing() as connection,
            ):
                if version not in ledger.confirmed_in(connection, chain_id, block_hash):
                    continue  # another process was first
                mints = reopen_batch(connection, version.purpose, _REMOVED)
                # A batch without mints failed in that block, and its mints were minted by others or told so.
                ledger.reopen(connection, version, _UNWANTED if mints == 0 else None)
                count += 1
            log.warning(
                "A reorganisation removed the block %d and with it the confirmed transaction %s and %d mints.",
                number,
                version.hash,
                mints or 0,
            )
        return count


def _is_there(reader: LogReader, block: Block) -> bool:
    found = reader.block(block.number)
    return found is not None and found.hash == block.hash
