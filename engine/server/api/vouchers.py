"""``/v1/vouchers``: who holds an asset in the game, and promises that it can be claimed on the chain."""

import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from assets.asset import Asset
from chain.address import parse_recipient
from chain.voucher import SignedVoucher, claim_call_data, typed_data
from chain.voucher import Voucher as ChainVoucher
from engine.api.account import Scope
from engine.api.model import EthereumAddress, Page
from engine.api.voucher import (
    ClaimRequest,
    Holder,
    HolderChange,
    SignedPromise,
    TransactionRequest,
    Voucher,
)
from engine.app import Application
from engine.database.asset_rows import asset_of
from engine.database.holders import held_asset, set_holder
from engine.database.usage import add_use
from engine.database.vouchers import (
    NEWEST_FIRST,
    Terms,
    VoucherRecord,
    add_voucher,
    cancel_voucher,
    hand_out,
    living_voucher,
    own_voucher,
    readable_voucher,
    vouchers_of,
)
from engine.errors import Conflict, InvalidField
from engine.server.caller import App, Minter, Reader
from engine.server.claimant import Claimant, Claiming, Reading, StudiosOnce
from engine.server.cursor import DEFAULT_PAGE, CursorQuery, LimitQuery, page
from engine.server.once import told

router = APIRouter(tags=["vouchers"])


class VoucherStatus(StrEnum):
    PREPARED = "prepared"
    SIGNED = "signed"
    CLAIMED = "claimed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"


@router.put("/assets/{asset_id}/holder", response_model=Holder)
def change_holder(caller: Minter, asset_id: str, wanted: HolderChange, application: App) -> Response:
    """Says whose the asset is within the game: a player's, who may then claim it, or somebody's whom you know.

    Not while a voucher promises it, and not once it has a token: then the chain says whose it is.
    """
    with application.records.database.writing() as connection:
        chain_id = application.settings.chain_id
        set_holder(connection, caller.tenant_id, asset_id, chain_id, wanted.player, wanted.reference)
    return told(Holder(player=wanted.player, reference=wanted.reference))


@router.post("/assets/{asset_id}/claim", status_code=202, response_model=Voucher)
def claim_asset(
    claimant: Claiming, asset_id: str, wanted: ClaimRequest, once: StudiosOnce, application: App
) -> Response:
    """Promises the asset to an account, which can claim it on the chain until the deadline.

    Studios need the scope `mint`; they may ask a price, and promise to whoever has the voucher (`bearer`). Players
    claim what they hold. Asked again with the same account and price it answers with the same voucher.
    """
    terms = terms_of(claimant, wanted)
    asset = promised_asset(application, claimant, asset_id, wanted.force)

    def effect(connection: Connection) -> Voucher:
        held_asset(connection, claimant.asking, asset_id)  # as it is now
        chain_id = application.settings.chain_id
        record, made = add_voucher(connection, asset, terms, chain_id, claimant.asking)
        if made and claimant.caller is not None:
            add_use(connection, claimant.caller.key_id, mints=1)
        return voucher_view(record)

    if once is not None:
        return once.answer(202, effect, lambda made: {"Location": made.links["self"]})
    with application.records.database.writing() as connection:
        made = effect(connection)
    return told(made, 202, {"Location": made.links["self"]})


@router.get("/vouchers", response_model=Page[Voucher])
def list_vouchers(
    caller: Reader,
    application: App,
    status: VoucherStatus | None = None,
    asset: Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00]+$")] = None,
    limit: LimitQuery = DEFAULT_PAGE,
    cursor: CursorQuery = None,
) -> Response:
    """The tenant's vouchers, newest first, without their signatures."""
    query = vouchers_of(caller.tenant_id, status, asset)
    with application.records.database.reading() as connection:
        rows, following = page(connection, query, NEWEST_FIRST, limit, cursor)
    data = tuple(voucher_view(VoucherRecord(**row._mapping)) for row in rows)
    return told(Page[Voucher](data=data, next=following))


@router.get("/vouchers/{voucher_id}", response_model=Voucher)
def get_voucher(
    claimant: Reading, voucher_id: str, application: App, to: EthereumAddress | None = None
) -> Response:
    """The voucher, with all that it takes to claim it while it holds. Who read that can claim it, so the first time is
    noted: from then on only the chain can cancel it. `to` is the account that gets the token of a voucher for whoever
    has it, which takes the scope `mint`. Players read what they asked for, and what is for their account."""
    receiver = None if to is None else parse_recipient(to)
    with application.records.database.writing() as connection:
        record = readable_voucher(connection, claimant.asking, voucher_id)
        if record.recipient is None and claimant.caller is not None:
            claimant.caller.require(Scope.MINT)  # who reads a bank note can spend it
        record = hand_out(connection, record)
    return told(voucher_view(record, _promise(record, receiver)))


@router.delete("/vouchers/{voucher_id}", response_model=Voucher)
def cancel(claimant: Claiming, voucher_id: str, application: App) -> Response:
    """Cancels the voucher: at once where nobody read its signature, else on the chain, which takes a while.

    That costs the server gas, so players cancel only the former.
    """
    with application.records.database.writing() as connection:
        record = own_voucher(connection, claimant.asking, voucher_id)
        if claimant.caller is None and record.handed_out_at is not None:
            raise Conflict(
                f"The voucher {record.id} was handed out, so only the studio can cancel it; ask the studio, or wait "
                "for its deadline."
            )
        return told(voucher_view(cancel_voucher(connection, record)))


def terms_of(claimant: Claimant, wanted: ClaimRequest) -> Terms:
    """Raises InvalidAddress, and InvalidField for what the chain or the claimant may not ask."""
    price_wei = int(wanted.price_wei)
    if price_wei >= 2**256:
        raise InvalidField("The price has more than the chain's 256 bits; ask for less.", "/price_wei")
    if claimant.caller is None:
        if wanted.force:
            raise InvalidField(
                "Only the studio may force what fails the quality gate; leave it out.", "/force"
            )
        if price_wei:
            raise InvalidField("Only the studio may ask a price; leave it out.", "/price_wei")
        if wanted.bearer:
            raise InvalidField("Only the studio may promise to whoever has it; name an account.", "/bearer")
    recipient = None if wanted.to is None else parse_recipient(wanted.to)
    return Terms(recipient, wanted.valid_s, price_wei)


def promised_asset(application: Application, claimant: Claimant, asset_id: str, force: bool) -> Asset:
    """The asset as it may be promised. The gate reads blocks, so this is done before the transaction.

    Raises UnknownAsset, QualityRefused.
    """
    with application.records.database.reading() as connection:
        asset = asset_of(held_asset(connection, claimant.asking, asset_id))
        living = living_voucher(connection, asset_id, application.settings.chain_id)
    if living is None:
        with application.decoding:
            asset = application.gate.passed(asset, force)
    return asset


def _promise(record: VoucherRecord, to: str | None) -> SignedPromise | None:
    """What there is to claim it with, once it was handed out and for as long as it holds.

    ``to`` gets the token of a voucher without a recipient.
    """
    if record.status != "signed" or record.handed_out_at is None or record.deadline_s < time.time():
        return None
    contract, collection, signer = record.contract, record.collection, record.signer
    nonce, signature = record.nonce, record.signature
    if contract is None or collection is None or signer is None or nonce is None or signature is None:
        raise AssertionError("a signed voucher has them all")
    promised = ChainVoucher(
        collection=collection,
        digest=bytes.fromhex(record.digest),
        nonce=int(nonce),
        deadline_s=record.deadline_s,
        price_wei=int(record.price_wei),
        recipient=record.recipient,
    )
    signed = SignedVoucher(promised, signer, bytes.fromhex(signature[2:]))
    receiver = record.recipient or to
    transaction = None
    if receiver is not None:
        transaction = TransactionRequest(
            to=contract,
            data="0x" + claim_call_data(signed, receiver).hex(),
            value=hex(promised.price_wei),
            chainId=hex(record.chain_id),
        )
    return SignedPromise(
        typed_data=typed_data(promised, chain_id=record.chain_id, contract=contract),
        signer=signer,
        signature=signature,
        transaction=transaction,
    )


def voucher_view(record: VoucherRecord, promise: SignedPromise | None = None) -> Voucher:
    return Voucher(
        id=record.id,
        asset=record.asset_id,
        to=record.recipient,
        price_wei=record.price_wei,
        chain_id=record.chain_id,
        status=record.status,
        expires_at=datetime.fromtimestamp(record.deadline_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        contract=record.contract,
        collection=record.collection,
        nonce=record.nonce,
        token_id=record.token_id,
        error=record.error,
        promise=promise,
        created_at=record.created_at,
        links={"self": f"/v1/vouchers/{record.id}", "asset": f"/v1/assets/{record.asset_id}"},
    )
