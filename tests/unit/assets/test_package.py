"""The package of an asset: built, carried in a CAR file to another store, refused when anything is amiss."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import aleph_cid
import pytest

import assets.package
from assets.block import MemoryBlocks
from assets.blockstore import BlockStore
from assets.car import export_dag, read_car, write_car
from assets.cid import raw_cid
from assets.errors import BlockDamaged, BlockMissing, InvalidCar, InvalidPackage, InvalidUnixFs, StorageFull
from assets.import_profile import UNIXFS_V0_2015
from assets.metadata import TokenMetadata
from assets.package import AssetPackage, asset_directory, export_asset_car, import_asset_car, read_package
from assets.unixfs import add_directory, add_file, read_file, resolve

PNG = b"\x89PNG\r\n\x1a\n"
MEDIA = PNG + bytes(range(256)) * 2500  # three leaves
IMAGE = PNG + b"image"
METADATA = TokenMetadata("Rust Knight", "Keeps a gate.", raw_cid(IMAGE).uri)


@pytest.fixture
def store(tmp_path: Path) -> BlockStore:
    return BlockStore(tmp_path / "blocks")


@pytest.fixture
def package(store: BlockStore) -> AssetPackage:
    return asset_directory(store, metadata=METADATA.to_bytes(), media=MEDIA, image=IMAGE)


@pytest.fixture
def elsewhere(tmp_path: Path) -> BlockStore:
    return BlockStore(tmp_path / "elsewhere")


def directory_car(files: dict[str, bytes], extra: tuple[bytes, ...] = ()) -> bytes:
    """A CAR file of a directory with ``files``, and blocks that are no part of it."""
    blocks = MemoryBlocks()
    root = add_directory({name: add_file(BytesIO(data), blocks) for name, data in files.items()}, blocks)
    file = BytesIO()
    strays = [(raw_cid(data), data) for data in extra]
    write_car(file, [root.cid], [*export_dag([root.cid], blocks), *strays])
    return file.getvalue()


def files(**changes: bytes) -> dict[str, bytes]:
    whole = {"metadata": METADATA.to_bytes(), "media": MEDIA, "image": IMAGE} | changes
    return {"metadata.json": whole["metadata"], "media.png": whole["media"], "image.png": whole["image"]}


def test_the_directory_holds_the_three_files(store: BlockStore, package: AssetPackage) -> None:
    for name, data in files().items():
        assert b"".join(read_file(resolve(package.root, name, store), store)) == data
    assert package.metadata_cid == METADATA.cid
    assert package.image_cid == raw_cid(IMAGE)
    assert read_package(package.root, store) == package


def test_the_stated_size_is_that_of_all_blocks(store: BlockStore, package: AssetPackage) -> None:
    assert package.tsize == sum(len(data) for _, data in export_dag([package.root], store))


def test_a_package_travels_in_a_car_to_another_store(
    store: BlockStore, package: AssetPackage, elsewhere: BlockStore
) -> None:
    file = BytesIO()
    assert export_asset_car(file, package.root, store) == len(file.getvalue())
    file.seek(0)
    assert import_asset_car(file, elsewhere) == package
    assert set(elsewhere) == set(store)
    again = BytesIO()
    export_asset_car(again, package.root, elsewhere)
    assert again.getvalue() == file.getvalue()


def test_a_package_of_another_profile_is_imported_as_it_is(elsewhere: BlockStore) -> None:
    blocks = MemoryBlocks()
    links = {
        name: add_file(BytesIO(data), blocks, UNIXFS_V0_2015)
        for name, data in files().items()
        if name != "metadata.json"
    }
    image = links["image.png"].cid.uri
    metadata = replace(METADATA, image=image)
    links["metadata.json"] = add_file(BytesIO(metadata.to_bytes()), blocks)
    root = add_directory(links, blocks, UNIXFS_V0_2015).cid
    file = BytesIO()
    export_asset_car(file, root, blocks)
    assert import_asset_car(BytesIO(file.getvalue()), elsewhere).root == root
    assert elsewhere.has(root)


def test_the_root_of_the_car_is_the_directory(store: BlockStore, package: AssetPackage) -> None:
    file = BytesIO()
    export_asset_car(file, package.root, store)
    roots, blocks = read_car(BytesIO(file.getvalue()))
    assert roots == (package.root,)
    assert next(blocks)[0] == package.root


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metadata": b"{}"}, "not token metadata"),
        ({"metadata": b"not JSON"}, "not token metadata"),
        ({"metadata": b" " + METADATA.to_bytes()}, "canonical JSON"),
        ({"metadata": replace(METADATA, image=raw_cid(b"other").uri).to_bytes()}, "not in the package"),
        ({"metadata": replace(METADATA, image=METADATA.image + "/x").to_bytes()}, "not in the package"),
        ({"media": b"GIF89a"}, "media.png is not a PNG"),
        ({"image": b""}, "image.png is not a PNG"),
    ],
)
def test_bad_contents_are_neither_stored_nor_imported(
    store: BlockStore, changes: dict[str, bytes], reason: str
) -> None:
    contents = {"metadata": METADATA.to_bytes(), "media": MEDIA, "image": IMAGE} | changes
    with pytest.raises(InvalidPackage) as caught:
        asset_directory(store, **contents)
    assert reason in str(caught.value)
    with pytest.raises(InvalidPackage) as caught:
        import_asset_car(BytesIO(directory_car(files(**changes))), store)
    assert reason in str(caught.value)
    assert list(store) == []


def test_an_image_on_the_web_or_the_media_itself_is_allowed(store: BlockStore) -> None:
    media = asset_directory(store, metadata=METADATA.to_bytes(), media=MEDIA, image=IMAGE).media_cid
    for image in ("https://example.org/a.png", "data:image/png;base64,AA==", media.uri):
        metadata = replace(METADATA, image=image).to_bytes()
        built = asset_directory(store, metadata=metadata, media=MEDIA, image=IMAGE)
        assert built.metadata_cid == raw_cid(metadata)


def test_a_picture_above_the_limit_is_refused(store: BlockStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(assets.package._LIMITS, "media.png", len(MEDIA) - 1)
    with pytest.raises(InvalidPackage, match=r"media\.png has"):
        asset_directory(store, metadata=METADATA.to_bytes(), media=MEDIA, image=IMAGE)
    with pytest.raises(InvalidPackage, match=r"media\.png has"):
        import_asset_car(BytesIO(directory_car(files())), store)


def test_a_car_above_the_limit_is_refused(store: BlockStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets.package, "_MAX_CAR_BYTES", len(MEDIA))
    with pytest.raises(InvalidPackage, match="more than"):
        import_asset_car(BytesIO(directory_car(files())), store)


@pytest.mark.parametrize("name", ["metadata.json", "media.png", "image.png"])
def test_a_directory_that_lacks_a_file_or_has_another_is_no_package(store: BlockStore, name: str) -> None:
    fewer = {key: data for key, data in files().items() if key != name}
    for contents in (fewer, files() | {"more.txt": b"more"}, fewer | {"other.png": IMAGE}):
        with pytest.raises(InvalidPackage, match="not an asset's package"):
            import_asset_car(BytesIO(directory_car(contents)), store)


def test_a_car_with_stray_blocks_or_roots_is_refused(
    store: BlockStore, package: AssetPackage, elsewhere: BlockStore
) -> None:
    with pytest.raises(InvalidPackage, match="no part of its asset"):
        import_asset_car(BytesIO(directory_car(files(), extra=(b"stray",))), elsewhere)
    file = BytesIO()
    write_car(file, [package.root, package.image_cid], export_dag([package.root], store))
    with pytest.raises(InvalidPackage, match="2 roots"):
        import_asset_car(BytesIO(file.getvalue()), elsewhere)
    assert list(elsewhere) == []


def test_a_car_that_lacks_any_block_is_refused(
    store: BlockStore, package: AssetPackage, elsewhere: BlockStore
) -> None:
    blocks = list(export_dag([package.root], store))
    assert len(blocks) == 7
    for missing in blocks:
        file = BytesIO()
        write_car(file, [package.root], [block for block in blocks if block != missing])
        with pytest.raises(InvalidPackage, match="missing"):
            import_asset_car(BytesIO(file.getvalue()), elsewhere)
    assert list(elsewhere) == []


def test_a_car_that_is_cut_short_stores_nothing(
    store: BlockStore, package: AssetPackage, elsewhere: BlockStore
) -> None:
    file = BytesIO()
    export_asset_car(file, package.root, store)
    for length in range(0, len(file.getvalue()), 9973):
        with pytest.raises((InvalidCar, InvalidPackage)):
            import_asset_car(BytesIO(file.getvalue()[:length]), elsewhere)
    assert list(elsewhere) == []


def test_a_damaged_or_incomplete_package_is_not_exported(
    store: BlockStore, package: AssetPackage, tmp_path: Path
) -> None:
    damaged = next((tmp_path / "blocks").glob(f"*/{package.image_cid}"))
    damaged.write_bytes(IMAGE[:-1] + b"?")
    file = BytesIO()
    with pytest.raises(BlockDamaged):
        export_asset_car(file, package.root, store)
    store.delete(package.image_cid)
    with pytest.raises(BlockMissing):
        export_asset_car(file, package.root, store)
    assert file.getvalue() == b""


def test_what_is_not_a_directory_is_not_exported(store: BlockStore, package: AssetPackage) -> None:
    with pytest.raises(InvalidUnixFs, match="not a directory"):
        export_asset_car(BytesIO(), package.image_cid, store)


def test_a_full_disk_passes_through_as_itself(elsewhere: BlockStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(blocks: object) -> int:
        raise StorageFull("Could not store blocks: the disk is full.")

    monkeypatch.setattr(elsewhere, "put_many", full)
    with pytest.raises(StorageFull):
        import_asset_car(BytesIO(directory_car(files())), elsewhere)


def test_the_root_is_the_cid_that_the_files_have_as_a_folder_on_disk(
    package: AssetPackage, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, data in files().items():
        (folder / name).write_bytes(data)
    assert str(package.root) == aleph_cid.hash_folder(folder, cid_version=1)


def test_the_pictures_that_it_was_drawn_from_travel_along(
    store: BlockStore, elsewhere: BlockStore, package: AssetPackage
) -> None:
    pictures = {"source": PNG + b"source", "mask": PNG + b"mask"}
    more = asset_directory(store, metadata=METADATA.to_bytes(), media=MEDIA, image=IMAGE, **pictures)
    assert more.root != package.root
    assert (more.metadata_cid, more.media_cid) == (package.metadata_cid, package.media_cid)
    file = BytesIO()
    export_asset_car(file, more.root, store)
    assert import_asset_car(BytesIO(file.getvalue()), elsewhere) == more
    for name, data in pictures.items():
        assert b"".join(read_file(resolve(more.root, f"{name}.png", elsewhere), elsewhere)) == data
    with pytest.raises(InvalidPackage, match=r"The package's source\.png is not a PNG file"):
        asset_directory(store, metadata=METADATA.to_bytes(), media=MEDIA, image=IMAGE, source=b"GIF89a")


CLIP = {"clip.mp4": b"video", "sheet.png": PNG + b"sheet", "sheet.json": b"{}"}
MOVING = replace(METADATA, animation_url=raw_cid(CLIP["clip.mp4"]).uri)


def test_a_clips_files_travel_with_it(store: BlockStore, elsewhere: BlockStore) -> None:
    package = asset_directory(store, metadata=MOVING.to_bytes(), media=MEDIA, image=IMAGE, files=CLIP)
    car = BytesIO()
    export_asset_car(car, package.root, store)
    car.seek(0)
    assert import_asset_car(car, elsewhere) == package
    for name, data in CLIP.items():
        assert b"".join(read_file(resolve(package.root, name, elsewhere), elsewhere)) == data


@pytest.mark.parametrize(
    ("metadata", "files", "reason"),
    [
        (MOVING, {}, r"animation is not in the package"),
        (replace(METADATA, animation_url=raw_cid(IMAGE).uri), CLIP, r"animation is not in the package"),
        (
            METADATA,
            {"notes.txt": b"x"},
            r"A package holds no notes\.txt; its files are metadata\.json, media\.png",
        ),
        (METADATA, {"sheet.png": b"no PNG"}, r"sheet\.png is not a PNG"),
    ],
)
def test_a_clips_files_are_those_that_its_metadata_shows(
    store: BlockStore, metadata: TokenMetadata, files: dict[str, bytes], reason: str
) -> None:
    with pytest.raises(InvalidPackage, match=reason):
        asset_directory(store, metadata=metadata.to_bytes(), media=MEDIA, image=IMAGE, files=files)
