"""The scripts and styles of the pages, held in memory, compressed once, under a path that changes with them."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

router = APIRouter(include_in_schema=False)
_KEPT: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_COMPRESSED: Final = ("text/javascript", "text/css", "image/svg+xml", "text/plain")


@dataclass(frozen=True)
class StaticFile:
    content: bytes
    compressed: bytes | None
    media_type: str


@dataclass(frozen=True)
class Bundle:
    """All files of one version; ``digest`` is in their path, so that a browser may keep them for ever."""

    digest: str
    files: dict[str, StaticFile]

    def url(self, name: str) -> str:
        """The path of a file. Raises KeyError for one that is not there, which a page's test finds."""
        _ = self.files[name]
        return f"/static/{self.digest}/{name}"


@cache
def bundle() -> Bundle:
    """The files of this installation; they do not change while it runs."""
    found = dict(_walk(files("engine.server.web") / "static", ""))
    digest = hashlib.sha256()
    for name, content in sorted(found.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return Bundle(digest.hexdigest()[:16], {name: _file(name, content) for name, content in found.items()})


@router.get("/static/{digest}/{name:path}")
def get_static(request: Request, digest: str, name: str) -> Response:
    held = bundle()
    if (file := held.files.get(name)) is None:
        raise HTTPException(404)
    # Of a page that is older than the server: what it asks for is there, in a newer version, and is not kept.
    headers = {
        "Cache-Control": _KEPT if digest == held.digest else "no-store",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Vary": "Accept-Encoding",
    }
    if file.compressed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(
            file.compressed, headers=headers | {"Content-Encoding": "gzip"}, media_type=file.media_type
        )
    return Response(file.content, headers=headers, media_type=file.media_type)


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        name = prefix + entry.name
        found += _walk(entry, f"{name}/") if entry.is_dir() else [(name, entry.read_bytes())]
    return found


def _file(name: str, content: bytes) -> StaticFile:
    suffix = name[name.rfind(".") :]
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "text/plain"
    packed = gzip.compress(content, 9, mtime=0) if kind in _COMPRESSED else None
    return StaticFile(content, packed, kind)
