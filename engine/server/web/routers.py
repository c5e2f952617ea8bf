"""The creators' pages: every router of them."""

from typing import Final

from fastapi import APIRouter

from engine.server.web.account import router as account
from engine.server.web.account_keys import router as account_keys
from engine.server.web.account_settings import router as account_settings
from engine.server.web.account_webhooks import router as account_webhooks
from engine.server.web.arena import router as arena
from engine.server.web.asset_page import router as asset_page
from engine.server.web.collection import router as collection
from engine.server.web.collection_chain import router as collection_chain
from engine.server.web.collections import router as collections
from engine.server.web.create import router as create
from engine.server.web.creation_cards import router as creation_cards
from engine.server.web.drops import router as drops
from engine.server.web.entry import router as entry
from engine.server.web.gallery import router as gallery
from engine.server.web.jobs import router as jobs
from engine.server.web.mint_dialog import router as mint_dialog
from engine.server.web.start_pictures import router as start_pictures
from engine.server.web.static_files import router as static_files
from engine.server.web.verify import router as verify
from engine.server.web.voucher_panel import router as voucher_panel
from engine.server.web.wallet import router as wallet

WEB_ROUTERS: Final[tuple[APIRouter, ...]] = (
    *(entry, static_files),
    *(create, creation_cards, start_pictures),
    *(gallery, asset_page, verify, mint_dialog, voucher_panel),
    *(collections, collection, collection_chain, drops),
    arena,
    wallet,
    *(jobs, account, account_keys, account_webhooks, account_settings),
)
