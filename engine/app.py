"""Everything wired: settings, stores, generator, chain and jobs, for one data folder."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from assets.asset import Asset, AssetKind
from assets.cid import Cid
from assets.errors import AssetsError
from assets.package import export_asset_car
from chain.address import parse_recipient
from chain.connection import Connection
from chain.errors import ChainError, ReceiptTimeout
from chain.log_reader import LogReader
from chain.signer import AccountSigner
from engine.asset_files import AssetFiles
from engine.asset_pins import AssetPins
from engine.asset_removal import AssetRemoval
from engine.clips import clip_recipe, default_action, source_size_px
from engine.data_folder import DataFolder, write_whole, writing_whole
from engine.database.chain_index import watches
from engine.database.jobs import resume_job
from engine.database.pins import mint_is_ready
from engine.database.records import FINISHED_MINT, MintRecord, Records
from engine.database.vouchers import voucher_contract
from engine.drawn_clips import DrawnClips
from engine.errors import EngineError, ExportFailed, InvalidRequest, JobFailed, UnknownAsset
from engine.indexer.claims import VoucherClaims
from engine.indexer.follower import Follower
from engine.jobs.creation import CreationJob
from engine.jobs.delivery import DeliveryJob
from engine.jobs.mint import MintJob
from engine.jobs.mint_contract import ChainAccess
from engine.jobs.outbox import Outbox
from engine.jobs.pin import PinJob
from engine.jobs.verify import VerifyJob
from engine.jobs.voucher import VoucherJob
from engine.minting_terms import MintingTerms
from engine.model_catalogue import ModelCatalogue
from engine.moderation import Moderator
from engine.planning import Planner
from engine.quality import QualityGate
from engine.search import AssetSearch, Meaning
from engine.settings import Settings
from engine.start_picture import start_fields
from engine.style_folder import StyleFolder
from engine.variations import varied_fields
from engine.verification import Check, verify_token
from engine.webhook_target import Targets
from engine.wiring import (
    further_signers,
    open_blocks,
    open_chain,
    open_database,
    open_folder,
    open_pinning,
    open_signer,
    sending_terms,
)
from generators.drawer import SharedDrawer
from generators.errors import GeneratorError
from generators.motion import Direction
from generators.novelty import NoveltyIndex
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


class Application:
    """One open data folder. Expensive parts are made when they are first needed."""

    def __init__(self, settings: Settings, folder: DataFolder) -> None:
        self.settings, self.folder = settings, folder
        self.pinning = open_pinning(settings)
        self._drawing: SharedDrawer | None = None
        # Held while something decodes pictures of up to 16 million pixels: two take about 300 MB.
        self.decoding = BoundedSemaphore(2)
        self._opening = Lock()
        self._making = Lock()  # the first pictures may be asked for by two threads at once
        self.records = Records(open_database(settings, folder))
        self.blocks = open_blocks(settings, folder, self.records.database)
        self.files = AssetFiles(self.blocks)
        self.removal = AssetRemoval(self.records.database, self.blocks)
        self.catalogue = ModelCatalogue(settings.model_list)
        self.planner = Planner(lambda: self.generator, self.blocks, StyleFolder(folder.root / "styles"))
        self.gate = QualityGate(self.files, lambda: self.near_copies)
        self.creation_job = CreationJob(
            self.records,
            lambda: self.drawing,
            self.blocks,
            self.planner,
            MintingTerms(settings.chain_id, self.gate, lambda: self.signer),
            self.pinning.names,
        )
        self.pin_job = PinJob(self.records, self.blocks, self.pinning)
        self.pins = AssetPins(self.records, self.pinning, lambda: self.jobs)
        self.mint_job = MintJob(
            self.records,
            lambda: self.chain,
            settings.contract,
            settings.mint_window_ms / 1000,
            mint_is_ready() if self.pinning.delays_mints else None,
        )
        self.voucher_job = VoucherJob(
            self.records, lambda: self.chain, lambda: self.signer, self.mint_job, settings.vouchers
        )
        self.verify_job = VerifyJob(
            self.records, self.files, lambda: self.drawing, settings.chain_id, self.mint_job.contract
        )
        self.claims = VoucherClaims(self.records.database, settings.chain_id, settings.confirmations)
        self.targets = Targets(settings.allow_private_webhooks)
        self.delivery_job = DeliveryJob(self.records.database, self.targets)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Opens the data folder and its records.

        Raises DataFolderUnusable, DatabaseUnusable.
        """
        folder = open_folder(settings)
        try:
            return cls(settings, folder)
        except BaseException:
            folder.close()
            raise

    def close(self) -> None:
        """Lets go of the data folder, unless a job still runs: then it is held until the process ends."""
        if "jobs" in vars(self) and not self.jobs.close():
            return
        with ExitStack() as stack:
            stack.callback(self.folder.close)
            stack.callback(self.records.close)
            stack.callback(self.stop_drawing)
            if "connection" in vars(self):
                stack.callback(self.connection.close)
            if "search" in vars(self):
                stack.callback(self.search.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def generator(self) -> "PictureGenerator":
        # torch and diffusers take seconds to import, and only drawing needs them.
        from generators.picture_generator import open_generator  # noqa: PLC0415

        return open_generator(self.settings.model_list, self.folder.model_digests)

    @cached_property
    def near_copies(self) -> NoveltyIndex:
        return NoveltyIndex.load()

    @cached_property
    def search(self) -> AssetSearch:
        """Search over assets; loads nothing before it is used."""

        def load() -> Meaning:
            # torch and transformers take seconds to import, and most servers never search.
            from generators.meaning import TextMeaning  # noqa: PLC0415

            return TextMeaning.load()

        return AssetSearch(self.records.database, load)

    @property
    def drawing(self) -> SharedDrawer:
        """The generator, shared by all threads that draw."""
        with self._making:
            if self._drawing is None:
                self._drawing = SharedDrawer(self.generator)
            return self._drawing

    def stop_drawing(self) -> None:
        """Ends what draws at its next step; whoever asked for it gets DrawingStopped."""
        with self._making:
            drawing = self._drawing
        if drawing is not None:
            drawing.close()

    @cached_property
    def moderator(self) -> Moderator:
        """Checks prompts. Raises InvalidSettings where a deny list cannot be used."""
        return Moderator.of(self.settings, self.records.database)

    @cached_property
    def clip_source(self) -> DrawnClips:
        """Assets in motion, as storyboards show them."""
        return DrawnClips(lambda: self.generator, lambda: self.drawing, self.files, self.asset, self.clips)

    @cached_property
    def connection(self) -> Connection:
        with (
            self._opening
        ):  # an embedded chain is opened once, though a mint and the index may be first together
            if "connection" not in vars(self):
                vars(self)["connection"] = open_chain(self.settings, self.folder)
        opened: Connection = vars(self)["connection"]
        return opened

    @cached_property
    def chain(self) -> ChainAccess:
        connection, signer = self.connection, self.signer
        signers = (signer, *further_signers(self.settings))
        terms = sending_terms(self.settings)
        return ChainAccess(connection, signer, Outbox(self.records.database, connection.web3, signers, terms))

    @property
    def follower(self) -> Follower | None:
        """Who reads what the chain's logs say; None where there is nothing to read or no way to it from here.

        Raises what opening the chain raises.
        """
        embedded_elsewhere = self.settings.rpc_url is None and self.records.database.is_shared
        if embedded_elsewhere and "connection" not in vars(self):
            return (
                None  # the embedded chain belongs to the one process that mints, which need not be this one
            )
        with self.records.database.reading() as connection:
            is_any = watches(connection, self.settings.chain_id)
        return self._follower if is_any or self._own_contracts() else None

    @cached_property
    def _follower(self) -> Follower:
        reader = LogReader(self.connection.web3)
        return Follower(self.records.database, self.settings.chain_id, reader, self._own_contracts)

    def _own_contracts(self) -> dict[str, str]:
        """The contracts of this chain that are named here, with what each is to the index."""
        chain_id = self.settings.chain_id
        with self.records.database.reading() as connection:
            claimed_with = self.settings.vouchers or voucher_contract(connection, chain_id)
        kinds = {
            self.settings.contract: "assets",
            self.records.contract(chain_id): "assets",
            claimed_with: "vouchers",
        }
        return {address: kind for address, kind in kinds.items() if address is not None}

    @cached_property
    def jobs(self) -> "JobRuntime":
        # DBOS takes half a second to import and start, and only commands that make something need it.
        from engine.jobs.opening import open_jobs  # noqa: PLC0415

        return open_jobs(self)

    @cached_property
    def signer(self) -> AccountSigner:
        """Who signs what goes onto the chain, before any further ones; known without asking the chain.

        Raises chain.errors.KeyRefused, SignerUnavailable, SignerRefused.
        """
        if self.settings.signer_url is not None:  # one that does not answer must not hold up who makes no key
            return open_signer(self.settings, self.folder)
        with self.records.database.exclusive("signer key"):  # two processes at once would make two
            return open_signer(self.settings, self.folder)

    def _picture(self, cid: str) -> bytes:
        return self.files.read(Cid.parse(cid))

    # what people ask for

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
