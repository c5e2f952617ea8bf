"""Draw, finish, store, record: the durable job behind one creation."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from assets.asset import Asset, AssetKind
from assets.block import Blocks, MemoryBlocks
from assets.canonical_json import JsonObject
from assets.cid import Cid
from assets.metadata import Attribute, TokenMetadata
from assets.package import asset_directory
from assets.unixfs import add_file
from engine.asset_files import read_whole
from engine.database.records import Records
from engine.jobs.hold import Hold
from generators.clip import Finished
from generators.drawer import Drawer
from generators.progress import MAX_BATCH, ProgressCallback
from generators.recipe import Recipe

MAX_NAME_CHARACTERS = 80


@dataclass(frozen=True)
class StoredPicture:
    """Where one finished picture lies in the block store; texts, so that a job's result can be written down."""

    media_cid: str
    image_cid: str
    metadata_cid: str


class CreationJob:
    """The steps of a creation. Each may run again after a crash and then does the same again.

    ``hold`` is the worker's hold on the job, None where no other process can take it over.
    """

    def __init__(
        self,
        records: Records,
        drawer: Callable[[], Drawer],
        blocks: Blocks,
    ) -> None:
        self._records, self._drawer, self._blocks = records, drawer, blocks
        self.listeners: dict[str, ProgressCallback] = {}

    def batches(self, creation_id: str, hold: Hold | None = None) -> int:
        """In how many draws the creation is made; marks it as running."""
        self._records.set_creation_status(creation_id, "running", hold=hold)
        return -(-len(self._recipes(creation_id)) // MAX_BATCH)

    def draw(self, creation_id: str, batch: int, hold: Hold | None = None) -> list[StoredPicture]:
        """Draws one batch and stores its pictures and metadata. Drawing again gives the same blocks."""
        begin = batch * MAX_BATCH
        recipes = self._recipes(creation_id)[begin : begin + MAX_BATCH]
        pictures = self._drawer().draw(recipes, self.listeners.get(creation_id), self._picture)
        return [self._store(recipe, picture) for recipe, picture in zip(recipes, pictures, strict=True)]

    def record(self, creation_id: str, stored: Sequence[StoredPicture], hold: Hold | None = None) -> None:
        """Writes the assets and the creation's success, all at once."""
        created = datetime.now(UTC).replace(microsecond=0)
        assets = [
            Asset(
                asset_id=asset_id(creation_id, position),
                kind=AssetKind(recipe.kind.value),
                name=title(recipe.prompt),
                recipe=JsonObject(recipe.to_dict()),
                media_cid=Cid.parse(picture.media_cid),
                image_cid=Cid.parse(picture.image_cid),
                metadata_cid=Cid.parse(picture.metadata_cid),
                created_at=created,
                parents=(recipe.source,) if recipe.source else (),
            )
            for position, (recipe, picture) in enumerate(zip(self._recipes(creation_id), stored, strict=True))
        ]
        self._records.finish_creation(creation_id, assets, hold)

    def fail(self, creation_id: str, reason: str, hold: Hold | None = None) -> None:
        self._records.set_creation_status(creation_id, "failed", reason, hold)

    def _recipes(self, creation_id: str) -> list[Recipe]:
        creation = self._records.creation(creation_id)
        assert creation is not None, f"job of an unknown creation {creation_id}"
        return [Recipe.from_dict(recipe) for recipe in creation.recipes]

    def _picture(self, cid: str) -> bytes:
        return read_whole(Cid.parse(cid), self._blocks)

    def _store(self, recipe: Recipe, picture: Finished) -> StoredPicture:
        files = {name: _file_cid(content) for name, content in picture.files.items()}
        metadata = token_metadata(recipe, _file_cid(picture.media), _file_cid(picture.image), files)
        package = asset_directory(
            self._blocks,
            metadata=metadata.to_bytes(),
            media=picture.media,
            image=picture.image,
            source=recipe.source_cid and self._picture(recipe.source_cid),
            mask=recipe.mask_cid and self._picture(recipe.mask_cid),
            files=picture.files,
        )
        return StoredPicture(str(package.media_cid), str(package.image_cid), str(package.metadata_cid))


def _file_cid(content: bytes) -> Cid:
    """Where IPFS finds these bytes: an illustration's are more than one block."""
    return add_file(BytesIO(content), MemoryBlocks()).cid


def asset_id(creation_id: str, position: int) -> str:
    """The same for the same place in the same creation, so that a repeated job makes no second asset."""
    return "asset-" + hashlib.sha256(f"{creation_id}/{position}".encode()).hexdigest()[:20]


def title(prompt: str) -> str:
    """A name for what a prompt describes: its first words, with a capital."""
    short = prompt if len(prompt) <= MAX_NAME_CHARACTERS else prompt[: MAX_NAME_CHARACTERS - 1].rstrip() + "…"
    return short[:1].upper() + short[1:]


def token_metadata(recipe: Recipe, media: Cid, image: Cid, files: Mapping[str, Cid]) -> TokenMetadata:
    """ERC-721 metadata whose ``properties`` hold the recipe, so that anyone can draw the picture again.

    Of a clip the image is its first frame, the animation its video, and the properties name all its files.
    """
    properties: dict[str, Any] = {
        "media": media.uri,
        "recipe": recipe.to_dict(),
        "recipe_hash": recipe.hash,
    }
    if files:
        properties["files"] = {name: cid.uri for name, cid in files.items()}
    return TokenMetadata(
        name=title(recipe.prompt),
        description=f"{_what(recipe)}, drawn by {recipe.model} from: {recipe.prompt}",
        image=image.uri,
        animation_url=files["clip.mp4"].uri if "clip.mp4" in files else None,
        attributes=(
            Attribute("Kind", recipe.kind.value.capitalize()),
            Attribute("Size", recipe.size, "number"),
            Attribute("Model", recipe.model),
            *(Attribute(name, value) for name, value in _moving(recipe) if value is not None),
        ),
        properties=JsonObject(properties),
    )


def _what(recipe: Recipe) -> str:
    if recipe.frames is None:
        return f"A {recipe.size} px {recipe.kind.value}"
    return f"A {recipe.size} px clip of {recipe.frames} frames" + (
        f" ({recipe.action})" if recipe.action else ""
    )


def _moving(recipe: Recipe) -> tuple[tuple[str, str | int | None], ...]:
    facing = None if recipe.direction is None else recipe.direction.value.capitalize()
    action = None if recipe.action is None else recipe.action.capitalize()
    return ("Action", action), ("Direction", facing), ("Frames", recipe.frames)
