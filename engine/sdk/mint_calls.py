"""Calls about mints."""

from collections.abc import Sequence
from typing import Any

import httpx2

from engine.api.asset import BatchMintRequest, Mint, MintRequest, Mints
from engine.api.model import Page
from engine.sdk.call import Call, get, made, model_of, page_of, post


def mint(
    asset_id: str, *, to: str | None = None, force: bool = False, idempotency_key: str | None = None
) -> Call[Mint]:
    """Begins to bring an asset onto the chain; asked again, it answers with the same mint.

    ``to`` left out is the server's own account; ``force`` mints what fails the quality gate. Raises Conflict for
    an asset that fails it otherwise.
    """
    body = made(MintRequest, _set(to, force))
    return post(model_of(Mint), "assets", asset_id, "mint", body=body, idempotency_key=idempotency_key)


def mint_many(
    asset_ids: Sequence[str],
    *,
    to: str | None = None,
    force: bool = False,
    idempotency_key: str | None = None,
) -> Call[tuple[Mint, ...]]:
    """Begins to mint all of these, or none where one cannot be."""
    body = made(BatchMintRequest, {"assets": tuple(asset_ids), **_set(to, force)})
    return post(_mints, "mints", body=body, idempotency_key=idempotency_key)


def get_mint(mint_id: str) -> Call[Mint]:
    """The mint as it is now. Raises NotFound."""
    return get(model_of(Mint), "mints", mint_id)


def list_mints(
    *, status: str | None = None, asset: str | None = None, page_size: int | None = None
) -> Call[Page[Mint]]:
    """The mints, newest first."""
    return get(page_of(Mint), "mints", status=status, asset=asset, limit=page_size)


def _set(to: str | None, force: bool) -> dict[str, Any]:
    return ({} if to is None else {"to": to}) | ({"force": True} if force else {})


def _mints(response: httpx2.Response) -> tuple[Mint, ...]:
    return model_of(Mints)(response).data
