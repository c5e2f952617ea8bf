"""A server's assets as files on this machine, and as the commands tell them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from engine.data_folder import unusable
from engine.sdk import Asset, Client, LoresparkError
from engine.settings import Settings

# Ids and names come from elsewhere, so none may lead out of the folder or hide in it.
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")


class AssetFolder:
    """Where pictures go: ``output``, or the data folder's, by the names that local assets have there."""

    def __init__(self, client: Client, output: Path | None) -> None:
        self._client = client
        data = Settings.from_environment().data_dir
        self._folder = output or data / "media"
        self._sheets = output or data / "collections"

    def picture(self, asset: Asset) -> Path:
        """The picture or clip, downloaded unless it is there. Raises LoresparkError, DataFolderUnusable."""
        path = self.place(asset)
        if not path.exists():
            self._make(path.parent)
            self._client.assets.download(asset.id, path)
        return path

    def files(self, asset: Asset) -> dict[str, Path]:
        """What a clip comes in beside it, downloaded unless it is there."""
        folder = self._folder / _safe(asset.id)
        paths = {name: folder / _safe(name) for name in asset.files}
        for name, path in paths.items():
            if not path.exists():
                self._make(folder)
                self._client.assets.save_file(asset.id, name, path)
        return paths

    def place(self, asset: Asset) -> Path:
        """Where the picture is, or would be."""
        return self._folder / f"{_safe(asset.id)}.png"

    def sheet(self, collection_id: str) -> Path:
        """Where a collection's contact sheet goes."""
        return self._sheets / f"{_safe(collection_id)}.png"

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unusable(folder, error) from error


def downloaded(client: Client, assets: Sequence[Asset], output: Path | None) -> list[dict[str, Any]]:
    """The assets as the commands tell them, with their pictures and files on this machine."""
    folder = AssetFolder(client, output)
    rows = []
    for asset in assets:
        path, files = folder.picture(asset), folder.files(asset)
        rows.append(asset_json(client, asset, str(path.absolute()), files))
    return rows


def asset_json(client: Client, asset: Asset, path: str | None, files: dict[str, Path]) -> dict[str, Any]:
    """The asset as ``engine.answers.asset_json`` tells a local one; ``path`` None where it is not on this machine."""
    return {
        "asset_id": asset.id,
        "kind": asset.kind,
        "name": asset.name,
        "media_path": path,
        "files": {
            name: {"cid": file.cid, "path": str(files[name].absolute()) if name in files else None}
            for name, file in asset.files.items()
        },
        "media_cid": asset.media.cid,
        "image_cid": asset.image.cid,
        "metadata_cid": asset.metadata_cid,
        "recipe_hash": asset.recipe_hash,
        "recipe": client.assets.recipe(asset.id),
        "quality": asset.quality,
    }


def _safe(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise LoresparkError(f"The server calls an asset or file {name[:80]!r}, which is no name for a file.")
    return name
