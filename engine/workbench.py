"""What people ask of one data folder: to draw, mint, verify and export, and to finish what an earlier process left.

The command line does it here and now; the server's routes leave it to jobs.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from assets.asset import Asset, AssetKind
from assets.block import Blocks
from assets.cid import Cid
from assets.errors import AssetsError
from assets.package import export_asset_car
from chain.address import parse_recipient
from chain.errors import ChainError, ReceiptTimeout
from engine.asset_files import AssetFiles
from engine.asset_pins import AssetPins
from engine.clips import clip_recipe, default_action, source_size_px
from engine.data_folder import DataFolder, write_whole, writing_whole
from engine.database.jobs import resume_job
from engine.database.records import FINISHED_MINT, MintRecord, Records
from engine.errors import EngineError, ExportFailed, InvalidRequest, JobFailed, UnknownAsset
from engine.jobs.creation import CreationJob
from engine.jobs.mint import MintJob
from engine.jobs.mint_contract import ChainAccess
from engine.quality import QualityGate
from engine.settings import Settings
from engine.start_picture import start_fields
from engine.variations import varied_fields
from engine.verification import Check, verify_token
from generators.drawer import SharedDrawer
from generators.errors import GeneratorError
from generators.motion import Direction
from generators.progress import ProgressCallback
from generators.recipe import MAX_COUNT, Recipe, check_request

if TYPE_CHECKING:
    from engine.jobs.runtime import JobRuntime
    from generators.picture_generator import PictureGenerator


@dataclass(frozen=True)
class MintedAsset:
    """A confirmed mint, and whether it was there before it was asked for."""

    mint: MintRecord
    token_uri: str
    owner: str
    already_minted: bool


class Workbench(ABC):
    """The parts are made by who is one: engine.app.Application."""

    settings: Settings
    folder: DataFolder
    records: Records
    blocks: Blocks
    files: AssetFiles
    gate: QualityGate
    pins: AssetPins
    creation_job: CreationJob
    mint_job: MintJob

    @property
    @abstractmethod
    def generator(self) -> "PictureGenerator": ...

    @property
    @abstractmethod
    def drawing(self) -> SharedDrawer: ...

    @property
    @abstractmethod
    def chain(self) -> ChainAccess: ...

    @property
    @abstractmethod
    def jobs(self) -> "JobRuntime": ...

    def unfinished(self) -> int:
        """How many jobs an earlier process left unfinished; none where workers on PostgreSQL see to that."""
        if self.records.database.is_shared:
            return 0
        return len(self.records.unfinished_creations()) + len(self._unfinished_mints())

    def resume(self) -> list[str]:
        """Finishes what an earlier process left unfinished; returns a sentence for each job that did not end well.

        One that the chain or the disk keeps from going on is left for the next time and holds up no other.
        """
        if self.records.database.is_shared:
            return []
        self.blocks.remove_stale(older_than_s=0)  # the folder's lock says that nobody else is writing
        told: list[str] = []
        work: list[tuple[Callable[[str], object], str]] = [
            *((self._finish_creation, creation_id) for creation_id in self.records.unfinished_creations()),
            *((self._finish_mint, mint_id) for mint_id in self._unfinished_mints()),
        ]
        for finish, record_id in work:
            try:
                finish(record_id)
            except (EngineError, GeneratorError, AssetsError, ChainError) as error:
                told.append(f"{record_id} could not be finished: {error}")
        return told

    def starting_from(
        self, source: str, size_px: int, strength: float, mask: Path | None = None
    ) -> dict[str, Any]:
        """The fields of a recipe that starts from ``source``, an asset's id or the path of a picture.

        Raises UnknownAsset, InvalidPicture.
        """
        return start_fields(self.blocks, self.source(source), size_px, strength, mask)

    def source(self, source: str) -> Asset | Path:
        """The asset of that id, or the picture file at that path. Raises UnknownAsset where it is neither."""
        if (asset := self.records.asset(source)) is not None:
            return asset
        path = Path(source)
        if not path.is_file():
            raise UnknownAsset(
                f"{source[:200]!r} is neither an asset nor a picture file; `lorespark list` shows the assets."
            )
        return path

    def usual_actions(self, asset: Asset) -> list[str]:
        """What a sheet of ``asset`` shows when nothing is asked. Raises InvalidRequest where it is no sprite."""
        source_size_px(asset, self._picture)
        usual = default_action(asset)
        return [usual, "walk", "attack"] if usual == "idle" else [usual]

    def clips(
        self, asset_id: str, movements: Sequence[tuple[str, Direction | None]], seed: int, **wanted: Any
    ) -> list[Recipe]:
        """Recipes of clips of an asset: one for each action and direction, all of one seed.

        Raises UnknownAsset, InvalidRequest for an asset that is no sprite, InvalidRecipe.
        """
        asset = self.asset(asset_id)
        size_px = source_size_px(asset, self._picture)
        return [
            clip_recipe(
                self.generator,
                asset,
                size_px,
                lambda size: self.starting_from(asset_id, size, 1.0),
                seed,
                action=action,
                direction=direction,
                **wanted,
            )
            for action, direction in movements
        ]

    def variations(
        self, asset_id: str, strength: float, count: int, seed: int, prompt: str | None = None
    ) -> list[Recipe]:
        """Recipes that draw ``asset_id`` again from its own picture, by the installed model, with other seeds.

        Raises UnknownAsset, InvalidRequest for what has no variations, InvalidRecipe.
        """
        wanted, size = varied_fields(self.asset(asset_id), prompt, self._picture)
        check_request(**wanted, seed=seed, count=count, strength=strength)
        start = self.starting_from(asset_id, size, strength)
        return [
            self.generator.recipe(**wanted, **start, seed=seed + index, size=size) for index in range(count)
        ]

    def create(self, recipes: Sequence[Recipe], on_progress: ProgressCallback | None = None) -> str:
        """Draws, stores and records one asset for each recipe; returns the creation's id.

        Raises InvalidRequest for none or too many recipes, JobFailed with the reason where it ended without them.
        """
        if not 1 <= len(recipes) <= MAX_COUNT:
            raise InvalidRequest(f"{len(recipes)} assets cannot be made at once; ask for 1 to {MAX_COUNT}.")
        _ = self.jobs  # opened first: where it cannot be, nothing is recorded
        creation_id = f"creation-{uuid4().hex[:20]}"
        self.records.add_creation(creation_id, [recipe.to_dict() for recipe in recipes])
        if on_progress is not None:
            self.creation_job.listeners[creation_id] = on_progress
        try:
            self._finish_creation(creation_id)
        finally:
            self.creation_job.listeners.pop(creation_id, None)
        return creation_id

    def asset(self, asset_id: str) -> Asset:
        """Raises UnknownAsset."""
        asset = self.records.asset(asset_id)
        if asset is None:
            raise UnknownAsset(
                f"There is no asset {asset_id[:80]!r} in {self.folder.root}; `lorespark list` shows those there are."
            )
        return asset

    def media_path(self, asset: Asset) -> Path:
        """The asset's picture as a plain file; written again from the block store where it is gone."""
        path = self.folder.media / f"{asset.asset_id}.png"
        if not path.exists():
            write_whole(path, self.files.read(asset.media_cid))
        return path

    def file_paths(self, asset: Asset) -> dict[str, tuple[Cid, Path]]:
        """What a clip comes in beside its media: address and plain file of each name; nothing for a picture.

        Written again from the block store where they are gone.
        """
        if asset.kind is not AssetKind.CLIP:
            return {}
        folder = self.folder.media / asset.asset_id
        paths = {name: (cid, folder / name) for name, cid in self.files.listed(asset.metadata_cid).items()}
        for cid, path in paths.values():
            if not path.exists():
                write_whole(path, self.files.read(cid))
        return paths

    def mint(self, asset_id: str, recipient: str | None = None, force: bool = False) -> MintedAsset:
        """Brings the asset onto the chain, once; asked for again it answers with the same token.

        With ``force`` also one that fails the quality gate; its metadata then says so. Where services are listed to
        pin assets, one of them must hold it first, unless ``force`` or the settings let it go on without.
        Raises UnknownAsset, InvalidAddress, QualityRefused, JobFailed with the reason where the chain refused it,
        and ChainError where the chain could not be asked: then asking again goes on with the same mint.
        """
        asset = self.asset(asset_id)
        to = parse_recipient(recipient) if recipient is not None else None
        if self.records.living_mint(asset.asset_id, self.settings.chain_id) is None:
            asset = self.gate.passed(asset, force)
        chain, _ = self.chain, self.jobs  # opened first: where they cannot be, nothing is recorded
        chain_id = chain.connection.settings.chain_id
        mint, _ = self.records.add_mint(asset, to or chain.signer.address, chain_id)
        already = mint.status == "confirmed"
        if not already:
            self.pins.before_mint(mint, force)
            with self.records.database.writing() as connection:
                resume_job(connection, "mint", mint.id)  # who asks again means to try it again
        done = mint if already else self._finish_mint(mint.id)
        contract, token_id = self.mint_job.contract(), int(done.token_id or 0)
        return MintedAsset(done, contract.token_uri(token_id), contract.owner_of(token_id), already)

    def verify(self, token_id: int) -> list[Check]:
        """Follows a token from the chain to its pixels. Raises UnknownToken, ContractMissing and node errors."""
        return verify_token(self.mint_job.contract(), token_id, self.blocks, lambda: self.drawing)

    def export(self, asset_id: str, path: Path) -> str:
        """Writes the asset's metadata and pictures as a CAR; returns the CID of the folder that holds them.

        Raises UnknownAsset, BlockMissing, BlockDamaged, and ExportFailed where the file cannot be written.
        """
        asset = self.asset(asset_id)
        package = self.files.package(asset)
        try:
            if path.exists() and not path.is_file():
                raise ExportFailed(f"{path} is there and is not a file; give the name of a file to write.")
            with writing_whole(path) as file:
                export_asset_car(file, package.root, self.blocks)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise ExportFailed(
                f"The file {path} cannot be written ({reason}); name one in a folder that is there, that you can "
                "write, and that has space."
            ) from error
        return str(package.root)

    def _finish_creation(self, creation_id: str) -> None:
        self.jobs.create(creation_id)
        creation = self.records.creation(creation_id)
        assert creation is not None, "a creation's record outlives its job"
        if creation.status != "succeeded":
            raise JobFailed(creation.error or f"The creation {creation_id} ended as {creation.status}.")

    def _finish_mint(self, mint_id: str) -> MintRecord:
        timeout_s = self.chain.connection.settings.timeout_s
        self.jobs.mint(mint_id, timeout_s)
        mint = self.records.mint(mint_id)
        assert mint is not None, "a mint's record outlives its job"
        if mint.status not in FINISHED_MINT:
            told = mint.error or "Ask again later, which goes on with it."
            raise ReceiptTimeout(f"The mint {mint_id} was not confirmed within {timeout_s:g} s. {told}")
        if mint.status != "confirmed":
            raise JobFailed(mint.error or f"The mint {mint_id} ended as {mint.status}.")
        return mint

    def _unfinished_mints(self) -> list[str]:
        return self.records.unfinished_mints(self.settings.chain_id)

    def _picture(self, cid: str) -> bytes:
        return self.files.read(Cid.parse(cid))
