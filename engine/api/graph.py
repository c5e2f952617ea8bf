"""GraphQL over HTTP: the query and its answer."""

from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from engine.api.model import Asked, Told

MAX_QUERY_CHARACTERS = 16_384


class GraphQuery(Asked):
    """``extensions`` are those of the client and mean nothing here."""

    query: Annotated[
        str, Field(min_length=1, max_length=MAX_QUERY_CHARACTERS, examples=["{ index { block headBlock } }"])
    ]
    variables: dict[str, Any] | None = None
    operationName: Annotated[str, Field(max_length=200)] | None = None  # noqa: N815 (GraphQL's own name)
    extensions: dict[str, Any] | None = None


class GraphFault(Told):
    """Why a part of the query was not answered. ``path`` leads to it."""

    message: str
    path: tuple[str | int, ...] | None = None


class GraphAnswer(Told):
    """``errors`` is left out where there are none, as GraphQL demands."""

    data: dict[str, Any] | None
    errors: tuple[GraphFault, ...] | None = None

    @model_serializer(mode="wrap")
    def _told(self, tell: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = tell(self)
        return told if self.errors is not None else {"data": told["data"]}
