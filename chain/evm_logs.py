"""The embedded chain's index of event logs: a query costs what it finds, not what the chain holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chain.evm_store import EvmStore


@dataclass(frozen=True)
class IndexedLog:
    """One event log where it was mined. Hashes and topics are 32 bytes, an address is 20."""

    block_number: int
    log_index: int
    block_hash: bytes
    transaction_hash: bytes
    transaction_index: int
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True)
class LogFilter:
    """Which logs are asked for, as eth_getLogs does: no address means any, and so does None at a topic.

    Both ends of the range of blocks are included.
    """

    first_block: int
    last_block: int
    addresses: tuple[bytes, ...] = ()
    topics: tuple[tuple[bytes, ...] | None, ...] = ()


class LogIndex:
    """The logs of one store, written in the transaction that writes their block."""

    def __init__(self, store: EvmStore) -> None:
        self._store = store

    def add(self, logs: Sequence[IndexedLog]) -> None:
        """Records the logs of a block that is being written."""
        for log in logs:
            topics = log.topics + (None,) * (4 - len(log.topics))
            place = (log.block_number, log.log_index, log.block_hash)
            origin = (log.transaction_hash, log.transaction_index, log.address)
            self._store.rows(
                "INSERT INTO log VALUES (?,?,?,?,?,?,?,?,?,?,?)", (*place, *origin, *topics, log.data)
            )

    def find(self, wanted: LogFilter) -> Iterator[IndexedLog]:
        """The logs that match, in the order in which they were mined."""
        if len(wanted.topics) > 4:
            return  # a log has at most four topics, so none has a fifth
        sql = "SELECT * FROM log WHERE block_number BETWEEN ? AND ?"
        values: list[object] = [wanted.first_block, wanted.last_block]
        if wanted.addresses:
            sql += f" AND address IN ({_marks(wanted.addresses)})"
            values += wanted.addresses
        for position, topics in enumerate(wanted.topics):
            if topics is None:
                sql += f" AND topic{position} IS NOT NULL"  # a wildcard still asks for a topic to be there
            else:
                sql += f" AND topic{position} IN ({_marks(topics)})"
                values += topics
        for row in self._store.rows(sql + " ORDER BY block_number, log_index", values):
            found: tuple[bytes, ...] = tuple(topic for topic in row[6:10] if topic is not None)
            yield IndexedLog(row[0], row[1], row[2], row[3], row[4], row[5], found, row[10])


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
