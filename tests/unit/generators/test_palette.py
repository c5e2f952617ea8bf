import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from generators.errors import InvalidPalette
from generators.palette import nearest, oklab, own_palette, read_palette, rgb_values

THREE = ("#1a1c2c", "#5d275d", "#b13e53")


def picture(colours: int, path: Path) -> Path:
    """A picture file of that many distinct colours, one pixel each."""
    numbers = np.arange(colours)
    pixels = np.stack([numbers % 256, numbers // 256, numbers * 0 + 9, numbers * 0 + 255], 1).astype(np.uint8)
    Image.fromarray(pixels[None]).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.hex", "1a1c2c\n5d275d\nb13e53\n"),
        ("windows.hex", "\ufeff#1A1C2C\r\n#5D275D\r\n\r\n#B13E53\r\n#1a1c2c\r\n"),
        ("alpha.txt", "// three\n#1a1c2cff\n#5d275dff ; plum\n#b13e53ff # red\n"),
        ("paint.txt", ";paint.net Palette File\n; three\nFF1a1c2c\nFF5d275d\n80b13e53\n"),
        (
            "p.gpl",
            "GIMP Palette\nName: three\nColumns: 3\n# dark\n 26  28  44\tnight\n93 39 93\n177 62  83 red\n",
        ),
        ("p.pal", "JASC-PAL\r\n0100\r\n3\r\n26 28 44\r\n93 39 93\r\n177 62 83\r\n"),
    ],
)
def test_text_palettes_give_their_colours_in_order(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    assert read_palette(path) == THREE


@pytest.mark.parametrize("name", ["swatches.png", "swatches.gif", "misnamed.txt"])
def test_pictures_give_each_colour_once_in_order(tmp_path: Path, name: str) -> None:
    row = rgb_values((THREE[2], THREE[0], THREE[2], THREE[1]))
    Image.fromarray(row[None]).save(tmp_path / name, "GIF" if name.endswith("gif") else "PNG")
    assert read_palette(tmp_path / name) == (THREE[2], THREE[0], THREE[1])


def test_clear_pixels_of_a_picture_are_no_colours(tmp_path: Path) -> None:
    pixels = np.array([[[1, 2, 3, 255], [9, 9, 9, 0], [4, 5, 6, 255]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    assert read_palette(tmp_path / "p.png") == ("#010203", "#040506")


def test_picture_of_256_colours_is_read_whole(tmp_path: Path) -> None:
    assert len(read_palette(picture(256, tmp_path / "p.png"))) == 256


def refused(path: Path) -> str:
    with pytest.raises(InvalidPalette) as caught:
        read_palette(path)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


def test_executable_is_no_palette(tmp_path: Path) -> None:
    head = Path(sys.executable).read_bytes()[:4_000]
    (tmp_path / "python").write_bytes(head)
    assert refused(tmp_path / "python").startswith(
        "The file python is not a palette; give a list of hex colours"
    )


def test_whole_executable_is_refused() -> None:
    assert Path(sys.executable).name in refused(Path(sys.executable))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"  \n\n",
        b"hello world",
        b"#12345\n#123456\n",
        b"1a1c2c 5d275d",
        b"GIMP Palette\n300 0 0\n0 0 0\n",
        "#１２３４５６\n".encode(),
        b"\xff\xfe1\x00a\x00",
    ],
)
def test_other_text_is_no_palette(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "p.hex").write_bytes(data)
    assert "is not a palette" in refused(tmp_path / "p.hex")


def test_directory_and_missing_file_name_the_reason(tmp_path: Path) -> None:
    assert "(Is a directory)" in refused(tmp_path)
    assert "(No such file or directory); check the path" in refused(tmp_path / "none.hex")


def test_file_over_a_megabyte_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "big.hex").write_bytes(b"123456\n" * 150_000)
    assert "larger than 1 MB" in refused(tmp_path / "big.hex")


def test_too_few_and_too_many_colours_are_counted(tmp_path: Path) -> None:
    (tmp_path / "one.hex").write_text("123456\n#123456\n")
    assert refused(tmp_path / "one.hex").endswith("one.hex holds 1 colour; give one with 2 to 256.")
    assert "holds 300 colours" in refused(picture(300, tmp_path / "many.png"))
    (tmp_path / "many.hex").write_text("\n".join(f"{n:06x}" for n in range(300)))
    assert "holds 300 colours" in refused(tmp_path / "many.hex")
    (tmp_path / "none.gpl").write_text("GIMP Palette\nName: none\n")
    assert "holds 0 colours" in refused(tmp_path / "none.gpl")


@pytest.mark.parametrize("kept", [9, 20, 60, 300])
def test_damaged_picture_is_refused(tmp_path: Path, kept: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 4), np.uint8)
    Image.fromarray(noise).save(tmp_path / "p.png")
    (tmp_path / "p.png").write_bytes((tmp_path / "p.png").read_bytes()[:kept])
    assert "is damaged; save it again as PNG" in refused(tmp_path / "p.png")


@pytest.mark.parametrize(("width", "height"), [(1_025, 1_024), (10_000, 10_000), (65_000, 65_000)])
def test_picture_that_promises_too_many_pixels_is_not_decoded(
    tmp_path: Path, width: int, height: int, png_header: Callable[[int, int], bytes]
) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(width, height))
    assert "is over a million pixels" in refused(tmp_path / "bomb.png")


def slow_nearest(pixel: np.ndarray, palette: np.ndarray) -> tuple[float, np.ndarray]:
    """Ottosson's formulae for one colour at a time, in double precision: the least distance, and all distances."""

    def lab(rgb: np.ndarray) -> np.ndarray:
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb / 255)
        long = np.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
        middle = np.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
        short = np.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
        return np.array(
            [
                0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
                1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
                0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
            ]
        )

    distances = np.array([((lab(pixel) - lab(colour)) ** 2).sum() for colour in palette])
    return distances.min(), distances


@given(arrays(np.uint8, (7, 3)), arrays(np.uint8, (5, 3)))
def test_each_pixel_takes_its_nearest_colour_in_oklab(pixels: np.ndarray, palette: np.ndarray) -> None:
    for pixel, chosen in zip(pixels, nearest(pixels, palette), strict=True):
        least, distances = slow_nearest(pixel, palette)
        at = (palette == chosen).all(1)
        assert at.any()
        assert distances[at].min() <= least + 1e-6


def test_oklab_of_white_and_red_is_the_published_one() -> None:
    lab = oklab(np.array([[255, 255, 255], [255, 0, 0]], np.uint8))
    np.testing.assert_allclose(lab, [[1, 0, 0], [0.62796, 0.22486, 0.12585]], atol=1e-4)


@given(arrays(np.uint8, st.tuples(st.integers(1, 60), st.just(3))), st.integers(2, 256))
def test_own_palette_never_has_more_colours_than_asked(pixels: np.ndarray, count: int) -> None:
    made = own_palette(pixels, count)
    assert 1 <= len(made) <= count
    assert np.array_equal(made, own_palette(pixels, count))


def test_own_palette_of_few_colours_is_those_colours() -> None:
    pixels = rgb_values(THREE).repeat(9, 0)
    assert {tuple(colour) for colour in own_palette(pixels, 8)} == {tuple(c) for c in rgb_values(THREE)}
