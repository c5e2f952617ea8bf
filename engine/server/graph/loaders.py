"""What several parts of one query ask for, asked of the records together."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row, select, tuple_
from strawberry.dataloader import DataLoader

from engine.app import Application
from engine.database.mints import NEWEST_FIRST, mints_of
from engine.database.tables import mints, tokens, transfers
from engine.database.tokens import (
    TOKENS_NEWEST_FIRST,
    TRANSFERS_NEWEST_FIRST,
    TokenKey,
    newest_of_each,
    owned_counts,
    tokens_of,
    transfers_of,
)

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")
MOST_TOGETHER: Final = 500  # keys of one statement
_OWN_TOKEN: Final = (tokens.c.contract, tokens.c.token_id)


class Loaders:
    """Those of one query of one tenant; each remembers what it found. Made within the query's event loop."""

    def __init__(self, application: Application, tenant_id: str) -> None:
        self._database, self._tenant_id = application.records.database, tenant_id
        self.chain_id = application.settings.chain_id
        self.token: DataLoader[TokenKey, Row[Any] | None] = self._loader(self._tokens)
        self.mint: DataLoader[TokenKey, Row[Any] | None] = self._loader(self._mints)
        self.token_count: DataLoader[str, int] = self._loader(self._counts)
        self.owned: DataLoader[tuple[str, int], list[Row[Any]]] = self._loader(self._owned)
        self.transfers: DataLoader[tuple[TokenKey, int], list[Row[Any]]] = self._loader(self._transfers)

    def _loader(self, load: Callable[[Connection, list[Key]], Sequence[Found]]) -> DataLoader[Key, Found]:
        # The event loop is this query's alone, so nobody waits while the records are asked.
        async def loading(keys: list[Key]) -> Sequence[Found]:
            with self._database.reading() as connection:
                return load(connection, keys)

        return DataLoader(load_fn=loading, max_batch_size=MOST_TOGETHER)

    def _tokens(self, connection: Connection, keys: list[TokenKey]) -> list[Row[Any] | None]:
        own = select(tokens).where(tokens.c.chain_id == self.chain_id, tuple_(*_OWN_TOKEN).in_(keys))
        found = {(row.contract, row.token_id): row for row in connection.execute(own)}
        return [found.get(key) for key in keys]

    def _mints(self, connection: Connection, keys: list[TokenKey]) -> list[Row[Any] | None]:
        own = mints_of(self._tenant_id).where(
            mints.c.chain_id == self.chain_id,
            mints.c.status != "failed",
            tuple_(mints.c.contract, mints.c.token_id).in_(keys),
        )
        ordered = own.order_by(*NEWEST_FIRST)
        found = {(row.contract, row.token_id): row for row in connection.execute(ordered)}
        return [found.get(key) for key in keys]

    def _counts(self, connection: Connection, keys: list[str]) -> list[int]:
        found = owned_counts(connection, self.chain_id, keys)
        return [found.get(key, 0) for key in keys]

    def _owned(self, connection: Connection, keys: list[tuple[str, int]]) -> list[list[Row[Any]]]:
        query = tokens_of(self.chain_id).where(tokens.c.owner.in_([owner for owner, _ in keys]))
        most = max(first for _, first in keys)
        found: dict[str, list[Row[Any]]] = {}
        for row in newest_of_each(connection, query, (tokens.c.owner,), TOKENS_NEWEST_FIRST, most):
            found.setdefault(row.owner, []).append(row)
        return [found.get(owner, [])[:first] for owner, first in keys]

    def _transfers(self, connection: Connection, keys: list[tuple[TokenKey, int]]) -> list[list[Row[Any]]]:
        own = (transfers.c.contract, transfers.c.token_id)
        query = transfers_of(self.chain_id).where(tuple_(*own).in_([key for key, _ in keys]))
        most = max(first for _, first in keys)
        found: dict[TokenKey, list[Row[Any]]] = {}
        for row in newest_of_each(connection, query, own, TRANSFERS_NEWEST_FIRST, most):
            found.setdefault((row.contract, row.token_id), []).append(row)
        return [found.get(key, [])[:first] for key, first in keys]
