"""How many mints an engine with one worker confirms in a second on a real node."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import func, select

from assets.asset import Asset, AssetKind
from assets.canonical_json import JsonObject
from assets.cid import Cid
from engine.app import Application
from engine.database.creation_record import Wishes, record_success
from engine.database.jobs import enqueue
from engine.database.mints import add_mint
from engine.database.tables import LOCAL_TENANT, mints
from engine.jobs.opening import start_worker
from engine.settings import Settings
from generators.recipe import Kind, Recipe
from tools.bench.anvil import CHAIN_ID
from tools.bench.figure import Figure

MINTS = 1_000
SIGNERS = 3
# The first accounts of every anvil; their keys are published with it.
KEYS = (
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
)
# Of throw-away mints; an account that is no contract.
RECIPIENT = "0x" + "21" * 20
TIMEOUT_S = 120.0


def figures(node_url: str) -> Iterator[Figure]:
    """Mints that all wait at once, from the worker's start to the last confirmation. Raises RuntimeError."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "LORESPARK_DATA_DIR": folder,
            "LORESPARK_RPC_URL": node_url,
            "LORESPARK_CHAIN_ID": str(CHAIN_ID),
            "LORESPARK_CONFIRMATIONS": "1",
            "LORESPARK_PRIVATE_KEY": ",".join(KEYS[:SIGNERS]),
        }
        with Application.open(Settings.from_environment(environment)) as application:
            _add(application, "warm", 1)
            start_worker(application, ["mint"])
            _wait(application, 1)
            _add(application, "measured", MINTS)
            began = time.perf_counter()
            _wait(application, MINTS + 1)
            rate = MINTS / (time.perf_counter() - began)
    note = f"{MINTS:,} mints that wait at once, SQLite, anvil, {SIGNERS} signers, window on, every change written down"
    yield Figure("mints_confirmed_per_s", rate, "1/s", at_most=False, note=note)


def _wait(application: Application, count: int) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    query = select(func.count()).select_from(mints).where(mints.c.status == "confirmed")
    while time.monotonic() < deadline:
        with application.records.database.reading() as connection:
            if connection.scalar(query) == count:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{count} mints were not confirmed within {TIMEOUT_S:g} s.")


def _add(application: Application, name: str, count: int) -> None:
    """Assets of no picture, and their mints, in one transaction as a batch over HTTP makes them."""
    recipe = Recipe.make(
        kind=Kind.ITEM,
        prompt="a red potion bottle",
        seed=1,
        model="any/1",
        weights="ab" * 32,
        steps=1,
        guidance=3.0,
        size=32,
        precision="fp32",
        palette=None,
    )
    first = Asset(
        asset_id=f"asset-{name}",
        kind=AssetKind.ITEM,
        name="A red potion bottle",
        recipe=JsonObject(recipe.to_dict()),
        media_cid=Cid.raw(bytes([1] * 32)),
        image_cid=Cid.raw(bytes([1] * 32)),
        metadata_cid=Cid.raw(bytes([1] * 32)),
        created_at=datetime.now(UTC).replace(microsecond=0),
    )
    assets = [
        replace(first, asset_id=f"asset-{name}-{n}", metadata_cid=Cid.raw((n + 1).to_bytes(32, "big")))
        for n in range(count)
    ]
    application.records.add_creation(f"creation-{name}", [recipe.to_dict()])
    with application.records.database.writing() as connection:
        record_success(connection, f"creation-{name}", assets, Wishes(), application.files)
        for asset in assets:
            mint, _ = add_mint(connection, asset, RECIPIENT, CHAIN_ID)
            enqueue(connection, "mint", mint.id, LOCAL_TENANT)
