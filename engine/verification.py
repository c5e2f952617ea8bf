"""From a token on chain back to the pixels: every link of the chain of evidence, checked."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.block import BlockReader
from assets.canonical_json import JsonObject, thaw
from assets.cid import Cid, split_ipfs_uri
from assets.errors import AssetsError
from assets.metadata import TokenMetadata
from chain.asset_contract import AssetContract
from engine.asset_files import listed_files, read_whole
from engine.upload import UPLOAD_FORMAT
from generators.apng import read_apng
from generators.comparison import compare
from generators.drawer import Drawer
from generators.errors import GeneratorError
from generators.finishing import read_png
from generators.recipe import Kind, Recipe

CHECKS = ("token_uri", "metadata_digest", "media_cid", "recipe_hash", "regenerated")
# Another kind of processor rounds differently, and finishing moves a picture's palette with it. On one kind the
# pictures are equal; between bf16 and float32 at most 12 % of the drawn pixels of a picture differed visibly,
# between two seeds 84 % in the mean and more (docs/model-card.md).
MAX_VISIBLE_SHARE = 0.2
Seen = Callable[[NDArray[np.uint8], NDArray[np.uint8]], None]  # (frames) h w 4 each


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    detail: str


class _Failed(Exception):
    """A check that did not hold; the checks after it have nothing to stand on."""


def verify_token(
    contract: AssetContract,
    token_id: int,
    blocks: BlockReader,
    drawer: Callable[[], Drawer],
    seen: Seen = lambda kept, again: None,
) -> list[Check]:
    """Checks ``token_id`` in the order of ``CHECKS``; after the first that fails the others count as failed too.

    ``seen`` is given the pixels that are kept and those that were drawn again.
    Raises chain.errors.UnknownToken where there is no such token, and node errors; nothing else.
    """
    uri, digest = contract.token_uri(token_id), contract.metadata_digest(token_id)
    return _checked(_Evidence(uri, digest, blocks, drawer, seen), CHECKS)


def verify_asset(
    metadata: Cid, blocks: BlockReader, drawer: Callable[[], Drawer], seen: Seen = lambda kept, again: None
) -> list[Check]:
    """The same of an asset that has no token: all checks but the first, from its metadata on. ``metadata`` is its
    address, a raw CID. Raises nothing of what a check finds."""
    return _checked(
        _Evidence(metadata.uri, metadata.digest, blocks, drawer, seen, is_token=False), CHECKS[1:]
    )


def _checked(evidence: "_Evidence", names: Sequence[str]) -> list[Check]:
    checks: list[Check] = []
    for name in names:
        if checks and not checks[-1].ok:
            checks.append(Check(name, False, f"not checked, because {_first_failed(checks)} failed"))
            continue
        try:
            checks.append(Check(name, True, getattr(evidence, name)()))
        except (_Failed, AssetsError, GeneratorError) as error:
            checks.append(Check(name, False, str(error)))
    return checks


def _same_picture(media: NDArray[np.uint8], image: NDArray[np.uint8]) -> bool:
    """Whether the image is the media, each pixel repeated to a square."""
    scale = max(1, image.shape[0] // media.shape[0])
    return np.array_equal(image, media.repeat(scale, 0).repeat(scale, 1))


def _first_failed(checks: list[Check]) -> str:
    return next(check.name for check in checks if not check.ok)


class _Evidence:
    """What is learnt on the way from the token to its pixels; each method is one check and returns its detail."""

    def __init__(
        self,
        uri: str,
        digest: bytes,
        blocks: BlockReader,
        drawer: Callable[[], Drawer],
        seen: Seen,
        *,
        is_token: bool = True,
    ) -> None:
        self._seen, self._is_token = seen, is_token
        self._uri, self._digest, self._blocks, self._drawer = uri, digest, blocks, drawer
        self._metadata: TokenMetadata | None = None
        self._recipe: Recipe | None = None
        self._media = b""

    def token_uri(self) -> str:
        cid, path = split_ipfs_uri(self._uri)
        if path or cid != Cid.raw(self._digest):
            raise _Failed(
                f"the token's URI {self._uri} is not the address of its digest {self._digest.hex()}"
            )
        return self._uri

    def metadata_digest(self) -> str:
        # The store hashes what it reads: a block that comes back is the one the digest names.
        self._metadata = TokenMetadata.from_bytes(self._blocks.get(Cid.raw(self._digest)))
        told = "the digest on chain" if self._is_token else "the digest in its address"
        return f"the metadata's sha256 is {told}, {self._digest.hex()}"

    def media_cid(self) -> str:
        assert self._metadata is not None
        media_uri = self._metadata.properties.get("media")
        if not isinstance(media_uri, str):
            raise _Failed("the metadata names no media")
        media, _ = split_ipfs_uri(media_uri)
        image, _ = split_ipfs_uri(self._metadata.image)
        self._media, shown = (read_whole(cid, self._blocks) for cid in (media, image))
        if not _same_picture(read_png(self._media)[0], read_png(shown)[0]):
            raise _Failed(f"the image {image} does not show the media {media}")
        files = listed_files(self._metadata)
        for cid in files.values():
            read_whole(cid, self._blocks)
        more = f", and so are the clip's {len(files)} other files" if files else ""
        return f"media {media} ({len(self._media):,d} bytes) and image {image} ({len(shown):,d} bytes) are whole{more}"

    def recipe_hash(self) -> str:
        assert self._metadata is not None
        named = self._metadata.properties.get("recipe_hash")
        if (upload := self._upload()) is not None:
            found = hashlib.sha256(upload.to_bytes()).hexdigest()
            if found != named or upload.get("sha256") != hashlib.sha256(self._media).hexdigest():
                raise _Failed("the metadata does not describe the picture that was uploaded")
            return f"{found}, of a picture that was uploaded; its bytes have the sha256 that it states"
        recipe = Recipe.from_dict(thaw(self._metadata.properties.get("recipe")))
        if recipe.hash != named:
            raise _Failed(f"the recipe's hash is {recipe.hash}, the metadata says {named}")
        _, inside = read_png(self._media)
        if inside != recipe:
            raise _Failed("the recipe inside the picture is not the one in the metadata")
        self._recipe = recipe
        return f"{recipe.hash}, in the metadata and inside the picture"

    def regenerated(self) -> str:
        if self._upload() is not None:
            raise _Failed("the picture was uploaded, so no recipe draws it again")
        assert self._recipe is not None
        moves = self._recipe.kind is Kind.CLIP
        pixels = read_apng(self._media)[0].frames if moves else read_png(self._media)[0]
        again = self._drawer().draw([self._recipe], pictures=self._picture)[0].pixels
        if again.shape != pixels.shape:
            drawn, kept = (" x ".join(map(str, each.shape[:-1])) for each in (again, pixels))
            raise _Failed(f"the media has {kept} pixels, its recipe draws {drawn}")
        self._seen(pixels, again)
        found = compare(again, pixels)
        if found.differing == 0:
            return f"exact: all {found.total:,d} pixels are equal"
        told = (
            f"{found.differing:,d} of {found.total:,d} pixels differ, by at most {found.largest} of 255; "
            f"{found.visible:,d} of them visibly"
        )
        if found.visible_share > MAX_VISIBLE_SHARE:
            raise _Failed(told)
        return told

    def _upload(self) -> JsonObject | None:
        """The recipe of a picture that was uploaded rather than drawn."""
        assert self._metadata is not None
        recipe = self._metadata.properties.get("recipe")
        uploaded = isinstance(recipe, JsonObject) and recipe.get("format") == UPLOAD_FORMAT
        return recipe if isinstance(recipe, JsonObject) and uploaded else None

    def _picture(self, cid: str) -> bytes:
        return read_whole(Cid.parse(cid), self._blocks)
