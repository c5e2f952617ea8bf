"""POSTs whose effect happens once: the same Idempotency-Key and request get the same answer, for a day.

The key is taken before the effect, and the effect and its answer are written in one transaction: a crash leaves both
or neither, and of two server processes the second waits for the first. An effect that fails leaves nothing, so its
errors are not repeated from memory. Keys belong to a tenant: another API key of the same tenant that repeats a request
gets the same answer too, unless that answer holds a secret.
Source: draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy import Connection

from engine.api.model import Told
from engine.app import Application
from engine.database.answers import Answer, keep_answer, kept_answer, reserve_answer
from engine.errors import Conflict, KeyReused
from engine.server.caller import Caller, Reader, application_of
from engine.server.seal import seal, unseal

REPLAYED: Final = "Idempotency-Replayed"
Effect = Callable[[Connection], BaseModel]


@dataclass(frozen=True)
class Once:
    """One POST of one caller."""

    application: Application
    caller: Caller
    key: str | None
    fingerprint: str

    def answer(
        self,
        status: int,
        effect: Effect,
        headers: Callable[[Any], Mapping[str, str]] = lambda _: {},
        *,
        sealed: bool = False,
    ) -> Response:
        """Does ``effect`` within a transaction and answers with what it returns, or with the answer of before.

        ``effect`` must do nothing that the transaction's end cannot undo, but for what is harmless twice. What it
        raises undoes it and is not kept. An answer that holds a secret is kept ``sealed``: only the API key that
        asked for it gets it again.
        Raises KeyReused, and Conflict for a sealed answer that another API key asks for.
        """
        tenant_id, key = self.caller.tenant_id, self.key
        with self.application.records.database.writing() as connection:
            if key is not None and not reserve_answer(connection, tenant_id, key, self.fingerprint):
                return self._again(kept_answer(connection, tenant_id, key), key)
            told = effect(connection)
            body, more = told.model_dump_json().encode(), dict(headers(told))
            if key is not None:
                kept = seal(body, self.caller.secret, key) if sealed else body
                keep_answer(connection, tenant_id, key, Answer(self.fingerprint, status, more, kept, sealed))
        return _json(status, body, more)

    def _again(self, answer: Answer, key: str) -> Response:
        if answer.fingerprint != self.fingerprint:
            raise KeyReused(
                "The Idempotency-Key came with another request before; use a new key for a new request."
            )
        body = unseal(answer.body, self.caller.secret, key) if answer.sealed else answer.body
        if body is None:
            raise Conflict(
                "This was done before for another API key, which alone may read the secret in the answer; "
                "repeat it with that one, or use a new Idempotency-Key."
            )
        return _json(answer.status, body, answer.headers | {REPLAYED: "true"})


IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="The same key and request within 24 h get the same answer and no second effect.",
    ),
]


async def _once(request: Request, caller: Reader, idempotency_key: IdempotencyKey = None) -> Once:
    return await once_of(request, caller, idempotency_key)


async def once_of(request: Request, caller: Caller, idempotency_key: str | None) -> Once:
    """The one POST that ``request`` is, for who authenticates it in another way than by a key alone."""
    asked = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    asked.update(await request.body())
    return Once(application_of(request), caller, idempotency_key, asked.hexdigest())


OnceOnly = Annotated[Once, Depends(_once)]


def told(value: Told, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that holds ``value``; made without FastAPI's second check of what was checked when it was made."""
    return _json(status, value.model_dump_json().encode(), headers or {})


def _json(status: int, body: bytes, headers: Mapping[str, str]) -> Response:
    return Response(body, status, {"Cache-Control": "no-store", **headers}, "application/json")
