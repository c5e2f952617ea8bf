"""The studios' API: every router under ``/v1``."""

from typing import Final

from fastapi import APIRouter

from engine.server.api.account import router as account
from engine.server.api.keys import router as keys

API_ROUTERS: Final[tuple[APIRouter, ...]] = (account, keys)
