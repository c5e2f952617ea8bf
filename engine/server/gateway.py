"""``/ipfs/``: the blocks of this store, as they are, as CARs, or as the files and directories that they make.

Nothing is fetched from elsewhere, and no block is sent that does not match its CID.
Source: Trustless Gateway and Path Gateway specifications (ipfs/specs).
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from assets.block import BlockReader
from assets.car import encode_car
from assets.dag_scope import scoped_blocks
from assets.errors import BlockMissing
from engine.errors import InvalidRequest, NotCached, NotHeld
from engine.server.content import Content, find_content, is_directory
from engine.server.content_format import (
    CAR_CONTENT_TYPE,
    RAW_TYPE,
    CarWish,
    ContentFormat,
    car_wish,
    wanted_format,
)
from engine.server.file_answer import (
    answer_bytes,
    answer_file,
    is_known,
    not_modified,
    save_as,
    streamed,
)
from engine.server.listing import listing

IMMUTABLE: Final = "public, max-age=29604800, immutable"
# Another release may draw the page anew.
_LISTING_CACHE: Final = "public, max-age=604800"
_EXPOSED: Final = "Content-Length, Content-Range, Content-Disposition, ETag, X-Ipfs-Path, X-Ipfs-Roots"
# What is stored here is not ours; in a browser it may neither run nor reach anything.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True)
class Asked:
    """What the query says about the form of an answer."""

    format: Annotated[str | None, Query(description="`raw` or `car`; goes before `Accept`.")] = None
    dag_scope: Annotated[
        str | None, Query(alias="dag-scope", description="Of a CAR: `block`, `entity` or `all`.")
    ] = None
    entity_bytes: Annotated[
        str | None, Query(alias="entity-bytes", description="Of a CAR of a file: `first:last`, or `first:*`.")
    ] = None
    filename: Annotated[str | None, Query(max_length=255, description="What to save it as.")] = None
    download: Annotated[bool, Query(description="Save it instead of showing it.")] = False


class Gateway:
    """Answers for ``blocks``."""

    def __init__(self, blocks: BlockReader) -> None:
        self._blocks = blocks

    def answer(self, request: Request, cid: str, path: str, asked: Asked) -> Response:
        """Answers for what lies at ``path`` under ``cid``; an empty path is the content of the CID itself."""
        if request.headers.get("Service-Worker", "").lower() == "script":
            raise InvalidRequest("A service worker may not be loaded from here; serve it from your own host.")
        query = request.query_params
        wanted, parameters = wanted_format(asked.format, ",".join(request.headers.getlist("Accept")))
        try:
            content = find_content(cid, path, self._blocks)
            headers = _headers(content)
            if asked.format is None and wanted is not ContentFormat.DESERIALISED:
                pairs = [*query.multi_items(), ("format", wanted.value)]
                headers["Content-Location"] = f"{content.path}?{urlencode(pairs)}"
            if wanted is ContentFormat.RAW:
                save_as(headers, asked.filename or f"{content.cid}.bin", attached=True)
                return self._file(request, content, headers, f"{content.cid}.raw")
            if wanted is ContentFormat.CAR:
                given = {
                    name: query[f"car-{name}"]
                    for name in ("version", "order", "dups")
                    if f"car-{name}" in query
                }
                wish = car_wish(asked.dag_scope, asked.entity_bytes, parameters | given)
                save_as(headers, asked.filename or f"{content.cid}.car", attached=True)
                return self._car(request, content, headers, wish)
            if is_directory(content.cid, self._blocks):
                return self._listing(request, content, headers)
            name = asked.filename or content.name
            save_as(headers, name, attached=asked.download)
            return self._file(request, content, headers, str(content.cid), name)
        except BlockMissing as error:
            if "only-if-cached" in request.headers.get("Cache-Control", "").lower():
                raise NotCached("It is not held here, or not whole; ask without only-if-cached.") from error
            raise NotHeld(
                "It is not held here, or not whole, and nothing is fetched from elsewhere; ask another gateway."
            ) from error

    def _file(
        self,
        request: Request,
        content: Content,
        headers: dict[str, str],
        tag: str,
        name: str | None = None,
    ) -> Response:
        """The bytes of the file ``name``, or of the one block where that is None; all of them or a range."""
        cid, blocks = content.cid, self._blocks
        if name is None:
            return answer_bytes(request, blocks.get(cid), headers, tag, RAW_TYPE)
        return answer_file(request, blocks, cid, headers, tag, name)

    def _car(self, request: Request, content: Content, headers: dict[str, str], wish: CarWish) -> Response:
        """The blocks that lead to the content, then its own as far as they are wished for."""
        self._blocks.get(content.cid)
        # By the whole path, since the blocks on the way are a part of it.
        way = hashlib.sha256(content.path.encode()).hexdigest()[:16]
        headers |= {
            "ETag": f'"{content.cid}.car.{wish.tag}.{way}"',
            "Accept-Ranges": "none",
            "Content-Type": CAR_CONTENT_TYPE,
        }
        if is_known(request, headers["ETag"]):
            return not_modified(headers)
        blocks = scoped_blocks(content.passed, content.cid, self._blocks, wish.scope, wish.span)
        return streamed(request, encode_car([content.cid], blocks), headers)

    def _listing(self, request: Request, content: Content, headers: dict[str, str]) -> Response:
        headers |= {
            "ETag": f'W/"{content.cid}.listing"',
            "Cache-Control": _LISTING_CACHE,
            "Content-Type": "text/html; charset=utf-8",
        }
        if is_known(request, headers["ETag"]):
            return not_modified(headers)
        return streamed(request, listing(content, self._blocks), headers)


async def _gateway(request: Request) -> Gateway:
    return Gateway(request.app.state.blocks)


Served = Annotated[Gateway, Depends(_gateway)]


def root(request: Request, cid: str, asked: Annotated[Asked, Depends()], gateway: Served) -> Response:
    """A block, a CAR, a file or a directory's list, by its content identifier."""
    return gateway.answer(request, cid, "", asked)


def below(
    request: Request, cid: str, path: str, asked: Annotated[Asked, Depends()], gateway: Served
) -> Response:
    """The same at a path below a directory."""
    return gateway.answer(request, cid, path, asked)


def gateway_router() -> APIRouter:
    """``/ipfs/{cid}`` and the paths under it, for the blocks that are the server's state ``blocks``."""
    router = APIRouter(tags=["ipfs"])
    told = {
        "4XX": {"description": "A problem (RFC 9457): no CID, not held here, no such form, range or entry"},
        "5XX": {"description": "A problem (RFC 9457): a damaged block or a failing disk"},
    }
    for path, answer in (("/ipfs/{cid}", root), ("/ipfs/{cid}/{path:path}", below)):
        # One route for both methods, so that a 405 names both; one more for the document, whose operations need
        # a name each.
        router.add_api_route(path, answer, methods=["GET", "HEAD"], include_in_schema=False)
        router.add_api_route(path, answer, methods=["GET"], response_class=Response, responses=told)
    return router


def _headers(content: Content) -> dict[str, str]:
    return {
        "Cache-Control": IMMUTABLE,
        "Vary": "Accept",
        "X-Ipfs-Path": content.path,
        "X-Ipfs-Roots": ",".join(str(cid) for cid in content.cids),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _POLICY,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": _EXPOSED,
    }
