"""Draw, finish, store, record: the durable job behind one creation."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Protocol

from sqlalchemy import Connection

from assets.asset import Asset, AssetKind
from assets.block import Blocks, MemoryBlocks
from assets.canonical_json import JsonObject
from assets.cid import Cid
from assets.metadata import Attribute, TokenMetadata
from assets.package import asset_directory
from assets.unixfs import add_file
from engine.api.creation import CreationRequest, CreationStatus, DrawnTrait
from engine.asset_files import AssetFiles, read_whole
from engine.database.creation_record import MintWish, Wishes, own_picture, record_success
from engine.database.creations import begin_creation, end_creation, has_ended
from engine.database.drawing_times import add_time
from engine.database.records import CreationRecord, Records
from engine.errors import CreationEnded, QualityRefused
from engine.jobs.drawing_progress import DrawingProgress
from engine.jobs.hold import Hold
from engine.planning import Planner
from generators.clip import Finished
from generators.drawer import Drawer
from generators.progress import MAX_BATCH, Progress, ProgressCallback
from generators.recipe import Recipe

MAX_NAME_CHARACTERS = 80


@dataclass(frozen=True)
class StoredPicture:
    """Where one finished picture lies in the block store; texts, so that a job's result can be written down."""

    media_cid: str
    image_cid: str
    metadata_cid: str


class Minting(Protocol):
    """What has to be known of the chain before a mint is asked for; nothing of it asks the chain."""

    @property
    def chain_id(self) -> int: ...

    def recipient(self, named: str | None) -> str:
        """The account ``named``, or where nobody is, the server's own."""

    def check(self, asset: Asset) -> None:
        """Raises QualityRefused for an asset that must not be minted as it is."""


class CreationJob:
    """The steps of a creation. Each may run again after a crash and then does the same again.

    ``hold`` is the worker's hold on the job, None where no other process can take it over. ``told`` is called after
    what happened was written down.
    """

    def __init__(
        self,
        records: Records,
        drawer: Callable[[], Drawer],
        blocks: Blocks,
        planner: Planner,
        minting: Minting,
        pinned_by: Sequence[str] = (),
    ) -> None:
        """``pinned_by`` are the names of the services that pin what is made."""
        self._pinned_by = pinned_by
        self._records, self._drawer, self._blocks = records, drawer, blocks
        self._planner, self._minting, self._files = planner, minting, AssetFiles(blocks)
        self.listeners: dict[str, ProgressCallback] = {}
        self.told: Callable[[], None] = lambda: None

    def batches(self, creation_id: str, hold: Hold | None = None) -> int:
        """In how many draws the creation is made, 0 where it has ended. Plans it, once, and marks it as running."""
        creation = self._creation(creation_id)
        if has_ended(creation):
            return 0
        recipes = creation.recipes or [recipe.to_dict() for recipe in self._planned(creation)]
        with self._writing(hold) as connection:
            count = begin_creation(connection, creation_id, recipes)
        return -(-count // MAX_BATCH)

    def draw(self, creation_id: str, batch: int, hold: Hold | None = None) -> list[StoredPicture]:
        """Draws one batch and stores its pictures and metadata. Drawing again gives the same blocks.

        Raises CreationEnded at the next step after it was cancelled, and HoldLost.
        """
        creation, begin = self._creation(creation_id), batch * MAX_BATCH
        if has_ended(creation):
            raise CreationEnded(f"The creation {creation_id} is {creation.status}.")
        recipes = [Recipe.from_dict(recipe) for recipe in creation.recipes[begin : begin + MAX_BATCH]]
        listeners: list[ProgressCallback] = [
            DrawingProgress(creation_id, lambda: self._writing(hold), begin, creation.count)
        ]
        if (own := self.listeners.get(creation_id)) is not None:
            listeners.append(own)

        def on_progress(progress: Progress) -> None:
            for listener in listeners:
                listener(progress)

        began = time.monotonic()
        pictures = self._drawer().draw(recipes, on_progress, self._picture)
        took_ms = int((time.monotonic() - began) * 1000)
        traits = _traits(creation)
        stored = [
            self._store(recipe, picture, traits) for recipe, picture in zip(recipes, pictures, strict=True)
        ]
        with self._writing(hold) as connection:
            steps = sum(recipe.steps for recipe in recipes)
            add_time(connection, recipes[0].model, recipes[0].kind.value, len(recipes), steps, took_ms)
        return stored

    def record(self, creation_id: str, stored: Sequence[StoredPicture], hold: Hold | None = None) -> None:
        """Writes the assets, what was wished for them, and the creation's success, all at once."""
        creation = self._creation(creation_id)
        if has_ended(creation):
            return
        recipes = [Recipe.from_dict(recipe) for recipe in creation.recipes]
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
            for position, (recipe, picture) in enumerate(zip(recipes, stored, strict=True))
        ]
        wishes = self._wishes(creation, assets)
        with self._writing(hold) as connection:
            record_success(connection, creation_id, assets, wishes, self._files, self._pinned_by)

    def fail(self, creation_id: str, reason: str, hold: Hold | None = None) -> None:
        """Ends it with the reason, unless it has ended."""
        with self._writing(hold) as connection:
            end_creation(connection, creation_id, CreationStatus.FAILED, reason)

    def _creation(self, creation_id: str) -> CreationRecord:
        creation = self._records.creation(creation_id)
        assert creation is not None, f"job of an unknown creation {creation_id}"
        return creation

    @contextmanager
    def _writing(self, hold: Hold | None) -> Iterator[Connection]:
        """A transaction that counts only as long as nobody took the job over."""
        with self._records.database.writing() as connection:
            if hold is not None:
                hold.confirm(connection)
            yield connection
        self.told()

    def _planned(self, creation: CreationRecord) -> list[Recipe]:
        request = CreationRequest.model_validate(creation.request)
        with self._records.database.reading() as connection:
            source, mask = (
                None if name is None else own_picture(connection, creation.tenant_id, name, field)
                for name, field in ((request.controls.source, "source"), (request.controls.mask, "mask"))
            )
        return self._planner.recipes(request, source, mask)

    def _wishes(self, creation: CreationRecord, assets: Sequence[Asset]) -> Wishes:
        if creation.request is None:
            return Wishes()
        request = CreationRequest.model_validate(creation.request)
        if request.mint is None:
            return Wishes(request.tags)
        kept: dict[str, str] = {}
        for asset in assets:
            try:
                self._minting.check(asset)
            except QualityRefused as error:
                kept[asset.asset_id] = str(error)
        return Wishes(
            request.tags,
            MintWish(self._minting.recipient(request.mint.to), self._minting.chain_id, kept),
        )

    def _picture(self, cid: str) -> bytes:
        return read_whole(Cid.parse(cid), self._blocks)

    def _store(self, recipe: Recipe, picture: Finished, traits: Sequence[DrawnTrait]) -> StoredPicture:
        files = {name: _file_cid(content) for name, content in picture.files.items()}
        metadata = token_metadata(recipe, _file_cid(picture.media), _file_cid(picture.image), files, traits)
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


def _traits(creation: CreationRecord) -> tuple[DrawnTrait, ...]:
    return () if creation.request is None else CreationRequest.model_validate(creation.request).traits


def token_metadata(
    recipe: Recipe, media: Cid, image: Cid, files: Mapping[str, Cid], traits: Sequence[DrawnTrait] = ()
) -> TokenMetadata:
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
            *(Attribute(trait.name, trait.value) for trait in traits),
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
