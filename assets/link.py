"""A link: what a directory holds under a name."""

from dataclasses import dataclass

from assets.cid import Cid
from assets.errors import InvalidUnixFs

# The longest name common file systems take, so that what was imported can be written to a disk again.
MAX_NAME_BYTES = 255


@dataclass(frozen=True, slots=True)
class Link:
    """The root of an imported file or directory.

    ``size`` is the bytes of file content at and below it; ``tsize`` the bytes of all its blocks, with a block
    that occurs twice counted twice, as Kubo's "cumulative size" does.
    """

    cid: Cid
    size: int
    tsize: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory, its root block, and the cumulative size in bytes stated for it."""

    name: str
    cid: Cid
    tsize: int


def check_name(name: str) -> bytes:
    """``name`` as UTF-8, when it may stand in a directory.

    Raises InvalidUnixFs for a name that is empty, is not Unicode, exceeds 255 bytes, has a slash or a NUL, or
    is ``.`` or ``..``: extracting such a directory could write outside its folder.
    """
    try:
        encoded = name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidUnixFs(f"The entry name {name!r} is not Unicode text; rename it.") from error
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise InvalidUnixFs(f"The entry name {name!r} is not allowed in a directory; rename it.")
    if len(encoded) > MAX_NAME_BYTES:
        raise InvalidUnixFs(f"The entry name {name[:40]!r}… exceeds {MAX_NAME_BYTES} bytes; shorten it.")
    return encoded
