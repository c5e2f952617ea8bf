"""Assets recorded as a creation's job records them, where a test has no job."""

from collections.abc import Sequence

from assets.asset import Asset
from assets.block import MemoryBlocks
from engine.asset_files import AssetFiles
from engine.database.creation_record import Wishes, record_success
from engine.database.records import Records


def record_assets(
    records: Records, creation_id: str, assets: Sequence[Asset], files: AssetFiles | None = None
) -> None:
    """Ends the creation with these assets. ``files`` are needed where one is a clip."""
    with records.database.writing() as connection:
        record_success(connection, creation_id, assets, Wishes(), files or AssetFiles(MemoryBlocks()))
