"""Answers with files: whole or a range of bytes, streamed, and nothing where the client holds it already."""

from collections.abc import Iterator
from itertools import chain
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from assets.block import BlockReader
from assets.cid import RAW, Cid
from assets.unixfs import file_size, read_file
from engine.server.byte_range import byte_range
from engine.server.media_types import HEAD_BYTES, media_type


def answer_file(
    request: Request, blocks: BlockReader, cid: Cid, headers: dict[str, str], tag: str, name: str = ""
) -> Response:
    """The file at ``cid``, typed by its first bytes, else by ``name``; all of it or the range that is asked for.

    ``headers`` are the answer's further ones. Raises UnsatisfiableRange, BlockMissing, BlockDamaged, InvalidUnixFs.
    """
    if cid.codec == RAW:
        data = blocks.get(cid)
        return answer_bytes(
            request, data, headers, tag, media_type(data[:HEAD_BYTES], len(data) <= HEAD_BYTES, name)
        )
    size = file_size(cid, blocks)
    head = b"".join(read_file(cid, blocks, 0, min(size, HEAD_BYTES)))
    headers = headers | _described(tag, media_type(head, len(head) == size, name))
    if is_known(request, headers["ETag"]):
        return not_modified(headers)
    (start, stop), status = _span(request, headers, size)
    return streamed(request, read_file(cid, blocks, start, stop), headers, status)


def answer_bytes(request: Request, data: bytes, headers: dict[str, str], tag: str, kind: str) -> Response:
    """``data`` of the media type ``kind``, all of it or the range that is asked for. Raises UnsatisfiableRange."""
    headers = headers | _described(tag, kind)
    if is_known(request, headers["ETag"]):
        return not_modified(headers)
    (start, stop), status = _span(request, headers, len(data))
    return Response(b"" if request.method == "HEAD" else data[start:stop], status, headers)


def _described(tag: str, kind: str) -> dict[str, str]:
    return {"ETag": f'"{tag}"', "Accept-Ranges": "bytes", "Content-Type": kind}


def _span(request: Request, headers: dict[str, str], size: int) -> tuple[tuple[int, int], int]:
    """Which bytes to send, and the status; completes ``headers``."""
    span = None
    if request.method == "GET" and request.headers.get("If-Range", headers["ETag"]) == headers["ETag"]:
        span = byte_range(request.headers.get("Range"), size)
    start, stop = span or (0, size)
    headers["Content-Length"] = str(stop - start)
    if span is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return (start, stop), 200 if span is None else 206


def save_as(headers: dict[str, str], name: str, attached: bool) -> None:
    """Says what to save the answer as. Source: RFC 6266, section 4, and RFC 8187."""
    kind = "attachment" if attached else "inline"
    if not name:
        headers["Content-Disposition"] = kind
    elif quote(name, safe="") == name:
        headers["Content-Disposition"] = f'{kind}; filename="{name}"'
    else:
        headers["Content-Disposition"] = f"{kind}; filename*=UTF-8''{quote(name, safe='')}"


def is_known(request: Request, tag: str) -> bool:
    """Whether the client says that it holds this form already. Source: RFC 9110, section 13.1.2."""
    told = (part.strip() for part in ",".join(request.headers.getlist("If-None-Match")).split(","))
    return any(part == "*" or part.removeprefix("W/") == tag.removeprefix("W/") for part in told)


def not_modified(headers: dict[str, str]) -> Response:
    left_out = ("Content-Type", "Content-Disposition", "Accept-Ranges")
    return Response(
        status_code=304, headers={name: value for name, value in headers.items() if name not in left_out}
    )


def streamed(request: Request, body: Iterator[bytes], headers: dict[str, str], status: int = 200) -> Response:
    """The first part is made before the answer begins, so that what is wrong with it becomes a problem."""
    first = next(body, b"")
    parts = iter(()) if request.method == "HEAD" else chain((first,), body)
    return StreamingResponse(parts, status, headers)
