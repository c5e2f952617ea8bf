"""What kind of file a content is, by its first bytes, or else by its name."""

from typing import Final

from pydantic_core import from_json

# Enough for the longest metadata, and for every chunk that stands before a PNG's first picture.
HEAD_BYTES: Final = 256 * 1024
UNKNOWN: Final = "application/octet-stream"

_PNG: Final = b"\x89PNG\r\n\x1a\n"
# Only what a browser does not run. Pages and scripts would run as a part of this server.
_BY_SUFFIX: Final = {
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "md": "text/plain; charset=utf-8",
    "tres": "text/plain; charset=utf-8",
    "tsx": "text/plain; charset=utf-8",
    "car": "application/vnd.ipld.car",
}


def media_type(head: bytes, whole: bool, name: str) -> str:
    """The Content-Type of a file that begins with ``head``, which is all of it where ``whole``."""
    if head.startswith(_PNG):
        return "image/apng" if _is_animated(head) else "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if whole and head.lstrip()[:1] in (b"{", b"[") and _is_json(head):
        return "application/json"
    return _BY_SUFFIX.get(name.rpartition(".")[2].lower(), UNKNOWN)


def _is_animated(head: bytes) -> bool:
    """Whether a PNG announces an animation before its first picture. Source: PNG, Third Edition, section 11.3.6."""
    at = len(_PNG)
    while (kind := head[at + 4 : at + 8]) not in (b"", b"IDAT"):
        if kind == b"acTL":
            return True
        at += 12 + int.from_bytes(head[at : at + 4], "big")
    return False


def _is_json(data: bytes) -> bool:
    """By a reader that bounds how deep it goes: the EVM raises Python's own bound beyond what its stack holds."""
    try:
        from_json(data)
    except ValueError:
        return False
    return True
