"""The creators' pages: every router of them."""

from typing import Final

from fastapi import APIRouter

from engine.server.web.arena import router as arena
from engine.server.web.create import router as create
from engine.server.web.creation_cards import router as creation_cards
from engine.server.web.entry import router as entry
from engine.server.web.start_pictures import router as start_pictures
from engine.server.web.static_files import router as static_files
from engine.server.web.wallet import router as wallet

WEB_ROUTERS: Final[tuple[APIRouter, ...]] = (
    entry,
    static_files,
    arena,
    create,
    creation_cards,
    start_pictures,
    wallet,
)
