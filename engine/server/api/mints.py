"""``/v1/mints``: assets on their way onto the chain."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from engine.api.asset import (
    MAX_BATCH_MINT,
    AssetId,
    BatchMintRequest,
    Mint,
    MintEstimate,
    MintRequest,
    Mints,
)
from engine.api.model import EthereumAddress, Page
from engine.database.mints import (
    NEWEST_FIRST,
    MintRecord,
    history_of,
    mint_view,
    mints_of,
    own_mint,
)
from engine.server.caller import App, Minter, Reader
from engine.server.cursor import DEFAULT_PAGE, CursorQuery, LimitQuery, page
from engine.server.minting_desk import MintingDesk
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
    desk = MintingDesk(application, caller)
    passed = desk.passed([asset_id], wanted)

    def effect(connection: Connection) -> Mint:
        return desk.add(connection, passed)[0]

    return once.answer(202, effect, lambda made: {"Location": made.links["self"]})


@router.post("/mints", status_code=202, response_model=Mints)
def mint_batch(caller: Minter, wanted: BatchMintRequest, once: OnceOnly, application: App) -> Response:
    """Brings many assets onto the chain: all of them are accepted, or none."""
    desk = MintingDesk(application, caller)
    passed = desk.passed(list(dict.fromkeys(wanted.assets)), wanted)

    def effect(connection: Connection) -> Mints:
        return Mints(data=desk.add(connection, passed))

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


@router.get("/mints/estimate", response_model=MintEstimate)
def estimate(
    caller: Reader,
    application: App,
    asset: Annotated[list[AssetId], Query(min_length=1, max_length=MAX_BATCH_MINT)],
    to: Annotated[EthereumAddress | None, Query()] = None,
) -> Response:
    """What minting these assets would cost at this moment. Nothing is signed; the gate is not asked."""
    return told(MintingDesk(application, caller).estimate(list(dict.fromkeys(asset)), to))


@router.get("/mints/{mint_id}", response_model=Mint)
def get_mint(caller: Reader, mint_id: str, application: App) -> Response:
    """One mint, with each change of its status."""
    with application.records.database.reading() as connection:
        mint = own_mint(connection, caller.tenant_id, mint_id)
        return told(mint_view(mint, history_of(connection, mint.id)))
