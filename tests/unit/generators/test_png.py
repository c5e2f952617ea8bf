import io

import numpy as np
import pytest
from PIL import Image

from generators.png import encode_png
from generators.recipe import MAX_COLOURS


def picture_of(colours: int) -> np.ndarray:
    """24 24 4, uint8: that many colours, the first of them clear, another half clear."""
    table = np.zeros((colours, 4), np.uint8)
    table[:, 0], table[:, 1] = np.arange(colours) % 256, np.arange(colours) // 256
    table[:, 3] = 255
    table[0], table[1, 3] = 0, 128
    return table[np.arange(24 * 24).reshape(24, 24) % colours]


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("scale", [1, 8])
@pytest.mark.parametrize(
    ("colours", "mode"), [(2, "P"), (33, "P"), (MAX_COLOURS, "P"), (MAX_COLOURS + 1, "RGBA")]
)
def test_every_reader_gets_the_same_pixels(colours: int, mode: str, scale: int) -> None:
    pixels = picture_of(colours)
    with opened(encode_png(pixels, scale, {})) as image:
        assert image.mode == mode
        read = np.asarray(image.convert("RGBA"))
    assert np.array_equal(read, pixels.repeat(scale, 0).repeat(scale, 1))


def test_picture_without_clear_pixels_has_no_transparency() -> None:
    solid = picture_of(9)
    solid[..., 3] = 255
    with opened(encode_png(solid, 1, {})) as image:
        assert "transparency" not in image.info
        assert np.array_equal(np.asarray(image.convert("RGBA")), solid)


def test_texts_are_kept_whole() -> None:
    texts = {"lorespark:recipe": '{"prompt":"Drachenhöhle 龍"}', "note": "x" * 5000}
    with opened(encode_png(picture_of(4), 2, texts)) as image:
        image.load()
        assert image.text == texts


def test_view_of_pixels_is_encoded_as_it_looks() -> None:
    pixels = picture_of(40)
    with opened(encode_png(pixels[::-1, ::2], 1, {})) as image:
        assert np.array_equal(np.asarray(image.convert("RGBA")), pixels[::-1, ::2])


def test_same_pixels_give_the_same_bytes() -> None:
    assert encode_png(picture_of(40), 8, {"a": "b"}) == encode_png(picture_of(40), 8, {"a": "b"})
