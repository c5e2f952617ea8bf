"""``/v1/mints``: assets on their way onto the chain."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from assets.asset import Asset
from chain.address import parse_recipient
from engine.api.asset import BatchMintRequest, Mint, MintRequest, Mints
from engine.api.model import Page
from engine.app import Application
from engine.database.asset_rows import asset_of
from engine.database.assets import own_assets
from engine.database.jobs import bring_forward, enqueue
from engine.database.mints import (
    NEWEST_FIRST,
    MintRecord,
    add_mint,
    history_of,
    living_mint,
    mint_view,
    mints_of,
    own_mint,
)
from engine.database.pins import waive
from engine.database.usage import add_use
from engine.server.caller import App, Caller, Minter, Reader
from engine.server.cursor import DEFAULT_PAGE, CursorQuery, LimitQuery, page
from engine.server.once import OnceOnly, told

router = APIRouter(tags=["mints"])


class MintStatus(StrEnum):
    PREPARED = "prepared"
    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    CONFIRMED = "confirmed"
    FAILED = "failed"


@router.post("/assets/{asset_id}/mint", status_code=202, response_model=Mint)
def mint_asset(
    caller: Minter, asset_id: str, wanted: MintRequest, once: OnceOnly, application: App
) -> Response:
    """Brings the asset onto the chain, once: asked for again it answers with the same mint, unless that failed."""
    passed, recipient = _minted(application, caller, [asset_id], wanted)

    def effect(connection: Connection) -> Mint:
        return _added(application, caller, connection, passed[0], recipient, wanted.force)

    return once.answer(202, effect, lambda made: {"Location": made.links["self"]})


@router.post("/mints", status_code=202, response_model=Mints)
def mint_batch(caller: Minter, wanted: BatchMintRequest, once: OnceOnly, application: App) -> Response:
    """Brings many assets onto the chain: all of them are accepted, or none."""
    passed, recipient = _minted(application, caller, list(dict.fromkeys(wanted.assets)), wanted)

    def effect(connection: Connection) -> Mints:
        return Mints(
            data=tuple(
                _added(application, caller, connection, asset, recipient, wanted.force) for asset in passed
            )
        )

    return once.answer(202, effect)


@router.get("/mints", response_model=Page[Mint])
def list_mints(
    caller: Reader,
    application: App,
    status: MintStatus | None = None,
    asset: Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00]+$")] = None,
    limit: LimitQuery = DEFAULT_PAGE,
    cursor: CursorQuery = None,
) -> Response:
    """The tenant's mints, newest first."""
    query = mints_of(caller.tenant_id, status, asset)
    with application.records.database.reading() as connection:
        rows, following = page(connection, query, NEWEST_FIRST, limit, cursor)
    data = tuple(mint_view(MintRecord(**row._mapping)) for row in rows)
    return told(Page[Mint](data=data, next=following))


@router.get("/mints/{mint_id}", response_model=Mint)
def get_mint(caller: Reader, mint_id: str, application: App) -> Response:
    """One mint, with each change of its status."""
    with application.records.database.reading() as connection:
        mint = own_mint(connection, caller.tenant_id, mint_id)
        return told(mint_view(mint, history_of(connection, mint.id)))


def _minted(
    application: Application, caller: Caller, asset_ids: list[str], wanted: MintRequest
) -> tuple[list[Asset], str]:
    """The assets as they may be minted, and for whom. The gate reads blocks, so this is done before the transaction.

    Raises UnknownAsset, InvalidAddress, QualityRefused.
    """
    chain_id = application.settings.chain_id
    with application.records.database.reading() as connection:
        assets = [asset_of(row) for row in own_assets(connection, caller.tenant_id, asset_ids)]
        living = {
            asset.asset_id
            for asset in assets
            if living_mint(connection, asset.asset_id, chain_id) is not None
        }
    recipient = application.signer.address if wanted.to is None else parse_recipient(wanted.to)
    passed = []
    for asset in assets:
        if asset.asset_id not in living:
            with application.decoding:
                asset = application.gate.passed(asset, wanted.force)
        passed.append(asset)
    return passed, recipient


def _added(
    application: Application,
    caller: Caller,
    connection: Connection,
    asset: Asset,
    recipient: str,
    force: bool,
) -> Mint:
    mint, made = add_mint(connection, asset, recipient, application.settings.chain_id, caller.key_id)
    if made:
        add_use(connection, caller.key_id, mints=1)
        enqueue(connection, "mint", mint.id, caller.tenant_id)
    if force and application.pinning.delays_mints:
        waive(connection, mint.id)
        bring_forward(connection, "mint", [mint.id])  # it may have been asked for without, and wait
    return mint_view(mint)
