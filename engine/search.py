"""Search over a tenant's assets by what their prompts and names mean."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, select

from engine.database.asset_vectors import (
    WIDTH,
    Vectors,
    add_vectors,
    text_of_asset,
    texts_without_vector,
    vector_of,
    vectors_after,
)
from engine.database.assets import AssetFilter, ids_of_tenant
from engine.database.database import Database
from engine.database.tables import assets
from engine.errors import EngineError
from generators.errors import GeneratorError

_log = logging.getLogger(__name__)
LEARNT_AT_ONCE: Final = 256  # assets whose texts one search reads, in two seconds; a thread reads the others
# In memory, over all tenants: 1,536 bytes each. Those of the tenant that searched longest ago go first.
MAX_HELD: Final = 400_000
_CLOSE_TIMEOUT_S: Final = 10.0  # a batch of texts takes about two seconds


class Meaning(Protocol):
    """Texts -> n 384, float32, of length 1."""

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class AssetSearch:
    """Finds assets. What it needs is loaded at the first search. May be used by several threads."""

    def __init__(self, database: Database, load: Callable[[], Meaning]) -> None:
        self._database, self._load = database, load
        self._meaning: Meaning | None = None
        self._encoding = threading.Lock()  # a tokenizer serves one thread at a time
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._holding = threading.Lock()
        self._readers: dict[str, threading.Thread] = {}
        self._closed = threading.Event()

    def find(self, tenant_id: str, text: str, wanted: AssetFilter, start: int, count: int) -> list[Row[Any]]:
        """Rows ``start`` to ``start + count`` of the tenant's assets that are as ``wanted``, the most alike first.

        Assets whose texts were not read yet follow in later searches. Raises WeightsUnavailable, DatabaseUnusable.
        """
        if self._learn(tenant_id):
            self._learn_on(tenant_id)
        return self._nearest(tenant_id, self._vectors([text])[0], wanted, start, count)

    def alike(
        self, tenant_id: str, asset_id: str, wanted: AssetFilter, start: int, count: int
    ) -> list[Row[Any]]:
        """The same of assets whose texts mean nearly what the text of ``asset_id`` means, itself the first of them.

        Raises as ``find``.
        """
        if self._learn(tenant_id):
            self._learn_on(tenant_id)
        with self._database.reading() as connection:
            known = vector_of(connection, tenant_id, asset_id)
            text = None if known is not None else text_of_asset(connection, tenant_id, asset_id)
        if known is None and text is None:
            return []  # it was deleted meanwhile
        vector = known if known is not None else self._vectors([text or ""])[0]
        return self._nearest(tenant_id, vector, wanted, start, count)

    def _nearest(
        self, tenant_id: str, vector: NDArray[np.float32], wanted: AssetFilter, start: int, count: int
    ) -> list[Row[Any]]:
        asset_ids, numbers = self._vectors_of(tenant_id)
        alike = numbers @ vector
        allowed = None
        if not wanted.asks_nothing:
            with self._database.reading() as connection:
                allowed = ids_of_tenant(connection, tenant_id, wanted)
        ids = _best(asset_ids, alike, allowed, start, count)
        with self._database.reading() as connection:
            found = {
                row.id: row
                for row in connection.execute(
                    select(assets).where(assets.c.tenant_id == tenant_id, assets.c.id.in_(ids))
                )
            }
        if len(found) < len(ids):  # some were deleted since their vectors were read
            with self._holding:
                self._held.pop(tenant_id, None)
            return self._nearest(tenant_id, vector, wanted, start, count)
        return [found[asset_id] for asset_id in ids if asset_id in found]

    def close(self) -> None:
        """Waits for the batch that a thread is reading."""
        self._closed.set()
        with self._holding:
            readers = list(self._readers.values())
        for reader in readers:
            reader.join(_CLOSE_TIMEOUT_S)

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with self._encoding:
            if self._meaning is None:
                self._meaning = self._load()
            return self._meaning.vectors(texts)

    def _learn(self, tenant_id: str) -> bool:
        """Reads the texts of some assets that have no vector; whether there may be more."""
        with self._database.reading() as connection:
            if not texts_without_vector(connection, tenant_id, 1):
                return False
        with self._database.exclusive(f"asset vectors of {tenant_id}"):
            with self._database.reading() as connection:
                lacking = texts_without_vector(connection, tenant_id, LEARNT_AT_ONCE)
            texts = list(dict.fromkeys(text for _, text in lacking))
            vectors = dict(zip(texts, self._vectors(texts), strict=True))
            if lacking:
                with self._database.writing() as connection:
                    add_vectors(
                        connection, tenant_id, {asset_id: vectors[text] for asset_id, text in lacking}
                    )
        return len(lacking) == LEARNT_AT_ONCE

    def _learn_on(self, tenant_id: str) -> None:
        """Reads the texts of the tenant's other assets meanwhile."""

        def learn() -> None:
            try:
                while not self._closed.is_set() and self._learn(tenant_id):
                    pass
            except (EngineError, GeneratorError) as error:
                _log.error("The texts of assets could not be read: %s", error)  # the next search tries again
            finally:
                with self._holding:
                    del self._readers[tenant_id]

        with self._holding:
            if tenant_id in self._readers or self._closed.is_set():
                return
            reader = threading.Thread(target=learn, name="asset vectors", daemon=True)
            self._readers[tenant_id] = reader
            reader.start()

    def _vectors_of(self, tenant_id: str) -> tuple[Sequence[str], NDArray[np.float32]]:
        """All ids and vectors of the tenant that are written by now."""
        with self._holding:
            held = self._held.setdefault(tenant_id, _Held())
            self._held.move_to_end(tenant_id)
        with held.turn:
            with self._database.reading() as connection:
                held.add(vectors_after(connection, tenant_id, held.last))
            found = held.asset_ids, held.numbers[: held.count]
        with self._holding:
            while len(self._held) > 1 and sum(each.count for each in self._held.values()) > MAX_HELD:
                self._held.popitem(last=False)
        return found


class _Held:
    """One tenant's vectors in memory; the rows up to ``count`` never change."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.asset_ids: list[str] = []
        self.numbers = np.zeros((0, WIDTH), np.float32)
        self.count, self.last = 0, 0

    def add(self, fresh: Vectors) -> None:
        count = self.count + len(fresh.asset_ids)
        if count > len(self.numbers):
            grown = np.zeros((max(count, 2 * self.count), WIDTH), np.float32)
            grown[: self.count] = self.numbers[: self.count]
            self.numbers = grown
        self.numbers[self.count : count] = fresh.numbers
        self.asset_ids = [*self.asset_ids, *fresh.asset_ids] if fresh.asset_ids else self.asset_ids
        self.count, self.last = count, fresh.last


def _best(
    asset_ids: Sequence[str], alike: NDArray[np.float32], allowed: set[str] | None, start: int, count: int
) -> list[str]:
    """The ids from place ``start`` on of those that are allowed, by falling likeness; equal ones keep their order."""
    order = np.argsort(-alike, kind="stable")
    if allowed is None:
        return [asset_ids[place] for place in order[start : start + count]]
    wanted = min(start + count, len(allowed))
    found: list[str] = []
    for place in order:
        if len(found) == wanted:
            break
        if asset_ids[place] in allowed:
            found.append(asset_ids[place])
    return found[start:]
