"""What the texts of assets mean, kept beside them: 384 numbers an asset."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, exists, insert, select

from engine.database.tables import asset_vectors, assets

WIDTH = 384
_KEPT = np.dtype("<f2")  # as the column holds them: two bytes a number, of which a similarity needs one


@dataclass(frozen=True)
class Vectors:
    """``numbers`` n 384, float32, of length 1; row i is of ``asset_ids[i]``. ``last`` is the number of the last row."""

    asset_ids: tuple[str, ...]
    numbers: NDArray[np.float32]
    last: int


def texts_without_vector(connection: Connection, tenant_id: str, most: int) -> list[tuple[str, str]]:
    """Id and text of up to ``most`` of the tenant's assets that have no vector yet, the newest first."""
    prompt = assets.c.recipe["prompt"].as_string()
    query = (
        select(assets.c.id, assets.c.name, prompt.label("prompt"))
        .where(assets.c.tenant_id == tenant_id, ~exists().where(asset_vectors.c.asset_id == assets.c.id))
        .order_by(assets.c.created_at.desc(), assets.c.id.desc())
        .limit(most)
    )
    return [(row.id, _text(row.name, row.prompt)) for row in connection.execute(query)]


def add_vectors(connection: Connection, tenant_id: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
    """Keeps the vector of each asset id. One writer a tenant at a time, so that their numbers count up."""
    connection.execute(
        insert(asset_vectors),
        [
            {"asset_id": asset_id, "tenant_id": tenant_id, "vector": vector.astype(_KEPT).tobytes()}
            for asset_id, vector in vectors.items()
        ],
    )


def vectors_after(connection: Connection, tenant_id: str, last: int) -> Vectors:
    """The tenant's vectors with a number above ``last``, in the order in which they were written."""
    query = (
        select(asset_vectors.c.number, asset_vectors.c.asset_id, asset_vectors.c.vector)
        .where(asset_vectors.c.tenant_id == tenant_id, asset_vectors.c.number > last)
        .order_by(asset_vectors.c.number)
    )
    rows = connection.execute(query).all()
    numbers = np.frombuffer(b"".join(row.vector for row in rows), _KEPT).reshape(-1, WIDTH)
    return Vectors(
        tuple(row.asset_id for row in rows), numbers.astype(np.float32), rows[-1].number if rows else last
    )


def vector_of(connection: Connection, tenant_id: str, asset_id: str) -> NDArray[np.float32] | None:
    """384, float32, of length 1: what the asset's text means; None where it was not read yet."""
    own = (asset_vectors.c.asset_id == asset_id) & (asset_vectors.c.tenant_id == tenant_id)
    found = connection.scalar(select(asset_vectors.c.vector).where(own))
    return None if found is None else np.frombuffer(found, _KEPT).astype(np.float32)


def text_of_asset(connection: Connection, tenant_id: str, asset_id: str) -> str | None:
    """The text that the asset's vector is made of; None where the tenant has no such asset."""
    prompt = assets.c.recipe["prompt"].as_string()
    own = (assets.c.id == asset_id) & (assets.c.tenant_id == tenant_id)
    row = connection.execute(select(assets.c.name, prompt.label("prompt")).where(own)).one_or_none()
    return None if row is None else _text(row.name, row.prompt)


def _text(name: str, prompt: str | None) -> str:
    """A drawn asset is called by the first words of its prompt, which are not said twice."""
    if prompt is None:
        return name
    return prompt if prompt.lower().startswith(name.rstrip("…").lower()) else f"{name}. {prompt}"
