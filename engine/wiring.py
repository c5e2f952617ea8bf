"""Which back ends the settings choose, each opened the first time that it is needed; see ``engine.app``."""

import os
from pathlib import Path
from typing import Final

from assets.block import Blocks
from assets.blockstore import BlockStore
from assets.pinning.listed import read_pinning_list
from chain.connection import LOCAL_POLL_LATENCY_S, ChainSettings, Connection, connect
from chain.errors import ChainBusy
from chain.key_folder import KeyFolder
from chain.remote_signer import RemoteSigner
from chain.signer import AccountSigner, EnvironmentSigner, keep_out_of_cores
from engine.data_folder import DataFolder
from engine.database.blocks import DatabaseBlocks
from engine.database.database import Database
from engine.jobs.standing import SendingTerms
from engine.pinning import Pinning
from engine.settings import Settings

REMOTE_POLL_LATENCY_S: Final = 1.0
REMOTE_TIMEOUT_S: Final = 180.0
EMBEDDED_TIMEOUT_S: Final = 30.0
# How long a node may count a transaction before it tells its receipt; raise it for slow indexes.
SURE_AFTER_S: Final = 10.0


def open_folder(settings: Settings) -> DataFolder:
    """Shared with other processes where the records lie in PostgreSQL. Raises DataFolderUnusable."""
    return DataFolder.open(settings.data_dir, shared=settings.database_url is not None)


def open_database(settings: Settings, folder: DataFolder) -> Database:
    """Raises DatabaseUnusable."""
    url = settings.database_url
    return Database.open(folder.records) if url is None else Database.connect(url)


def open_blocks(settings: Settings, folder: DataFolder, database: Database) -> Blocks:
    """A folder's blocks, or the shared database's so that its hosts share nothing else."""
    chosen: Path | None = settings.blocks_dir
    if chosen is None and database.is_shared:
        return DatabaseBlocks(database)
    return BlockStore(chosen or folder.blocks)


def open_pinning(settings: Settings) -> Pinning:
    """Raises InvalidPinning."""
    return Pinning.of(read_pinning_list(settings.pinning_list, os.environ), settings.mint_before_pin)


def open_chain(settings: Settings, folder: DataFolder) -> Connection:
    """Raises what ``chain.connection.connect`` raises."""
    embedded = settings.rpc_url is None
    try:
        return connect(_chain(settings, folder, embedded))
    except ChainBusy as error:
        raise ChainBusy(
            f"The embedded chain in {folder.chain} belongs to the one process that mints; to mint in several, set "
            "LORESPARK_RPC_URL and LORESPARK_CHAIN_ID to a node that all of them reach."
        ) from error


def open_signer(settings: Settings, folder: DataFolder) -> AccountSigner:
    """The configured signer or key, or one that is kept in the data folder.

    Raises what ``chain.signer`` and ``chain.remote_signer`` raise.
    """
    if settings.signer_url is not None:
        return RemoteSigner.open(settings.signer_url, settings.signer_address)
    keep_out_of_cores()
    if settings.private_keys:
        return EnvironmentSigner(settings.private_keys[0])
    return KeyFolder(folder.keys).signer(settings.key_password_file)


def further_signers(settings: Settings) -> tuple[AccountSigner, ...]:
    """Those that sign beside the first, so that one's nonces do not hold up the other's. Raises KeyRefused."""
    return tuple(EnvironmentSigner(key) for key in settings.private_keys[1:])


def sending_terms(settings: Settings) -> SendingTerms:
    """By which transactions are sent and followed."""
    return SendingTerms(
        chain_id=settings.chain_id,
        confirmations=settings.confirmations,
        stuck_after_s=settings.stuck_after_s,
        max_fee_wei=settings.max_fee_gwei * 10**9,
        sure_after_s=0.0 if settings.rpc_url is None else SURE_AFTER_S,
    )


def _chain(settings: Settings, folder: DataFolder, embedded: bool) -> ChainSettings:
    return ChainSettings(
        network="the embedded chain" if embedded else f"chain {settings.chain_id}",
        chain_id=settings.chain_id,
        rpc_url=settings.rpc_url,
        embedded_path=folder.chain if embedded else None,
        confirmations=settings.confirmations,
        poll_latency_s=LOCAL_POLL_LATENCY_S if embedded else REMOTE_POLL_LATENCY_S,
        timeout_s=EMBEDDED_TIMEOUT_S if embedded else REMOTE_TIMEOUT_S,
    )
