"""Pages of a list: where the last one ended, as a text that only this server reads."""

import base64
from typing import Annotated, Any, TypeVar

from fastapi import Query
from pydantic_core import from_json, to_json
from sqlalchemy import ColumnElement, Connection, Row, Select, tuple_

from engine.api.model import MAX_PAGE
from engine.errors import InvalidRequest

Item = TypeVar("Item")
DEFAULT_PAGE = 50
LimitQuery = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many of the list to answer with.")]
CursorQuery = Annotated[
    str | None, Query(max_length=400, description="The `next` of the page before.", alias="cursor")
]


def page(
    connection: Connection, query: Select[Any], order: tuple[Any, ...], limit: int, cursor: str | None
) -> tuple[list[Row[Any]], str | None]:
    """The rows of ``query`` after ``cursor``, newest first, and the cursor of the rest.

    ``order`` are the selected columns that order the list, descending; together they are unique, and all are texts
    or whole numbers. Raises InvalidRequest for a cursor that is none.
    """
    if cursor is not None:
        query = query.where(_before(order, cursor))
    rows = list(connection.execute(query.order_by(*(column.desc() for column in order)).limit(limit + 1)))
    if len(rows) <= limit:
        return rows, None
    rows = rows[:limit]
    return rows, cursor_after(*(rows[-1]._mapping[column.name] for column in order))


def cursor_after(*values: str | int) -> str:
    """The cursor of what follows the row whose columns of the list's order have these values."""
    return base64.urlsafe_b64encode(to_json(values)).decode().rstrip("=")


def _before(order: tuple[Any, ...], cursor: str) -> ColumnElement[bool]:
    try:
        values = from_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        values = None
    kinds = [column.type.python_type for column in order]
    if (
        not isinstance(values, list)
        or [type(value) for value in values] != kinds
        or not all(value.isprintable() if isinstance(value, str) else abs(value) < 2**53 for value in values)
    ):
        raise InvalidRequest("The cursor is none that this list gave; begin without one.")
    return tuple_(*order) < tuple_(*values)
