"""The creators' pages: every router of them."""

from typing import Final

from fastapi import APIRouter

from engine.server.web.entry import router as entry
from engine.server.web.jobs import router as jobs
from engine.server.web.static_files import router as static_files

WEB_ROUTERS: Final[tuple[APIRouter, ...]] = (entry, static_files, jobs)
