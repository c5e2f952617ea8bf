"""The creators' pages: every router of them."""

from typing import Final

from fastapi import APIRouter

from engine.server.web.collection import router as collection
from engine.server.web.collection_chain import router as collection_chain
from engine.server.web.collections import router as collections
from engine.server.web.drops import router as drops
from engine.server.web.entry import router as entry
from engine.server.web.static_files import router as static_files

WEB_ROUTERS: Final[tuple[APIRouter, ...]] = (
    entry,
    static_files,
    collections,
    collection,
    collection_chain,
    drops,
)
