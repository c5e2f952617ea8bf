"""``/v1/images/generations``: creations for OpenAI's clients, which wait for the pictures in one answer."""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from assets.cid import Cid
from engine.api.creation import CreationStatus
from engine.api.model import Told
from engine.api.openai_images import Image, ImageRequest, Images
from engine.errors import InvalidField, JobFailed, StillRunning
from engine.server.api.creations import Desk
from engine.server.api.event_feed import EventFeed
from engine.server.caller import Creator
from engine.server.creation_desk import CreationDesk
from engine.server.once import Once, OnceOnly, told
from engine.server.problem_kinds import ROOM_ERRORS, TYPE_PREFIX
from engine.server.problems import answer_to

IMAGES_PATH: Final = "/images/generations"
# As long as OpenAI's own clients wait. The creation goes on; the same Idempotency-Key leads back to it.
WAIT_S: Final = 600.0
_LOOK_S: Final = 1.0  # between two looks whether the client is still there
# Where our name for it is not the one that OpenAI's clients look for.
_CODES: Final = {"prompt-refused": "content_policy_violation", "key-refused": "invalid_api_key"}
_TYPES: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_UNPROCESSABLE: Final = 422
_SERVER_ERROR: Final = 500
_ENDS: Final = frozenset(status.value for status in CreationStatus if status.ended)


class OpenAiRoute(APIRoute):
    """Answers with errors in OpenAI's form: ``{"error": {message, type, code, param}}``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handler(request)
            except (*ROOM_ERRORS, RequestValidationError, HTTPException) as error:
                return as_openai(answer_to(request, error))

        return handled


router = APIRouter(tags=["openai"], route_class=OpenAiRoute)


class _Kept(Told):
    """What is kept of a request for the case that it comes again."""

    creation: str


@router.post(IMAGES_PATH, response_model=Images)
async def generate(
    request: Request, caller: Creator, wanted: ImageRequest, once: OnceOnly, desk: Desk
) -> Response:
    """Draws pictures and answers when they are finished.

    Who leaves before cancels them, unless the request has an Idempotency-Key, by which its sender can come back.
    """
    creation_id = await run_in_threadpool(_asked, wanted, once, desk)
    if not await _ended(request, creation_id) and once.key is None and await request.is_disconnected():
        await run_in_threadpool(_cancel, desk, creation_id)
    return told(await run_in_threadpool(_images, str(request.base_url), wanted, desk, creation_id))


def _asked(wanted: ImageRequest, once: Once, desk: CreationDesk) -> str:
    """Takes the request in as a creation; returns its id, which is what an Idempotency-Key leads back to."""
    bundled = wanted.model is None or wanted.model in desk.application.catalogue.bundled
    try:
        asked = desk.prepared(wanted.creation(bundled))
        refusal = desk.refusal(asked)
        answer = once.answer(
            200, lambda connection: _Kept(creation=desk.take_in(connection, asked, refusal).id)
        )
    except InvalidField as error:
        # A creation's controls are fields of their own here.
        raise InvalidField(str(error), error.pointer.replace("/controls", "")) from error
    return _Kept.model_validate_json(bytes(answer.body)).creation


async def _ended(request: Request, creation_id: str) -> bool:
    """Waits until the creation has ended; False where the client left, the time is up, or the server ends."""
    feed: EventFeed = request.app.state.event_feed
    waiting = asyncio.create_task(_followed(feed, creation_id))
    until = time.monotonic() + WAIT_S
    try:
        while time.monotonic() < until:
            done, _ = await asyncio.wait({waiting}, timeout=_LOOK_S)
            if done:
                return waiting.result()
            if await request.is_disconnected():
                return False
        return False
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def _followed(feed: EventFeed, creation_id: str) -> bool:
    async with aclosing(feed.events(creation_id)) as events:
        async for event in events:
            if event is not None and event.type in _ENDS:
                return True
    return False


def _cancel(desk: CreationDesk, creation_id: str) -> None:
    with desk.application.records.database.writing() as connection:
        desk.cancel(connection, creation_id)


def _images(base_url: str, wanted: ImageRequest, desk: CreationDesk, creation_id: str) -> Images:
    """Raises JobFailed where it ended without pictures, StillRunning where it has not ended."""
    with desk.application.records.database.reading() as connection:
        creation = desk.read(connection, creation_id)
    if not creation.status.ended:
        raise StillRunning(f"{creation_id} is not finished yet; ask for {creation.links['self']} later.")
    if creation.status is not CreationStatus.SUCCEEDED:
        raise JobFailed(creation.error or f"The creation {creation_id} was {creation.status}.")
    data = []
    for asset in creation.assets:
        content, url = None, None
        if wanted.response_format != "url":
            media = desk.application.files.read(Cid.parse(asset.media.cid))
            content = base64.b64encode(media).decode()
        if wanted.response_format != "b64_json":
            url = f"{base_url.rstrip('/')}/ipfs/{asset.media.cid}?filename={asset.id}.png"
        data.append(Image(b64_json=content, url=url, asset=asset.id))
    size = creation.assets[0].size
    return Images(created=int(time.time()), data=tuple(data), size=f"{size}x{size}", creation=creation.id)


def as_openai(problem: JSONResponse) -> JSONResponse:
    """A problem (RFC 9457) in the form that OpenAI's clients read."""
    told: dict[str, Any] = json.loads(bytes(problem.body))
    name = str(told["type"]).removeprefix(TYPE_PREFIX)
    pointers = [field["pointer"] for field in told.get("errors", ())]
    param = pointers[0].removeprefix("#/") if pointers else None
    status = problem.status_code
    code = _CODES.get(name, name)
    if param == "model":
        status, code = 404, "model_not_found"
    elif status == _UNPROCESSABLE:
        status = 400  # what OpenAI answers where a field cannot be used
    kind = _TYPES.get(status, "server_error" if status >= _SERVER_ERROR else "invalid_request_error")
    error = {"message": told["detail"], "type": kind, "code": code, "param": param}
    kept = {name: value for name, value in problem.headers.items() if not name.startswith("content-")}
    return JSONResponse({"error": error}, status, kept)
