"""Calls about who holds an asset in the game, and about promises that it can be claimed on the chain."""

from engine.api.model import Page
from engine.api.voucher import ClaimRequest, Holder, HolderChange, Voucher
from engine.sdk.call import Call, delete, get, made, model_of, page_of, post, put


def hold(asset_id: str, *, player: str | None = None, reference: str | None = None) -> Call[Holder]:
    """Says whose the asset is in the game: a player's by id, or somebody's whom you know; neither is nobody.

    Raises Conflict where it is promised or has a token.
    """
    given = {
        name: value for name, value in (("player", player), ("reference", reference)) if value is not None
    }
    return put(model_of(Holder), "assets", asset_id, "holder", body=made(HolderChange, given))


def claim(
    asset_id: str,
    *,
    to: str | None = None,
    bearer: bool = False,
    price_wei: int = 0,
    valid_s: int | None = None,
    force: bool = False,
    idempotency_key: str | None = None,
) -> Call[Voucher]:
    """Promises the asset to an account; ask for the voucher until it is ``signed``.

    ``bearer`` in place of ``to`` makes it one for whoever has it. It costs ``price_wei``, and holds for ``valid_s``
    seconds, a week if left out. ``force`` promises what fails the quality gate. Raises Conflict where the asset is
    promised on other terms or has a token.
    """
    fields = {
        **({} if to is None else {"to": to}),
        **({"bearer": True} if bearer else {}),
        **({"price_wei": str(price_wei)} if price_wei else {}),
        **({} if valid_s is None else {"valid_s": valid_s}),
        **({"force": True} if force else {}),
    }
    body = made(ClaimRequest, fields)
    return post(model_of(Voucher), "assets", asset_id, "claim", body=body, idempotency_key=idempotency_key)


def get_voucher(voucher_id: str, *, to: str | None = None) -> Call[Voucher]:
    """The voucher, with its ``promise`` while it can be claimed: from then on only the chain can cancel it.

    ``to`` is the account that gets the token of one for whoever has it.
    """
    return get(model_of(Voucher), "vouchers", voucher_id, to=to)


def cancel_voucher(voucher_id: str) -> Call[Voucher]:
    """Cancels it at once where nobody read its promise, else on the chain: then it is ``cancelling`` for a while."""
    return delete(model_of(Voucher), "vouchers", voucher_id)


def list_vouchers(
    *, status: str | None = None, asset: str | None = None, page_size: int | None = None
) -> Call[Page[Voucher]]:
    """The vouchers, newest first, without their promises."""
    return get(page_of(Voucher), "vouchers", status=status, asset=asset, limit=page_size)
