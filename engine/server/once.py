"""POSTs whose effect happens once: the same Idempotency-Key and body get the same answer.

The effect and the answer are written in one transaction, so a crash leaves both or neither, and of two server
processes the second waits for the first.
Source: draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from engine.api.model import Told
from engine.app import Application
from engine.database.records import now
from engine.database.tables import idempotency
from engine.errors import KeyReused
from engine.server.caller import Caller, Reader, application_of

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
    ) -> Response:
        """Does ``effect`` within a transaction and answers with what it returns, or with the answer of before.

        ``effect`` must do nothing that the transaction's end cannot undo, but for what is harmless twice. What it
        raises undoes it and is not kept. Raises KeyReused.
        """
        database = self.application.records.database
        try:
            with database.writing() as connection:
                if (earlier := self._earlier(connection)) is not None:
                    return earlier
                told = effect(connection)
                body, more = told.model_dump_json().encode(), dict(headers(told))
                if self.key is not None:
                    connection.execute(
                        insert(idempotency).values(
                            tenant_id=self.caller.tenant_id,
                            key=self.key,
                            fingerprint=self.fingerprint,
                            status=status,
                            headers=more,
                            body=body,
                            sealed=False,
                            created_at=now(),
                        )
                    )
        except IntegrityError:
            if self.key is None:
                raise
            # Another process did the same meanwhile; its answer is there now.
            with database.reading() as connection:
                earlier = self._earlier(connection)
            if earlier is None:
                raise
            return earlier
        return _json(status, body, more)

    def _earlier(self, connection: Connection) -> Response | None:
        if self.key is None:
            return None
        table = idempotency
        own = (table.c.tenant_id == self.caller.tenant_id) & (table.c.key == self.key)
        row = connection.execute(select(table).where(own)).one_or_none()
        if row is None:
            return None
        if row.fingerprint != self.fingerprint:
            raise KeyReused(
                "The Idempotency-Key came with another request before; use a new key for a new request."
            )
        return _json(row.status, row.body, row.headers | {REPLAYED: "true"})


async def _once(
    request: Request,
    caller: Reader,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            description="The same key and request within 24 h get the same answer and no second effect.",
        ),
    ] = None,
) -> Once:
    asked = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    asked.update(await request.body())
    return Once(application_of(request), caller, idempotency_key, asked.hexdigest())


OnceOnly = Annotated[Once, Depends(_once)]


def told(value: Told, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that holds ``value``; made without FastAPI's second check of what was checked when it was made."""
    return _json(status, value.model_dump_json().encode(), headers or {})


def _json(status: int, body: bytes, headers: Mapping[str, str]) -> Response:
    return Response(body, status, {"Cache-Control": "no-store", **headers}, "application/json")
