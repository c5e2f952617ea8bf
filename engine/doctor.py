"""What is installed, which device draws, which back ends answer, and what to do about what does not."""

import platform
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

from assets.errors import AssetsError
from chain.errors import ChainError
from engine.app import Application
from engine.database.sqlite import check_file
from engine.errors import EngineError
from engine.settings import Settings
from generators.errors import GeneratorError
from generators.recipe import Quality

PACKAGES = ("torch", "diffusers", "transformers", "pillow", "web3", "py-evm", "dbos")
MIN_FREE_BYTES = 500_000_000  # a day's assets, chain and records with room to spare


@dataclass(frozen=True)
class Finding:
    """``remedy`` says what to do; empty where nothing is to be done."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Looks at everything once. Makes the data folder where it is missing, but no key and no contract."""
    findings = [_python(), _packages()]
    try:
        application = Application.open(settings)
    except EngineError as error:
        return [*findings, Finding("data folder", False, str(error), "Nothing below it could be looked at.")]
    with application:
        looks: tuple[tuple[str, Callable[[Application], str]], ...] = (
            ("data folder", _data_folder),
            ("records", _records),
            ("jobs", _jobs),
            ("block store", _block_store),
            ("device", _device),
            ("models", _models),
            ("chain", _chain),
        )
        findings += [_look(name, function, application) for name, function in looks]
        findings += [
            _look(f"pinning {service.name}", lambda _, asked=service: asked.version(), application)
            for service in application.pinning
        ]
    return findings


def examine_machine(application: Application) -> list[Finding]:
    """What of it can be said at once of an application that runs: nothing is loaded, and no file is read through."""
    return [_python(), _packages(), _look("data folder", _data_folder, application)]


def _look(name: str, function: Callable[[Application], str], application: Application) -> Finding:
    try:
        return Finding(name, True, function(application))
    except ImportError as error:
        return Finding(
            name, False, f"{error.name or 'a package'} cannot be imported: {error}", "Run `make install`."
        )
    except (EngineError, GeneratorError, AssetsError, ChainError) as error:
        what, _, remedy = str(error).rpartition("; ")
        return Finding(name, False, what or str(error), remedy[:1].upper() + remedy[1:] if what else "")


def _python() -> Finding:
    return Finding("python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _packages() -> Finding:
    missing = [name for name in PACKAGES if not _version(name)]
    found = ", ".join(f"{name} {_version(name)}" for name in PACKAGES if _version(name))
    if missing:
        return Finding("packages", False, f"missing: {', '.join(missing)}", "Run `make install`.")
    return Finding("packages", True, found)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _data_folder(application: Application) -> str:
    free = shutil.disk_usage(application.folder.root).free
    if free < MIN_FREE_BYTES:
        raise EngineError(
            f"{application.folder.root} has {free / 1e6:.0f} MB left; free some space or set LORESPARK_DATA_DIR"
        )
    return f"{application.folder.root}, {free / 1e9:.1f} GB free"


def _records(application: Application) -> str:
    check_file(application.folder.records)
    assets = application.records.newest_assets(1)
    newest = f"newest asset {assets[0].asset_id}" if assets else "no assets yet"
    return f"SQLite {sqlite3.sqlite_version}, {newest}, {application.unfinished()} unfinished jobs"


def _jobs(application: Application) -> str:
    path = application.folder.jobs
    check_file(path)
    return str(path) if path.exists() else "none yet"


def _block_store(application: Application) -> str:
    damaged = [str(cid) for cid, _ in application.blocks.verify()]
    if damaged:
        raise EngineError(
            f"{len(damaged)} damaged blocks, the first is {damaged[0]}; draw or import those assets again"
        )
    return f"{sum(1 for _ in application.blocks)} blocks, all whole"


def _device(application: Application) -> str:
    # It imports torch; the findings above do not wait for it.
    from generators.device import attention, best_device, large_precision  # noqa: PLC0415

    generator, large = application.generator, best_device()
    kernels = attention(large)
    return (
        f"bundled models: {generator.device.type} in {generator.precision}; configured ones: {large.type} in "
        f"{large_precision(large)}, {kernels}"
    )


def _models(application: Application) -> str:
    generator = application.generator
    for model in generator.models.values():
        model.check_files()
    generator.token_count("ready")
    told = [
        f"{model.id} ({model.size_px} px, {model.steps_for(Quality.STANDARD)} steps, {model.licence}, weights "
        f"{model.digest[:12]}…)"
        for model in generator.models.values()
    ]
    for own in generator.configured.values():
        entry, ready = own.entry, "ready" if own.is_ready() else "downloaded when it first draws"
        told.append(f"{entry.id} ({entry.size} px, {entry.steps} steps, {entry.licence}, {ready})")
    return ", ".join(told)


def _chain(application: Application) -> str:
    connection = application.connection
    height = connection.web3.eth.block_number
    where = "embedded" if connection.embedded else "remote"
    chain_id = connection.settings.chain_id
    contract = application.settings.contract or application.records.contract(chain_id) or "at the first mint"
    return f"{where}, chain id {chain_id}, block {height}, contract {contract}"
