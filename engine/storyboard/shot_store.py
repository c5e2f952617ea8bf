"""Shots that were drawn, kept so that a killed film goes on, and dropped when there are too many."""

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.data_folder import unusable, writing_whole

MAX_KEPT_BYTES = 1_000_000_000  # some hundred minutes of small stages; the oldest go first
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can hold; a time of its own would change the bytes
_SUM = "sha256"


class ShotStore:
    """One ZIP of PNG frames (h w 3) for each shot, named by the digest of what decides them.

    A ZIP, so that people can look into it; the last entry is the sha256 of all pictures before it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, digest: str) -> Path:
        return self._root / f"{digest}.zip"

    def holds(self, digest: str, count: int) -> bool:
        """Whether all ``count`` frames are there and sound; a damaged shot counts as none."""
        try:
            with zipfile.ZipFile(self.path(digest)) as archive:
                names = archive.namelist()
                if names != [*(_name(index) for index in range(count)), _SUM]:
                    return False
                total = hashlib.sha256()
                for name in names[:-1]:
                    total.update(archive.read(name))
                sound = archive.read(_SUM).decode("ascii", "replace") == total.hexdigest()
        except (OSError, EOFError, ValueError, NotImplementedError, zipfile.BadZipFile, zlib.error):
            return False
        if sound:
            with suppress(OSError):
                os.utime(self.path(digest))  # the least recently used go first
        return sound

    def put(self, digest: str, frames: Iterator[NDArray[np.uint8]]) -> None:
        """Keeps the frames as they come; a shot that is not whole leaves nothing. Raises DataFolderUnusable."""
        total = hashlib.sha256()
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with writing_whole(self.path(digest)) as file, zipfile.ZipFile(file, "w") as archive:
                for index, frame in enumerate(frames):
                    buffer = io.BytesIO()
                    Image.fromarray(frame).save(buffer, "PNG", compress_level=3)
                    total.update(buffer.getvalue())
                    archive.writestr(zipfile.ZipInfo(_name(index), _EPOCH), buffer.getvalue())
                archive.writestr(zipfile.ZipInfo(_SUM, _EPOCH), total.hexdigest())
        except OSError as error:
            raise unusable(self._root, error) from error

    def frames(self, digest: str) -> Iterator[NDArray[np.uint8]]:
        """The frames of a shot that ``holds`` found sound, one by one."""
        with zipfile.ZipFile(self.path(digest)) as archive:
            for name in archive.namelist()[:-1]:
                with Image.open(io.BytesIO(archive.read(name)), formats=("PNG",)) as picture:
                    yield np.asarray(picture.convert("RGB"))

    def prune(self, keep: Collection[str], most_bytes: int = MAX_KEPT_BYTES) -> None:
        """Removes what killed runs left half written, and the oldest shots beyond ``most_bytes``, but none to keep."""
        kept: list[tuple[float, int, Path]] = []
        with suppress(OSError):  # nothing was kept yet, or it cannot be listed: then there is nothing to do
            for path in self._root.iterdir():
                if path.name.endswith(".new"):
                    path.unlink(missing_ok=True)
                elif path.suffix == ".zip":
                    kept.append((path.stat().st_mtime, path.stat().st_size, path))
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= most_bytes:
                break
            if path.stem not in keep:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
                total -= size


def _name(index: int) -> str:
    return f"{index:05d}.png"
