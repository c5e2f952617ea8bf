"""Calls about creations."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from engine.api.creation import Controls, Creation, CreationRequest, CreationStatus, Estimate, MintTo
from engine.api.model import Page
from engine.sdk.call import Call, delete, get, made, model_of, page_of, post
from generators.recipe import Kind


class CreationFields(TypedDict, total=False):
    """The fields of a ``CreationRequest`` but for its prompt; what is left out is the server's choice."""

    kind: Kind | str
    count: int
    seed: int
    controls: Controls | Mapping[str, Any]
    model: str
    priority: int
    tags: Sequence[str]
    collection: str
    mint: MintTo | Mapping[str, Any]


def create(
    wanted: str | CreationRequest, *, idempotency_key: str | None = None, **fields: Unpack[CreationFields]
) -> Call[Creation]:
    """Asks for assets: by a prompt and what else is wanted, or by a whole ``CreationRequest``.

    It returns as soon as the creation is accepted; ``wait`` gives its assets. Raises Invalid, RateLimited where a
    quota or the queue is full.
    """
    body = _request(wanted, {**fields, "dry_run": False})
    return post(model_of(Creation), "creations", body=body, idempotency_key=idempotency_key)


def estimate(wanted: str | CreationRequest, **fields: Unpack[CreationFields]) -> Call[Estimate]:
    """What the same ``create`` would cost; makes nothing."""
    return post(model_of(Estimate), "creations", body=_request(wanted, {**fields, "dry_run": True}))


def get_creation(creation_id: str) -> Call[Creation]:
    """The creation as it is now. Raises NotFound."""
    return get(model_of(Creation), "creations", creation_id)


def list_creations(
    *, status: CreationStatus | str | None = None, collection: str | None = None, page_size: int | None = None
) -> Call[Page[Creation]]:
    """The creations, newest first."""
    return get(page_of(Creation), "creations", status=status, collection=collection, limit=page_size)


def cancel(creation_id: str) -> Call[Creation]:
    """Stops it: at once where it waits, at its next step where it is drawn; one that has ended stays as it is."""
    return delete(model_of(Creation), "creations", creation_id)


def resume(creation_id: str, *, idempotency_key: str | None = None) -> Call[Creation]:
    """Tries a creation once more whose ``resumable`` is true."""
    return post(model_of(Creation), "creations", creation_id, "resume", idempotency_key=idempotency_key)


def _request(wanted: str | CreationRequest, fields: Mapping[str, Any]) -> CreationRequest:
    if isinstance(wanted, str):
        return made(CreationRequest, {"prompt": wanted, **fields})
    if unexpected := set(fields) - {"dry_run"}:
        raise TypeError(f"a CreationRequest has all its fields within; leave out {', '.join(unexpected)}")
    return wanted.model_copy(update=fields)
