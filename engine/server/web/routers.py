"""The creators' pages: every router of them."""

from typing import Final

from fastapi import APIRouter

from engine.server.web.asset_page import router as asset_page
from engine.server.web.entry import router as entry
from engine.server.web.gallery import router as gallery
from engine.server.web.mint_dialog import router as mint_dialog
from engine.server.web.static_files import router as static_files
from engine.server.web.verify import router as verify

WEB_ROUTERS: Final[tuple[APIRouter, ...]] = (
    *(entry, static_files),
    *(gallery, asset_page, verify, mint_dialog),
)
