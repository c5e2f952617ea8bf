"""Each check of a token fails by itself on what was tampered with, and says so."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assets.blockstore import BlockStore
from assets.canonical_json import JsonObject, thaw
from assets.cid import Cid, raw_cid
from assets.metadata import TokenMetadata
from assets.package import asset_directory
from engine.jobs.creation import token_metadata
from engine.verification import CHECKS, Check, verify_token
from generators.errors import InvalidRecipe, WeightsUnavailable
from generators.finishing import FinishedPicture, finish, png_bytes
from generators.recipe import Recipe


@dataclass
class Contract:
    """What a contract says of token 1."""

    digest: bytes
    uri: str = ""

    def token_uri(self, _: int) -> str:
        return self.uri or Cid.raw(self.digest).uri

    def metadata_digest(self, _: int) -> bytes:
        return self.digest


@dataclass
class Generator:
    """Draws the same pixels again."""

    pixels: Any
    error: Exception | None = None

    def draw(self, recipes: list[Recipe], pictures: object = None) -> list[FinishedPicture]:
        if self.error is not None:
            raise self.error
        return [replace(finish(self.pixels, recipes[0]), pixels=self.pixels)]


@dataclass
class Token:
    """A token that is as it should be, until a test tampers with it."""

    blocks: BlockStore
    recipe: Recipe
    picture: FinishedPicture
    metadata: TokenMetadata
    contract: Contract
    generator: Generator

    def verify(self) -> list[Check]:
        contract: Any = self.contract
        generator: Any = self.generator
        return verify_token(contract, 1, self.blocks, lambda: generator)

    def mint_other_metadata(self, **changes: Any) -> None:
        """A token whose digest is of metadata with other properties."""
        properties = {**thaw(self.metadata.properties), **changes}  # type: ignore[dict-item]
        kept = {key: value for key, value in properties.items() if value is not None}
        data = replace(self.metadata, properties=JsonObject(kept)).to_bytes()
        self.blocks.put(raw_cid(data), data)
        self.contract.digest = hashlib.sha256(data).digest()

    def break_block(self, cid: str, data: bytes | None) -> None:
        """Writes other bytes into a block's file, or takes the file away."""
        path = next(self.blocks._root.rglob(cid))
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)


@pytest.fixture
def token(tmp_path: Path, recipe: Callable[..., Recipe], pixels: Callable[..., Any]) -> Token:
    blocks = BlockStore(tmp_path / "blocks")
    made = recipe()
    picture = finish(pixels(), made)
    metadata = token_metadata(made, raw_cid(picture.media), raw_cid(picture.image), {})
    package = asset_directory(blocks, metadata=metadata.to_bytes(), media=picture.media, image=picture.image)
    return Token(
        blocks, made, picture, metadata, Contract(package.metadata_cid.digest), Generator(picture.pixels)
    )


def assert_fails(checks: list[Check], name: str, detail: str) -> None:
    """The check called ``name`` is the first that fails, and those after it say why they were not made."""
    position = CHECKS.index(name)
    assert [check.name for check in checks] == list(CHECKS)
    assert [check.ok for check in checks] == [True] * position + [False] * (len(CHECKS) - position)
    assert detail in checks[position].detail, checks[position].detail
    for check in checks[position + 1 :]:
        assert check.detail == f"not checked, because {name} failed"


def test_a_token_as_it_should_be_passes_every_check(token: Token) -> None:
    checks = token.verify()
    assert [(check.name, check.ok) for check in checks] == [(name, True) for name in CHECKS]
    assert checks[-1].detail == "exact: all 1,024 pixels are equal"


@pytest.mark.parametrize("uri", ["https://example.com/1", "ipfs://nonsense", "", "other", "path"])
def test_a_uri_that_is_not_of_the_digest_fails(token: Token, uri: str) -> None:
    own = Cid.raw(token.contract.digest).uri
    token.contract.uri = {"other": raw_cid(b"other").uri, "path": f"{own}/1.json", "": "nothing"}.get(
        uri, uri
    )
    checks = token.verify()
    assert_fails(checks, "token_uri", "")
    assert checks[0].detail


@pytest.mark.parametrize("altered", [b"{}", None])
def test_altered_or_missing_metadata_fails(token: Token, altered: bytes | None) -> None:
    token.break_block(str(token.metadata.cid), altered)
    assert_fails(token.verify(), "metadata_digest", "is damaged" if altered else "is missing")


def test_a_digest_of_something_that_is_no_metadata_fails(token: Token) -> None:
    data = b"not metadata"
    token.blocks.put(raw_cid(data), data)
    token.contract.digest = hashlib.sha256(data).digest()
    assert_fails(token.verify(), "metadata_digest", "metadata cannot be read")


@pytest.mark.parametrize("which", ["media", "image"])
@pytest.mark.parametrize("altered", [b"wrong", None])
def test_a_damaged_or_missing_picture_fails(token: Token, which: str, altered: bytes | None) -> None:
    token.break_block(str(raw_cid(getattr(token.picture, which))), altered)
    assert_fails(token.verify(), "media_cid", "is damaged" if altered else "is missing")


@pytest.mark.parametrize("media", [None, 7, "https://example.com/media.png"])
def test_metadata_that_names_no_media_fails(token: Token, media: object) -> None:
    token.mint_other_metadata(media=media)
    assert_fails(token.verify(), "media_cid", "")


def test_media_that_is_no_picture_fails(token: Token) -> None:
    token.blocks.put(raw_cid(b"text"), b"text")
    token.mint_other_metadata(media=raw_cid(b"text").uri)
    assert_fails(token.verify(), "media_cid", "not a readable PNG")


def test_an_image_that_shows_another_picture_fails(
    token: Token, pixels: Callable[..., Any], recipe: Callable[..., Recipe]
) -> None:
    other = finish(pixels(2), recipe())
    token.blocks.put(raw_cid(other.image), other.image)
    token.metadata = replace(token.metadata, image=raw_cid(other.image).uri)
    token.mint_other_metadata()
    assert_fails(token.verify(), "media_cid", "does not show the media")


@pytest.mark.parametrize("altered", [None, "text", {}, {"prompt": "a crown"}, [1]])
def test_metadata_without_a_readable_recipe_fails(token: Token, altered: object) -> None:
    token.mint_other_metadata(recipe=altered)
    assert_fails(token.verify(), "recipe_hash", "")


def test_an_altered_recipe_fails(token: Token, recipe: Callable[..., Recipe]) -> None:
    token.mint_other_metadata(recipe=recipe(2).to_dict())
    assert_fails(token.verify(), "recipe_hash", "the metadata says")


def test_a_recipe_that_is_not_the_pictures_fails(token: Token, recipe: Callable[..., Recipe]) -> None:
    token.mint_other_metadata(recipe=recipe(2).to_dict(), recipe_hash=recipe(2).hash)
    assert_fails(token.verify(), "recipe_hash", "inside the picture is not the one in the metadata")


def test_an_altered_picture_fails_when_it_is_drawn_again(token: Token) -> None:
    altered = token.picture.pixels.copy()
    altered[:8] = (0, 0, 0, 255)
    image = altered.repeat(16, 0).repeat(16, 1)
    media, shown = png_bytes(altered, token.recipe), png_bytes(image, token.recipe)
    token.blocks.put_many([(raw_cid(media), media), (raw_cid(shown), shown)])
    token.metadata = replace(token.metadata, image=raw_cid(shown).uri)
    token.mint_other_metadata(media=raw_cid(media).uri)
    assert_fails(token.verify(), "regenerated", "256 of 1,024 pixels differ")


def test_a_few_pixels_that_another_processor_rounds_otherwise_pass(token: Token) -> None:
    token.generator.pixels = token.picture.pixels.copy()
    token.generator.pixels[0, :5, 0] ^= 1
    check = token.verify()[-1]
    assert check.ok
    assert check.detail == "5 of 1,024 pixels differ, by at most 1 of 255; 0 of them visibly"


def test_a_picture_of_another_size_fails(token: Token) -> None:
    token.generator.pixels = np.zeros((64, 64, 4), np.uint8)
    assert_fails(token.verify(), "regenerated", "the media has 32 x 32 pixels, its recipe draws 64 x 64")


@pytest.mark.parametrize("error", [InvalidRecipe, WeightsUnavailable])
def test_a_model_that_is_not_there_fails_with_its_sentence(token: Token, error: type[Exception]) -> None:
    token.generator.error = error("The recipe's model is not installed; install it.")
    assert_fails(token.verify(), "regenerated", "is not installed; install it.")
