"""``/healthz``: the process runs. ``/readyz``: every back end answers."""

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from engine.server.backends import Backend
from engine.server.problems import NOT_READY, problem


def health_router(backends: Sequence[Backend]) -> APIRouter:
    """The two paths that orchestrators and load balancers ask."""
    router = APIRouter(tags=["operation"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Answers as long as the process serves at all."""
        return {"status": "ok"}

    @router.get("/readyz", responses={503: {"description": "A back end does not answer"}})
    async def readyz() -> Response:
        """Names each back end; 503 with the reason where one does not answer."""
        faults = await asyncio.gather(*(backend.fault() for backend in backends))
        state: dict[str, dict[str, Any]] = {
            backend.name: {"ok": fault is None} | ({} if fault is None else {"detail": fault})
            for backend, fault in zip(backends, faults, strict=True)
        }
        if silent := [fault for fault in faults if fault is not None]:
            return problem(NOT_READY, " ".join(silent), backends=state)
        return JSONResponse({"status": "ready", "backends": state}, headers={"Cache-Control": "no-store"})

    return router
