"""``/v1/graphql``: the index and the tenant's mints, as a query wants them. It changes nothing, so every key may ask.

Source: GraphQL over HTTP, "Request" and "Response".
"""

import asyncio
import logging
from typing import Final

import strawberry
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from graphql import GraphQLError

from engine.api.graph import GraphAnswer, GraphFault, GraphQuery
from engine.errors import InvalidRequest
from engine.server.caller import App, Reader
from engine.server.graph.limits import check_query
from engine.server.graph.loaders import Loaders
from engine.server.graph.schema import Query
from engine.server.graph.things import Context
from engine.server.once import told
from engine.server.problem_kinds import ROOM_ERRORS
from engine.server.problems import problem_of

router = APIRouter(tags=["tokens"])
_log = logging.getLogger(__name__)
_FAILED: Final = "Something failed inside the server; its log says what. Try again later."


class _Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: object = None) -> None:
        """Nothing: strawberry would log what a query held. What is ours to know is logged below."""


SCHEMA: Final = _Schema(Query)
_TEXT: Final = SCHEMA.as_str() + "\n"


@router.post("/graphql", response_model=GraphAnswer)
def ask_graph(caller: Reader, wanted: GraphQuery, application: App) -> Response:
    """Answers one query. Where a part of it fails, the rest is answered and ``errors`` says why."""
    variables = wanted.variables or {}
    check_query(wanted.query, variables)

    async def execute() -> strawberry.types.ExecutionResult:
        return await SCHEMA.execute(
            wanted.query,
            variable_values=variables,
            operation_name=wanted.operationName,
            context_value=Context(application, caller.tenant_id, Loaders(application, caller.tenant_id)),
        )

    # A loop of the query's own on this thread: its loaders gather what its parts ask for at the same time.
    result = asyncio.run(execute())
    if result.data is None and result.errors and not any(error.original_error for error in result.errors):
        raise InvalidRequest(f"The query cannot be answered ({result.errors[0].message}); correct it.")
    errors = tuple(map(_fault, result.errors or ())) or None
    return told(GraphAnswer(data=result.data, errors=errors))


@router.get("/graphql", response_class=PlainTextResponse)
def get_schema(_: Reader) -> Response:
    """The schema, in GraphQL's own language."""
    return PlainTextResponse(_TEXT, headers={"Cache-Control": "no-store"})


def _fault(error: GraphQLError) -> GraphFault:
    cause, path = error.original_error, None if error.path is None else tuple(error.path)
    if cause is None:
        return GraphFault(message=error.message, path=path)
    if isinstance(cause, ROOM_ERRORS) and problem_of(cause).status_code < 500:
        return GraphFault(message=str(cause), path=path)
    _log.error("A query failed with an unexpected %s.", type(cause).__name__)
    return GraphFault(message=_FAILED, path=path)
