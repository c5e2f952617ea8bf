"""Everything wired: settings, stores, generator, chain and jobs, for one data folder."""

from contextlib import ExitStack
from functools import cached_property
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Self

from chain.connection import Connection
from chain.log_reader import LogReader
from chain.signer import AccountSigner
from engine.asset_files import AssetFiles
from engine.asset_pins import AssetPins
from engine.asset_removal import AssetRemoval
from engine.data_folder import DataFolder
from engine.database.chain_index import watches
from engine.database.pins import mint_is_ready
from engine.database.records import Records
from engine.database.vouchers import voucher_contract
from engine.drawn_clips import DrawnClips
from engine.indexer.claims import VoucherClaims
from engine.indexer.follower import Follower
from engine.jobs.creation import CreationJob
from engine.jobs.deep_reorganisation import DeepReorganisations
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
from engine.style_folder import StyleFolder
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
from engine.workbench import Workbench
from generators.drawer import SharedDrawer
from generators.novelty import NoveltyIndex
from generators.prompt_length import PromptLength

if TYPE_CHECKING:
    from engine.jobs.runtime import JobRuntime
    from generators.picture_generator import PictureGenerator


class Application(Workbench):
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
        self.deep_reorganisations = DeepReorganisations(
            self.records.database, lambda: self.connection, lambda: self.chain.outbox
        )
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
    def prompt_length(self) -> PromptLength:
        """Counts the tokens of prompts without loading a model."""
        return PromptLength()

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
    def chain_is_elsewhere(self) -> bool:
        """Whether the chain may belong to another process: the embedded one is that of the one which mints, and opening
        it here would keep that one from it."""
        embedded = self.settings.rpc_url is None and self.records.database.is_shared
        return embedded and "connection" not in vars(self)

    @property
    def follower(self) -> Follower | None:
        """Who reads what the chain's logs say; None where there is nothing to read or no way to it from here.

        Raises what opening the chain raises.
        """
        if self.chain_is_elsewhere:
            return None
        with self.records.database.reading() as connection:
            is_any = watches(connection, self.settings.chain_id)
        return self._follower if is_any or self._own_contracts() else None

    def read_to(self, head_block: int) -> None:
        """What follows from having read all logs up to ``head_block``. Raises node errors."""
        self.claims.settle(head_block)
        self.deep_reorganisations.look()

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
            self.settings.factory: "collections",
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
