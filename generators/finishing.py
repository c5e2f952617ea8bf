"""Pixels as drawn -> the finished picture: clean alpha, few colours, outline, background, PNG with its recipe."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic_core import from_json

from generators.colour_choice import fitted
from generators.errors import InvalidRecipe
from generators.outline import draw_outline, remove_outline
from generators.palette import hex_colour, nearest, own_palette, rgb_values
from generators.png import encode_png
from generators.quality_gate import PictureRules
from generators.recipe import Kind, Recipe
from generators.repair import mended, specks
from generators.source_picture import Source

FINISH: Literal[2] = 2  # the version of the rules that new recipes name; older versions stay as they are
RECIPE_KEYWORD = "lorespark:recipe"  # of the iTXt chunk (PNG, 3rd edition, section 11.3.3.4)
IMAGE_PX = 512  # marketplaces show squares of 350 to 600 px; 512 is a whole multiple of 32 and 64
SOLID_TILE_SHARE = 0.85  # a tile with this much opaque is a floor or a wall: its pinholes are closed
MAX_PNG_PIXELS = 4096 * 4096


@dataclass(frozen=True)
class FinishedPicture:
    """``pixels``: size size 4, uint8, alpha 0 or 255, clear pixels all zero. ``media``:
    PNG bytes at native size, ``image``: PNG bytes at the largest whole multiple of it up to 512 px, or the media
    itself where that is larger than half; both hold the recipe."""

    pixels: NDArray[np.uint8]
    media: bytes
    image: bytes

    @property
    def files(self) -> Mapping[str, bytes]:
        """Nothing: a picture comes in no other files than these, as a clip does."""
        return {}


def finish(drawn: NDArray[np.uint8], recipe: Recipe, source: Source | None = None) -> FinishedPicture:
    """Finishes pixels as drawn (size size 4, uint8, straight alpha) by the recipe's rules.

    What a mask kept of its ``source`` stays as it is, to the bit: no outline or background is drawn over it.
    """
    if source is None or source.mask is None:
        pixels = finished_pixels(drawn, recipe, recipe.finish)
    else:
        pixels = repainted(clean_alpha(drawn, recipe.kind), source.pixels, source.mask, recipe.palette)
    media, scale = png_bytes(pixels, recipe), IMAGE_PX // recipe.size
    return FinishedPicture(pixels, media, png_bytes(pixels, recipe, scale) if scale > 1 else media)


def finished_pixels(
    drawn: NDArray[np.uint8], rules: PictureRules, version: int = FINISH
) -> NDArray[np.uint8]:
    """The finished picture (h w 4) of ``drawn`` (h w 4); the same for the same values, always.

    The outline and the background come after the palette and keep the colours they are given, so that a line can be
    of a colour that nothing else has. Version 2 differs from 1 in that it removes specks, sets hovering characters on
    their feet, and keeps the shading in a palette of one hue. Finishing a finished picture mends what it can.
    """
    pixels = clean_alpha(drawn, rules.kind)
    if version >= 2:
        pixels = mended(pixels, rules.kind)
    pixels = reduce_colours(pixels, rules.palette, fit=version >= 2)
    if rules.outline == "none":
        pixels = remove_outline(pixels)
    elif rules.outline is not None:
        pixels = draw_outline(pixels, rules.outline)
    return pixels if rules.background is None else on_background(pixels, rules.background)


def clean_alpha(drawn: NDArray[np.uint8], kind: Kind) -> NDArray[np.uint8]:
    """Every pixel fully opaque or fully clear, without single specks and single holes.

    A tile that is nearly all opaque becomes so wholly, its gaps filled from the pixels around them.
    """
    visible = drawn[..., 3] > 127
    around = _opaque_neighbours(visible)
    opaque = (visible & (around > 0)) | (~visible & (around == 8))
    known = visible & opaque
    if kind is Kind.TILE and opaque.mean() >= SOLID_TILE_SHARE:
        opaque = np.ones_like(opaque)
    out = _filled(drawn, known, wanted=opaque)
    out[..., 3] = np.where(opaque, 255, 0)
    out[~opaque] = 0
    return out


def _opaque_neighbours(opaque: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many of the eight pixels around each are opaque; those beyond the edge are not."""
    padded = np.pad(opaque.astype(np.int64), 1)
    height, width = opaque.shape
    windows = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    return np.sum(windows, axis=0)


def _filled(
    pixels: NDArray[np.uint8], known: NDArray[np.bool_], wanted: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """The ``wanted`` pixels that are not ``known`` take the mean colour of their known neighbours, ring by ring."""
    out, known = pixels.astype(np.float32), known.copy()
    for _ in range(max(known.shape)):
        missing = wanted & ~known
        if not missing.any() or not known.any():
            break
        padded = np.pad(out * known[..., None], ((1, 1), (1, 1), (0, 0)))
        mask = np.pad(known.astype(np.float32), 1)
        height, width = known.shape
        spots = [(y, x) for y in range(3) for x in range(3)]
        total = np.sum([padded[y : y + height, x : x + width] for y, x in spots], axis=0)
        count = np.sum([mask[y : y + height, x : x + width] for y, x in spots], axis=0)
        ring = missing & (count > 0)
        out[ring] = total[ring] / count[ring][:, None]
        known |= ring
    return out.round().astype(np.uint8)


def reduce_colours(
    pixels: NDArray[np.uint8], palette: int | tuple[str, ...] | None, fit: bool = False
) -> NDArray[np.uint8]:
    """The opaque pixels in the palette's colours, or in at most that many of their own.

    With ``fit`` the picture is first drawn together to what a fixed palette can show (``colour_choice.fitted``).
    """
    opaque = pixels[..., 3] > 0
    if palette is None or not opaque.any():
        return pixels
    colours = pixels[opaque][:, :3]
    out = pixels.copy()
    if isinstance(palette, int):
        out[opaque, :3] = nearest(colours, own_palette(colours, palette))
    else:
        out[opaque, :3] = (fitted if fit else nearest)(colours, rgb_values(palette))
    return out


def repainted(
    clean: NDArray[np.uint8],
    kept: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    palette: int | tuple[str, ...] | None,
) -> NDArray[np.uint8]:
    """``kept`` (h w 4) with its pixels under the ``mask`` (h w) drawn anew, in colours that fit those around them.

    Of a number of colours, the kept pixels' own count first, and the new ones get what is left.
    """
    new = np.where(mask[..., None], clean, 0).astype(np.uint8)
    if isinstance(palette, int):
        around = np.unique(kept[~mask & (kept[..., 3] > 0)][:, :3], axis=0)
        drawn = new[new[..., 3] > 0][:, :3]
        if (room := palette - len(around)) >= 2 and len(drawn):
            around = np.unique(np.concatenate([around, own_palette(drawn, room)]), axis=0)
        palette = tuple(hex_colour(rgb) for rgb in around) or palette
    out = np.where(mask[..., None], reduce_colours(new, palette), kept)
    out[specks(out[..., 3] > 0) & mask] = 0
    return out


def on_background(pixels: NDArray[np.uint8], colour: str) -> NDArray[np.uint8]:
    """``pixels`` with ``colour`` ("#rrggbb") where they are clear: every pixel is opaque."""
    out = pixels.copy()
    out[pixels[..., 3] == 0] = (*rgb_values((colour,))[0], 255)
    return out


def png_bytes(pixels: NDArray[np.uint8], recipe: Recipe | None, scale: int = 1) -> bytes:
    """PNG, ``scale`` times as large, with the recipe's canonical JSON in an iTXt chunk."""
    texts = {} if recipe is None else {RECIPE_KEYWORD: recipe.canonical().decode()}
    return encode_png(pixels, scale, texts)


def read_png(data: bytes) -> tuple[NDArray[np.uint8], Recipe | None]:
    """Pixels (h w 4, uint8) of PNG bytes, and the recipe they hold, if any.

    Raises InvalidRecipe where the bytes are no PNG, hold more than 4096 x 4096 pixels, or hold a recipe that
    cannot be read.
    """
    too_large = InvalidRecipe("The PNG has more than 4096 x 4096 pixels; give the picture as it was drawn.")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.width * image.height > MAX_PNG_PIXELS:
                raise too_large
            image.load()
            text = getattr(image, "text", {}).get(RECIPE_KEYWORD)
            pixels = np.asarray(image.convert("RGBA"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_large from error
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidRecipe("The bytes are not a readable PNG picture; save it again as PNG.") from error
    if text is None:
        return pixels, None
    try:
        # Not json.loads: it crashes the process on deep nesting where py-evm has raised the recursion limit.
        return pixels, Recipe.from_dict(from_json(text))
    except ValueError as error:
        raise InvalidRecipe("The recipe inside the PNG is not JSON; the file was altered.") from error
