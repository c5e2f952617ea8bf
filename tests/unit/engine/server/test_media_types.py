"""What kind of file a content is."""

from io import BytesIO

import pytest
from PIL import Image

from engine.server.media_types import UNKNOWN, media_type


def picture(format: str, frames: int = 1) -> bytes:
    file = BytesIO()
    images = [Image.new("RGBA", (8, 8), (40 * n, 0, 0, 255)) for n in range(frames)]
    images[0].save(file, format, save_all=frames > 1, append_images=images[1:])
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (picture("PNG"), "image/png"),
        (picture("PNG", 3), "image/apng"),
        (picture("WEBP", 2), "image/webp"),
        (picture("GIF", 2), "image/gif"),
        (b"\0\0\0\x20ftypisom\0\0\x02\0", "video/mp4"),
        (b' {"name": "x"}', "application/json"),
        (b"[" * 100_000, UNKNOWN),
        (b"{not json", UNKNOWN),
        (b"<html>", UNKNOWN),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"", UNKNOWN),
    ],
)
def test_the_first_bytes_say_what_it_is_whatever_its_name(data: bytes, kind: str) -> None:
    assert media_type(data, True, "") == kind
    assert media_type(data, True, "x.html") == kind


def test_the_name_says_it_where_the_bytes_do_not() -> None:
    assert media_type(b"[gd_resource]", True, "sheet.tres") == "text/plain; charset=utf-8"
    assert media_type(b'{"cut": ', False, "large.JSON") == "application/json"
    assert media_type(b'{"cut": 1}', False, "large") == UNKNOWN
    assert media_type(picture("PNG"), True, "sheet.txt") == "image/png"
