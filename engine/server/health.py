"""``/healthz``: the process runs. ``/readyz``: every back end answers."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from engine.server.backends import Backend
from engine.server.problem_kinds import NOT_READY
from engine.server.problems import problem

router = APIRouter(tags=["operation"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answers as long as the process serves at all."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "A back end does not answer"}})
async def readyz(request: Request) -> Response:
    """Names each back end; 503 with the reason where one does not answer."""
    backends: tuple[Backend, ...] = request.app.state.backends
    faults = await asyncio.gather(*(backend.fault() for backend in backends))
    state: dict[str, dict[str, Any]] = {
        backend.name: {"ok": fault is None} | ({} if fault is None else {"detail": fault})
        for backend, fault in zip(backends, faults, strict=True)
    }
    if silent := [fault for fault in faults if fault is not None]:
        return problem(NOT_READY, " ".join(silent), backends=state)
    return JSONResponse({"status": "ready", "backends": state}, headers={"Cache-Control": "no-store"})
