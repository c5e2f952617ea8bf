"""Errors as the API tells them. Source: RFC 9457, problem details."""

from typing import Annotated

from pydantic import ConfigDict, Field

from engine.api.model import Told


class FieldProblem(Told):
    """One part of a request that cannot be used."""

    model_config = ConfigDict(populate_by_name=True)

    pointer: Annotated[str, Field(description="A JSON pointer (RFC 6901) into it, after `#`.")]
    in_: Annotated[str, Field(alias="in", description="`path`, `query`, `header`, `cookie` or `body`.")]
    detail: str


class Problem(Told):
    """What is wrong. ``type`` never changes; ``detail`` is a sentence for people that says what to do.

    Some types have members of their own beside these.
    """

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(examples=["urn:lorespark:problem:unknown-record"])]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    errors: Annotated[tuple[FieldProblem, ...] | None, Field(description="Of `invalid-fields`.")] = None
