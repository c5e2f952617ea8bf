"""The studios' API: every router under ``/v1``."""

from typing import Final

from fastapi import APIRouter

from engine.server.api.account import router as account
from engine.server.api.arena import router as arena
from engine.server.api.assets import router as assets
from engine.server.api.collections import router as collections
from engine.server.api.creations import router as creations
from engine.server.api.downloads import router as downloads
from engine.server.api.drops import router as drops
from engine.server.api.export import router as export
from engine.server.api.graph import router as graph
from engine.server.api.health import router as health
from engine.server.api.jobs import router as jobs
from engine.server.api.keys import router as keys
from engine.server.api.mints import router as mints
from engine.server.api.models import router as models
from engine.server.api.openai_images import router as openai_images
from engine.server.api.tokens import router as tokens
from engine.server.api.verification import router as verification
from engine.server.api.vouchers import router as vouchers
from engine.server.api.wallet import router as wallet
from engine.server.api.wallet_holdings import router as wallet_holdings
from engine.server.api.webhooks import router as webhooks

API_ROUTERS: Final[tuple[APIRouter, ...]] = (
    *(account, keys, models, arena),
    *(creations, openai_images),
    # The export before the assets, whose path would take its name for an id.
    *(export, assets, downloads, health, verification, collections, mints, vouchers, drops),
    *(tokens, graph, jobs),
    *(wallet, wallet_holdings, webhooks),
)
