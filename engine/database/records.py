"""Creations and mints as frozen records beside the assets, and the queries that read and write them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy import Connection, Engine, Row, insert, select

from assets.asset import Asset
from engine.database import tables
from engine.database.asset_rows import asset_of
from engine.database.clock import now
from engine.database.database import Database
from engine.database.jobs import enqueue
from engine.database.mints import FINISHED_MINT, MintRecord, add_mint, living, update_mint
from engine.database.tables import LOCAL_TENANT

UNFINISHED_CREATION = ("queued", "running")


@dataclass(frozen=True)
class CreationRecord:
    """``recipes`` is empty until they are made of the ``request`` (engine.api.creation.CreationRequest as JSON), which
    is None where recipes alone were asked for. ``key_id`` is None for the command line; ``events`` counts them."""

    id: str
    tenant_id: str
    key_id: str | None
    status: str
    request: dict[str, Any] | None
    recipes: list[dict[str, Any]]
    count: int
    collection_id: str | None
    error: str | None
    events: int
    created_at: str
    started_at: str | None
    finished_at: str | None


class Hold(Protocol):
    """A worker's hold on the job that it writes for."""

    def confirm(self, connection: Connection) -> None:
        """Raises HoldLost where another worker took the job over: then nothing may be written."""


Record = TypeVar("Record", CreationRecord, MintRecord)


class Records:
    """The records database. Writes are small transactions; each is safe to repeat.

    Every method raises DatabaseUnusable where the file cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._writing, self._reading = database.writing, database.reading

    @classmethod
    def open(cls, path: Path) -> Self:
        """Over the SQLite file, made or migrated. Raises as ``Database.open``."""
        return cls(Database.open(path))

    @property
    def engine(self) -> Engine:
        return self.database.engine

    def close(self) -> None:
        self.database.close()

    # creations and assets

    def add_creation(
        self, creation_id: str, recipes: Sequence[dict[str, Any]], tenant_id: str = LOCAL_TENANT
    ) -> None:
        """A creation of recipes that are known, as the command line makes it."""
        with self._writing() as connection:
            connection.execute(
                insert(tables.creations).values(
                    id=creation_id,
                    tenant_id=tenant_id,
                    status="queued",
                    recipes=list(recipes),
                    count=len(recipes),
                    created_at=now(),
                )
            )
            enqueue(connection, "generate", creation_id, tenant_id)

    def creation(self, creation_id: str) -> CreationRecord | None:
        return self._one(CreationRecord, select(tables.creations).where(tables.creations.c.id == creation_id))

    def unfinished_creations(self) -> list[str]:
        table = tables.creations
        with self._reading() as connection:
            query = (
                select(table.c.id).where(table.c.status.in_(UNFINISHED_CREATION)).order_by(table.c.created_at)
            )
            return list(connection.scalars(query))

    def asset(self, asset_id: str) -> Asset | None:
        return next(iter(self._assets(select(tables.assets).where(tables.assets.c.id == asset_id))), None)

    def assets_of(self, creation_id: str) -> list[Asset]:
        table = tables.assets
        return self._assets(
            select(table).where(table.c.creation_id == creation_id).order_by(table.c.position)
        )

    def newest_assets(self, limit: int) -> list[Asset]:
        table = tables.assets
        order = (table.c.created_at.desc(), table.c.creation_id, table.c.position)
        return self._assets(select(table).order_by(*order).limit(limit))

    # mints

    def living_mint(self, asset_id: str, chain_id: int) -> MintRecord | None:
        """The asset's mint on that chain, finished or not, unless it failed."""
        return self._one(MintRecord, living(asset_id, chain_id))

    def add_mint(self, asset: Asset, recipient: str, chain_id: int) -> tuple[MintRecord, bool]:
        """As ``engine.database.mints.add_mint``, in a transaction of its own, and lets it wait for a worker."""
        with self._writing() as connection:
            mint, made = add_mint(connection, asset, recipient, chain_id)
            if made:
                enqueue(connection, "mint", mint.id, mint.tenant_id)
            return mint, made

    def mint(self, mint_id: str) -> MintRecord | None:
        return self._one(MintRecord, select(tables.mints).where(tables.mints.c.id == mint_id))

    def mint_of(self, asset_id: str) -> MintRecord | None:
        """The asset's newest confirmed mint on any chain."""
        table = tables.mints
        query = select(table).where(table.c.asset_id == asset_id, table.c.status == "confirmed")
        return self._one(MintRecord, query.order_by(table.c.created_at.desc()).limit(1))

    def unfinished_mints(self, chain_id: int) -> list[str]:
        """Those of one chain: the others can only go on when the settings name their chain again."""
        table = tables.mints
        with self._reading() as connection:
            query = select(table.c.id).where(
                table.c.chain_id == chain_id, table.c.status.not_in(FINISHED_MINT)
            )
            return list(connection.scalars(query.order_by(table.c.created_at)))

    def update_mint(self, mint_id: str, hold: Hold | None = None, **values: Any) -> None:
        """As ``engine.database.mints.update_mint``, in a transaction of its own."""
        with self._writing() as connection:
            if hold is not None:
                hold.confirm(connection)
            update_mint(connection, mint_id, **values)

    # contracts

    def contract(self, chain_id: int) -> str | None:
        table = tables.contracts
        with self._reading() as connection:
            return connection.scalar(select(table.c.address).where(table.c.chain_id == chain_id))

    def set_contract(self, chain_id: int, address: str) -> None:
        with self._writing() as connection:
            table = tables.contracts
            if connection.scalar(select(table.c.address).where(table.c.chain_id == chain_id)) is None:
                connection.execute(insert(table).values(chain_id=chain_id, address=address, created_at=now()))

    def _one(self, record: type[Record], query: Any) -> Record | None:
        with self._reading() as connection:
            row: Row[Any] | None = connection.execute(query).one_or_none()
            return None if row is None else record(**row._mapping)

    def _assets(self, query: Any) -> list[Asset]:
        with self._reading() as connection:
            return [asset_of(row) for row in connection.execute(query)]
