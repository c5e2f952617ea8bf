"""Verifications: an asset is drawn again where drawing runs, and compared pixel for pixel."""

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from assets.errors import AssetsError
from chain.asset_contract import AssetContract
from chain.errors import ChainError
from engine.asset_files import AssetFiles
from engine.database.jobs import Job
from engine.database.mints import living_mint
from engine.database.records import Records
from engine.database.verifications import Comparison, update_verification
from engine.errors import DatabaseUnusable, EngineError, HoldLost
from engine.jobs.hold import Hold
from engine.verification import Check, verify_asset, verify_token
from generators.comparison import compare
from generators.drawer import Drawer
from generators.errors import DrawingStopped, GeneratorError
from generators.finishing import png_bytes


class VerifyJob:
    """The work of the queue ``verify``. A minted asset is followed from its token, another from its metadata."""

    def __init__(
        self,
        records: Records,
        files: AssetFiles,
        drawer: Callable[[], Drawer],
        chain_id: int,
        contract: Callable[[], AssetContract],
    ) -> None:
        self._records, self._files, self._drawer = records, files, drawer
        self._chain_id, self._contract = chain_id, contract

    def run(self, job: Job, hold: Hold) -> float | None:
        """Draws and compares; what keeps it from that stands in the record. Raises DrawingStopped, DatabaseUnusable,
        HoldLost."""
        self._write(job, hold, status="running")
        seen: list[Comparison] = []
        try:
            checks = self._checks(
                job.record_id, lambda kept, again: seen.append(compared(kept, again, self._drawn))
            )
        except (DrawingStopped, DatabaseUnusable, HoldLost):
            raise
        except (EngineError, AssetsError, GeneratorError, ChainError) as error:
            self._write(job, hold, status="failed", error=str(error))
            return None
        told = asdict(seen[-1]) if seen else {}
        self._write(job, hold, status="done", checks=[asdict(check) for check in checks], **told)
        return None

    def _checks(
        self, asset_id: str, seen: Callable[[NDArray[np.uint8], NDArray[np.uint8]], None]
    ) -> list[Check]:
        asset = self._records.asset(asset_id)
        if asset is None:
            return []
        with self._records.database.reading() as connection:
            mint = living_mint(connection, asset_id, self._chain_id)
        if mint is None or mint.status != "confirmed" or mint.token_id is None:
            return verify_asset(asset.metadata_cid, self._files.blocks, self._drawer, seen)
        return verify_token(self._contract(), int(mint.token_id), self._files.blocks, self._drawer, seen)

    @staticmethod
    def _drawn(pixels: NDArray[np.uint8]) -> bytes:
        return png_bytes(pixels, None)

    def _write(self, job: Job, hold: Hold, **values: object) -> None:
        with self._records.database.writing() as connection:
            hold.confirm(connection)
            update_verification(connection, job.record_id, **values)


def compared(
    kept: NDArray[np.uint8],
    again: NDArray[np.uint8],
    png: Callable[[NDArray[np.uint8]], bytes],
) -> Comparison:
    """Counts, and pictures to look at: of a clip those of the frame in which most pixels differ (… h w 4, uint8)."""
    found = compare(again, kept)
    frames, drawn = (each if each.ndim == 4 else each[None] for each in (kept, again))
    worst = int((frames != drawn).any(-1).sum((1, 2)).argmax())
    first, second = frames[worst], drawn[worst]
    return Comparison(
        total=found.total,
        differing=found.differing,
        visible=found.visible,
        largest=found.largest,
        frame=worst,
        original=png(first),
        regenerated=png(second),
        difference=png(difference_picture(first, second)),
    )


def difference_picture(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """h w 4: pixels that differ are red, the stronger the more; those that are equal faint where they are drawn."""
    apart = np.abs(first.astype(np.int16) - second).max(-1)
    differs = apart > 0
    shown = np.zeros_like(first)
    shown[first[..., 3] > 0] = (128, 128, 128, 64)
    shown[differs] = (220, 38, 38, 255)
    shown[..., 3] = np.where(differs, np.clip(128 + apart // 2, 0, 255), shown[..., 3]).astype(np.uint8)
    return shown
