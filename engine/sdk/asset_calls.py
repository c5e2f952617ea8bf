"""Calls about assets and collections."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from assets.asset import AssetKind
from engine.api.asset import Asset, AssetChange, Collection, CollectionChange, NewCollection
from engine.api.health import Health
from engine.api.model import Page
from engine.sdk.call import (
    Call,
    Download,
    bytes_of,
    delete,
    get,
    made,
    model_of,
    nothing,
    object_of,
    page_of,
    patch,
    post,
    post_png,
    put,
)
from engine.sdk.errors import LoresparkError

SheetFormat = Literal["aseprite", "godot", "tiled"]


def upload(
    picture: bytes | str | PathLike[str],
    *,
    name: str | None = None,
    kind: AssetKind | str | None = None,
    tags: Sequence[str] = (),
    idempotency_key: str | None = None,
) -> Call[Asset]:
    """Brings a PNG, as bytes or as a file's path, to the server: to draw from, or as a mask.

    It is called by the file's name where ``name`` is left out.
    """
    if isinstance(picture, bytes):
        png = picture
    else:
        path = Path(picture)
        try:
            png = path.read_bytes()
        except OSError as error:
            raise LoresparkError(
                f"The picture {path} cannot be read ({(error.strerror or 'error').lower()}); name another."
            ) from error
        name = name or path.stem
    query: dict[str, Any] = {"name": name or "picture", "kind": kind, "tags": tuple(tags)}
    return post_png(model_of(Asset), "assets", png=png, idempotency_key=idempotency_key, **query)


def list_assets(
    *,
    kind: AssetKind | str | None = None,
    tag: str | None = None,
    creation: str | None = None,
    collection: str | None = None,
    owner: str | None = None,
    minted: bool | None = None,
    uploaded: bool | None = None,
    page_size: int | None = None,
) -> Call[Page[Asset]]:
    """The assets, newest first."""
    return get(
        page_of(Asset),
        "assets",
        kind=kind,
        tag=tag,
        creation=creation,
        collection=collection,
        owner=owner,
        minted=minted,
        uploaded=uploaded,
        limit=page_size,
    )


def search(
    words: str,
    *,
    kind: AssetKind | str | None = None,
    tag: str | None = None,
    creation: str | None = None,
    collection: str | None = None,
    owner: str | None = None,
    minted: bool | None = None,
    uploaded: bool | None = None,
    page_size: int | None = None,
) -> Call[Page[Asset]]:
    """The assets whose prompts or names mean something like ``words``, nearest first."""
    return list_assets(
        kind=kind,
        tag=tag,
        creation=creation,
        collection=collection,
        owner=owner,
        minted=minted,
        uploaded=uploaded,
        page_size=page_size,
    ).asking(q=words)


def get_asset(asset_id: str) -> Call[Asset]:
    """Raises NotFound."""
    return get(model_of(Asset), "assets", asset_id)


def tag_asset(asset_id: str, tags: Sequence[str]) -> Call[Asset]:
    """Gives the asset these tags in place of those it had."""
    return patch(model_of(Asset), "assets", asset_id, body=made(AssetChange, {"tags": tuple(tags)}))


def health(asset_id: str) -> Call[Health]:
    """Who holds the asset's content, by its id or by the CID of its metadata or directory. Raises NotFound."""
    return get(model_of(Health), "assets", asset_id, "health")


def media(asset_id: str) -> Call[bytes]:
    """The picture (PNG) or clip (APNG) itself."""
    return get(bytes_of, "assets", asset_id, "media")


def image(asset_id: str) -> Call[bytes]:
    """The picture that stands for the asset, as wallets show it."""
    return get(bytes_of, "assets", asset_id, "image")


def file(asset_id: str, name: str) -> Call[bytes]:
    """One of the files that a clip comes in beside its media; the asset's ``files`` names them."""
    return get(bytes_of, "assets", asset_id, "files", name)


def recipe(asset_id: str) -> Call[dict[str, Any]]:
    """Everything that draws the asset again."""
    return get(object_of, "assets", asset_id, "recipe")


def metadata(asset_id: str) -> Call[dict[str, Any]]:
    """What its token says of it."""
    return get(object_of, "assets", asset_id, "metadata")


def sheet(asset_id: str) -> Call[bytes]:
    """A clip's frames in one PNG."""
    return get(bytes_of, "assets", asset_id, "sheet")


def sheet_file(asset_id: str, format: SheetFormat) -> Call[bytes]:
    """What the named program reads beside the sheet."""
    return get(bytes_of, "assets", asset_id, "sheet", format=format)


def download(asset_id: str, path: str | PathLike[str]) -> Download:
    """Writes the picture or clip into a file."""
    return Download(get(nothing, "assets", asset_id, "media"), Path(path))


def save_file(asset_id: str, name: str, path: str | PathLike[str]) -> Download:
    """Writes one of the files that a clip comes in into a file."""
    return Download(get(nothing, "assets", asset_id, "files", name), Path(path))


def car(asset_id: str, path: str | PathLike[str]) -> Download:
    """Writes the asset's metadata, pictures and files as a CAR, which any IPFS node imports."""
    return Download(get(nothing, "assets", asset_id, "car"), Path(path))


def create_collection(
    name: str | NewCollection,
    *,
    description: str = "",
    assets: Sequence[str] = (),
    idempotency_key: str | None = None,
) -> Call[Collection]:
    """Makes a collection, with these assets in it."""
    body = (
        name
        if isinstance(name, NewCollection)
        else made(NewCollection, {"name": name, "description": description, "assets": tuple(assets)})
    )
    return post(model_of(Collection), "collections", body=body, idempotency_key=idempotency_key)


def list_collections(*, page_size: int | None = None) -> Call[Page[Collection]]:
    """The collections, newest first."""
    return get(page_of(Collection), "collections", limit=page_size)


def get_collection(collection_id: str) -> Call[Collection]:
    """Raises NotFound."""
    return get(model_of(Collection), "collections", collection_id)


def change_collection(
    collection_id: str, *, name: str | None = None, description: str | None = None
) -> Call[Collection]:
    """Gives the collection another name or description; what is left out stays."""
    given = {"name": name, "description": description}
    fields = {field: value for field, value in given.items() if value is not None}
    body = made(CollectionChange, fields)
    return patch(model_of(Collection), "collections", collection_id, body=body)


def delete_collection(collection_id: str) -> Call[None]:
    """Ends the collection; its assets stay."""
    return delete(nothing, "collections", collection_id)


def add_to_collection(collection_id: str, asset_id: str) -> Call[None]:
    """Puts the asset in; one that is in stays."""
    return put(nothing, "collections", collection_id, "assets", asset_id)


def remove_from_collection(collection_id: str, asset_id: str) -> Call[None]:
    """Takes the asset out."""
    return delete(nothing, "collections", collection_id, "assets", asset_id)


def collection_sheet(collection_id: str, *, size: int | None = None) -> Call[bytes]:
    """Its pictures and clips, all or those of ``size`` pixels a side, in one PNG."""
    return get(bytes_of, "collections", collection_id, "sheet", size=size)


def collection_sheet_file(collection_id: str, format: SheetFormat, *, size: int | None = None) -> Call[bytes]:
    """What the named program reads beside that sheet."""
    return get(bytes_of, "collections", collection_id, "sheet", format=format, size=size)


def collection_car(collection_id: str, path: str | PathLike[str]) -> Download:
    """Writes all its assets as one CAR."""
    return Download(get(nothing, "collections", collection_id, "car"), Path(path))
