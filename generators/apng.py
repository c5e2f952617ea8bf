"""Animation <-> animated PNG: every frame whole, to the bit, with its recipe.

Chunks are written here and not by Pillow, which merges a frame with an identical one before it: a clip of 16 frames
would come back with fewer.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic_core import from_json

from generators.animation import ANIMATION_NAME, FRAME_STEP_MS, MAX_FRAME_MS, MIN_FRAME_MS, Animation
from generators.errors import InvalidPicture, InvalidRecipe
from generators.finishing import RECIPE_KEYWORD
from generators.png import COMPRESSION
from generators.recipe import MAX_COLOURS, MAX_FRAMES, Recipe

# A file is decoded only within these; the largest clip that a known model makes (161 frames of 768 x 512 px) fits.
MAX_FILE_BYTES = 100_000_000
MAX_CHUNKS = 100_000  # encoders write one for every 8 kB or more
MAX_PIXELS = 128_000_000  # of all frames together: half a gigabyte decoded, 121 frames of 1280 x 704 pixels
NAME_KEYWORD = "Title"  # predefined in PNG, 3rd edition, section 11.3.3.1
DEFAULT_NAME = "clip"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INDEXED, _RGBA = 3, 6  # colour types (section 11.2.1)


def apng_bytes(animation: Animation, recipe: Recipe | None) -> bytes:
    """PNG with one ``fcTL`` for each frame (PNG, 3rd edition, sections 4.9 and 11.3.6), at native size.

    It plays forever where the animation loops, else once. The recipe's canonical JSON lies in an iTXt chunk, as in
    ``finishing.png_bytes``. With at most 256 colours over all frames, alpha counted, it is indexed.
    """
    frames = np.ascontiguousarray(animation.frames)
    count, height, width = frames.shape[:3]
    packed = frames.view(np.uint32)[..., 0]
    colours, indices = np.unique(packed, return_inverse=True)
    indexed = len(colours) <= MAX_COLOURS
    rows = (indices.reshape(packed.shape).astype(np.uint8) if indexed else frames).reshape(count, height, -1)
    depth, colour_type = 8, _INDEXED if indexed else _RGBA
    out = [SIGNATURE, _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))]
    out.append(_chunk(b"acTL", struct.pack(">II", count, 0 if animation.loops else 1)))
    if indexed:
        table = colours.view(np.uint8).reshape(-1, 4)
        out += [_chunk(b"PLTE", table[:, :3].tobytes()), _chunk(b"tRNS", table[:, 3].tobytes())]
    out.append(_chunk(b"tEXt", f"{NAME_KEYWORD}\0{animation.name}".encode("latin-1")))
    if recipe is not None:
        out.append(_chunk(b"iTXt", RECIPE_KEYWORD.encode() + bytes(5) + recipe.canonical()))
    sequence = 0
    for index, frame in enumerate(rows):
        # Each frame replaces the whole canvas (dispose 0, blend 0), so that none depends on the one before it.
        control = struct.pack(">IIIIIHHBB", sequence, width, height, 0, 0, animation.frame_ms, 1000, 0, 0)
        sequence += 1
        out.append(_chunk(b"fcTL", control))
        data = zlib.compress(
            np.pad(frame, ((0, 0), (1, 0))).tobytes(), COMPRESSION
        )  # each row: filter 0, bytes
        if index:
            data, sequence = struct.pack(">I", sequence) + data, sequence + 1
        out.append(_chunk(b"fdAT" if index else b"IDAT", data))
    return b"".join([*out, _chunk(b"IEND", b"")])


def read_apng(data: bytes) -> tuple[Animation, Recipe | None]:
    """The animation in APNG bytes, and the recipe they hold, if any: what ``apng_bytes`` was given.

    Raises InvalidPicture where the bytes are no APNG, a still picture, larger than 100 MB or than 128 million pixels
    of all frames, or have frames of different times or of times that are no multiple of 10 ms; InvalidRecipe where
    the recipe inside cannot be read. Nothing is decoded before the sizes are known.
    """
    if len(data) > MAX_FILE_BYTES:
        raise InvalidPicture(f"The clip is a file of {len(data) / 1e6:,.0f} MB; give one of 100 MB or less.")
    broken = InvalidPicture("The clip is not a readable animated PNG; save it again as APNG.")
    try:
        header = _header(data)
        if header is None:
            raise InvalidPicture(
                "The PNG is a still picture; give an animated PNG with the frames of a clip."
            )
        _check(header)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "error", UserWarning
            )  # Pillow warns of a broken acTL and shows the first frame instead
            frames, texts = _decoded(data, header)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, UserWarning) as error:
        raise broken from error
    name = texts.get(NAME_KEYWORD, "")
    animation = Animation(
        name=name if ANIMATION_NAME.fullmatch(name) else DEFAULT_NAME,
        frames=frames,
        frame_ms=header.frame_ms,
        loops=header.plays != 1,
    )
    text = texts.get(RECIPE_KEYWORD)
    if text is None:
        return animation, None
    try:
        # Not json.loads: it crashes the process on deep nesting where py-evm has raised the recursion limit.
        return animation, Recipe.from_dict(from_json(text))
    except ValueError as error:
        raise InvalidRecipe("The recipe inside the clip is not JSON; the file was altered.") from error


@dataclass(frozen=True)
class _Header:
    """``times_s``: numerator and denominator of each frame's seconds. ``plays``: 0 is forever."""

    width: int
    height: int
    count: int
    plays: int
    times_s: tuple[tuple[int, int], ...]
    starts_with_still: bool

    @property
    def frame_ms(self) -> int:
        numerator, denominator = self.times_s[0]
        return numerator * 1000 // (denominator or 100)  # a denominator of 0 means 100


def _header(data: bytes) -> _Header | None:
    """What the chunks say of the animation; None for a still PNG. Raises ValueError where they are no PNG's."""
    if data[:8] != SIGNATURE or data[12:16] != b"IHDR":
        raise ValueError("no PNG")
    width, height = struct.unpack(">II", data[16:24])
    at, control, times, still_first = 8, None, [], None
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            break
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + min(length, 26)]
        if kind == b"acTL":
            control = struct.unpack(">II", body[:8])
        elif kind == b"fcTL":
            times.append(struct.unpack(">HH", body[20:24]))
        elif kind == b"IDAT" and still_first is None:
            still_first = not times
        at += 12 + length
    else:
        raise ValueError("too many chunks")
    if control is None:
        return None
    return _Header(width, height, *control, tuple(times), bool(still_first))


def _check(header: _Header) -> None:
    if header.width * header.height * header.count > MAX_PIXELS or header.count > MAX_FRAMES:
        raise InvalidPicture(
            f"The clip has {header.count:,d} frames of {header.width:,d} x {header.height:,d} pixels; give one of up "
            f"to {MAX_FRAMES} frames and {MAX_PIXELS / 1e6:.0f} million pixels."
        )
    if not header.times_s or len(header.times_s) != header.count:
        raise ValueError("frames are missing")
    if len({numerator * 1000 / (denominator or 100) for numerator, denominator in header.times_s}) > 1:
        raise InvalidPicture(
            "The clip's frames last for different times; give one where all last equally long."
        )
    numerator, denominator = header.times_s[0]
    time_ms = numerator * 1000 / (denominator or 100)
    if time_ms % FRAME_STEP_MS or not MIN_FRAME_MS <= time_ms <= MAX_FRAME_MS:
        raise InvalidPicture(
            f"The clip's frames last {time_ms:g} ms; give a multiple of {FRAME_STEP_MS} ms from {MIN_FRAME_MS} to "
            f"{MAX_FRAME_MS}."
        )


def _decoded(data: bytes, header: _Header) -> tuple[NDArray[np.uint8], dict[str, str]]:
    """Frames (f h w 4) and texts. Raises what Pillow raises."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        frames = np.empty((header.count, header.height, header.width, 4), np.uint8)
        first = int(header.starts_with_still)  # that picture is for readers which know no APNG
        for index in range(header.count):
            image.seek(first + index)
            frames[index] = np.asarray(image.convert("RGBA"))
        image.load()  # texts may stand behind the frames
        return frames, dict(getattr(image, "text", {}))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
