"""What the wallet page shows of a player's things: the API's own views, with names and pictures beside them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection

from engine.api.account import Scope
from engine.api.token import OwnedToken
from engine.api.voucher import Voucher, WalletAsset
from engine.app import Application
from engine.database.assets import NEWEST_FIRST
from engine.database.players import Session
from engine.database.tokens import TOKENS_NEWEST_FIRST, token_view, tokens_of
from engine.database.voucher_places import LIVING_VOUCHER
from engine.database.vouchers import NEWEST_FIRST as VOUCHERS_NEWEST_FIRST
from engine.database.vouchers import Asking, VoucherRecord, voucher, vouchers_of_player
from engine.database.wallet_assets import assets_held_by, wallet_assets
from engine.database.wallet_pictures import Picture, pictures_of, pictures_of_tokens
from engine.server.api.vouchers import voucher_view
from engine.server.caller import Caller
from engine.server.cursor import page

_MOST: Final = 48  # of each list at first
Shown = TypeVar("Shown")


@dataclass(frozen=True)
class Part(Generic[Shown]):
    """A list from some place on; ``next`` is the cursor of the rest."""

    data: tuple[Shown, ...]
    next: str | None


@dataclass(frozen=True)
class ShownVoucher:
    """``can_cancel`` while nobody read the promise, ``is_over`` once its deadline passed."""

    voucher: Voucher
    picture: Picture | None
    can_cancel: bool
    is_over: bool

    @property
    def is_open(self) -> bool:
        return self.voucher.status in LIVING_VOUCHER and not self.is_over


@dataclass(frozen=True)
class ShownToken:
    """``is_own`` says that the creator who looks made it."""

    token: OwnedToken
    picture: Picture | None
    is_own: bool


@dataclass(frozen=True)
class Linked:
    """A voucher that a link names: ``shown`` where the visitor may claim it, else ``sentence`` says what to do.

    ``by_studio`` says that the creator reads it, because it is for whoever has it."""

    shown: ShownVoucher | None
    sentence: str
    by_studio: bool = False


def held_assets(
    application: Application, session: Session, creator: Caller | None, cursor: str | None
) -> Part[WalletAsset]:
    """What the player holds in the games, the newest first."""
    player = session.player.id
    with application.records.database.reading() as connection:
        rows, following = page(connection, assets_held_by(player), NEWEST_FIRST, _MOST, cursor)
        return Part(wallet_assets(connection, rows, player, application.settings.chain_id), following)


def own_vouchers(
    application: Application, session: Session, creator: Caller | None, cursor: str | None
) -> Part[ShownVoucher]:
    """Vouchers that the player asked for and those for the player's account, the newest first."""
    query = vouchers_of_player(Asking(player_id=session.player.id, address=session.player.address))
    with application.records.database.reading() as connection:
        rows, following = page(connection, query, VOUCHERS_NEWEST_FIRST, _MOST, cursor)
        records = [VoucherRecord(**row._mapping) for row in rows]
        return Part(_shown(connection, records, session.player.id), following)


def own_tokens(
    application: Application, session: Session, creator: Caller | None, cursor: str | None
) -> Part[ShownToken]:
    """What the player's account owns on the chain, as far as it was read."""
    chain_id = application.settings.chain_id
    query = tokens_of(chain_id, owner=session.player.address)
    with application.records.database.reading() as connection:
        rows, following = page(connection, query, TOKENS_NEWEST_FIRST, _MOST, cursor)
        found = pictures_of_tokens(connection, chain_id, [(row.contract, row.token_id) for row in rows])
    return Part(tuple(_token(row, found, creator) for row in rows), following)


def linked_voucher(
    application: Application, voucher_id: str, session: Session | None, creator: Caller | None
) -> Linked:
    """The voucher of a link, as far as the API lets the visitor read it; it is not handed out by this."""
    with application.records.database.reading() as connection:
        record = voucher(connection, voucher_id) if voucher_id.isprintable() else None
        if session is not None and record is not None:
            player = session.player
            if record.player_id == player.id or record.recipient == player.address:
                return Linked(_shown(connection, [record], player.id)[0], "")
        studios = record is not None and creator is not None and creator.tenant_id == record.tenant_id
        if studios and record is not None and creator is not None and record.recipient is None:
            if session is not None:
                return Linked(
                    None,
                    "This voucher is for whoever has it, and your studio hands it out: sign the wallet out, then open "
                    "the link again.",
                )
            if Scope.MINT in creator.scopes:
                return Linked(_shown(connection, [record], "")[0], "", by_studio=True)
            return Linked(
                None, "To claim a voucher for whoever has it takes an API key with the scope `mint`."
            )
    if session is None:
        return Linked(None, "Sign in with the wallet that the voucher is for, and it is shown here.")
    return Linked(
        None,
        "That voucher is not for this account. Sign in with the account that it is for, or ask who sent you the link.",
    )


def _shown(
    connection: Connection, records: Sequence[VoucherRecord], player_id: str
) -> tuple[ShownVoucher, ...]:
    found = pictures_of(connection, {each.asset_id for each in records})
    now_s = time.time()
    return tuple(
        ShownVoucher(
            voucher_view(each),
            found.get(each.asset_id),
            can_cancel=each.player_id == player_id
            and each.handed_out_at is None
            and each.status in ("prepared", "signed"),
            is_over=each.deadline_s < now_s,
        )
        for each in records
    )


def _token(row: Any, found: dict[tuple[str, str], Picture], creator: Caller | None) -> ShownToken:
    picture = found.get((row.contract, row.token_id))
    own = picture is not None and creator is not None and picture.tenant_id == creator.tenant_id
    asset_id = picture.asset_id if own and picture is not None else None
    return ShownToken(token_view(row, asset_id), picture, own)
