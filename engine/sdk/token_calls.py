"""Calls about tokens: what the chain says of them."""

from datetime import datetime
from typing import Any

from engine.api.graph import GraphAnswer, GraphQuery
from engine.api.model import Page
from engine.api.token import IndexState, OwnedToken, TokenHistory, Transfer
from engine.sdk.call import Call, get, made, model_of, page_of, post


def list_tokens(
    *,
    contract: str | None = None,
    owner: str | None = None,
    minted_since: datetime | None = None,
    page_size: int | None = None,
) -> Call[Page[OwnedToken]]:
    """Tokens that are not burned, the newest first. ``minted_since`` needs a time zone."""
    since = None if minted_since is None else minted_since.isoformat()
    return get(
        page_of(OwnedToken), "tokens", contract=contract, owner=owner, minted_since=since, limit=page_size
    )


def get_token(contract: str, token_id: str) -> Call[TokenHistory]:
    """A token and its newest transfers. Raises NotFound."""
    return get(model_of(TokenHistory), "tokens", contract, token_id)


def owned_tokens(
    address: str, *, contract: str | None = None, page_size: int | None = None
) -> Call[Page[OwnedToken]]:
    """What an account owns, the newest tokens first."""
    return get(page_of(OwnedToken), "owners", address, "tokens", contract=contract, limit=page_size)


def activity(
    *, contract: str | None = None, token_id: str | None = None, page_size: int | None = None
) -> Call[Page[Transfer]]:
    """Mints, transfers and burns, the newest first."""
    return get(page_of(Transfer), "activity", contract=contract, token_id=token_id, limit=page_size)


def index_state() -> Call[IndexState]:
    """How far the server has read the chain."""
    return get(model_of(IndexState), "index")


def query(text: str, **variables: Any) -> Call[GraphAnswer]:
    """Answers a GraphQL query. Raises Invalid for one that cannot be read or asks for too much."""
    body = made(GraphQuery, {"query": text, "variables": variables})
    return post(model_of(GraphAnswer), "graphql", body=body)
