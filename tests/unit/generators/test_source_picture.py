import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from generators.errors import InvalidPicture
from generators.png import encode_png
from generators.source_picture import fitted, fitted_mask, mask_png, read_mask, read_picture


def encoded(pixels: np.ndarray, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **({"lossless": True} if form == "WEBP" else {}))
    return buffer.getvalue()


@pytest.fixture
def sprite() -> np.ndarray:
    """20 wide, 24 high, opaque noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 4), np.uint8)
    pixels[..., 3] = 255
    return pixels


@pytest.mark.parametrize("form", ["PNG", "WEBP", "BMP"])
def test_picture_is_read_from_common_formats(sprite: np.ndarray, form: str) -> None:
    pixels = read_picture(encoded(sprite if form != "BMP" else sprite[..., :3], form), "The picture")
    assert np.array_equal(pixels, sprite)


def bomb(width: int, height: int) -> bytes:
    """A PNG that states this size and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return bytes([0x89]) + b"PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(5000, 5000), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
def test_decompression_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(
        InvalidPicture, match=r"^a\.png (has .* pixels; scale it down to 4096 x 4096 or less|is not a .*)\.$"
    ):
        read_picture(bomb(*size), "a.png")


def test_large_file_is_refused() -> None:
    with pytest.raises(InvalidPicture, match=r"^a\.png is a file of 21 MB; give one of 20 MB or less\.$"):
        read_picture(bytes(21_000_000), "a.png")


def test_animation_is_refused(sprite: np.ndarray) -> None:
    def animated(count: int) -> bytes:
        frames = [Image.fromarray(np.roll(sprite, n, 0)[..., :3]) for n in range(count)]
        buffer = io.BytesIO()
        frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
        return buffer.getvalue()

    two, three = animated(2), animated(3)
    assert three.startswith(two[:-1])
    data = two[:-1] + three[len(two) - 1 : -1] * 4_998 + two[-1:]  # its third frame again and again
    assert Image.open(io.BytesIO(data)).n_frames == 5_000
    with pytest.raises(
        InvalidPicture, match=r"^a\.gif has more than one frame; save the one that you mean as PNG\.$"
    ):
        read_picture(data, "a.gif")


@pytest.mark.parametrize("data", [b"", b"x", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"<svg/>", b"%PDF-1.4"])
def test_what_is_no_picture_is_told(data: bytes) -> None:
    with pytest.raises(InvalidPicture, match=r"^It is not a readable picture; save it again as PNG\.$"):
        read_picture(data, "It")


def test_cut_off_picture_is_told(sprite: np.ndarray) -> None:
    with pytest.raises(InvalidPicture, match="not a readable picture"):
        read_picture(encoded(sprite)[:-200], "It")


def test_small_picture_is_centred_as_it_is(sprite: np.ndarray) -> None:
    made = fitted(sprite, 32)
    assert np.array_equal(made[4:28, 6:26], sprite)
    assert int((made[..., 3] > 0).sum()) == 20 * 24


def test_pixel_art_scaled_up_gets_its_own_pixels_back(sprite: np.ndarray) -> None:
    assert np.array_equal(fitted(sprite.repeat(7, 0).repeat(7, 1), 32), fitted(sprite, 32))


def test_large_picture_is_reduced_without_dark_fringes() -> None:
    pixels = np.zeros((100, 60, 4), np.uint8)
    pixels[11:91, 7:53] = (200, 40, 40, 255)
    made = fitted(pixels, 32)
    assert made.shape == (32, 32, 4)
    seen = made[made[..., 3] > 100]
    assert np.abs(seen[:, :3].astype(int) - (200, 40, 40)).max() <= 2


def test_one_colour_is_not_taken_for_one_pixel() -> None:
    assert (fitted(np.full((512, 512, 4), 255, np.uint8), 32) == 255)[8:24, 8:24].all()


def test_mask_moves_with_its_picture(sprite: np.ndarray) -> None:
    mask = np.zeros((24, 20), bool)
    mask[3:5, 2:9] = True
    expected = np.zeros((32, 32), bool)
    expected[7:9, 8:15] = True
    assert np.array_equal(fitted_mask(mask, sprite, 32), expected)
    large = sprite.repeat(4, 0).repeat(4, 1)
    assert np.array_equal(fitted_mask(mask.repeat(4, 0).repeat(4, 1), large, 32), expected)


def test_mask_of_another_size_is_refused(sprite: np.ndarray) -> None:
    with pytest.raises(InvalidPicture) as caught:
        fitted_mask(np.ones((10, 12), bool), sprite, 32)
    assert str(caught.value) == (
        "The mask is 12 x 10 pixels and the picture 20 x 24; give a mask of the picture's size."
    )


def test_mask_is_where_it_is_white_and_not_clear() -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = (255, 255, 255, 255)
    pixels[0, 1] = (255, 255, 255, 0)
    pixels[1, 1] = (90, 90, 90, 255)
    assert read_mask(encoded(pixels), "The mask").tolist() == [[True, False], [False, False]]
    with pytest.raises(
        InvalidPicture, match=r"^The mask has no white pixel; paint white what is to change\.$"
    ):
        read_mask(encoded(np.zeros((2, 2, 4), np.uint8)), "The mask")


def test_written_pictures_are_read_back(sprite: np.ndarray) -> None:
    assert np.array_equal(read_picture(encode_png(sprite, 1, {}), "It"), sprite)
    mask = sprite[..., 0] > 100
    assert np.array_equal(read_mask(mask_png(mask), "It"), mask)
