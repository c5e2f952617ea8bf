"""Routes as the OpenAPI document describes them, bodies that it allows, and rows of a tenant's that they name."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from engine.app import Application
from engine.database.clock import now
from engine.database.tables import metadata

Insert = Callable[[Connection, str, str], dict[str, Any]]


def made(table: str, **values: Any) -> Insert:
    """Inserts a row of a tenant's, whose id it is given, with what the columns need."""

    def insert_row(connection: Connection, tenant_id: str, record_id: str) -> dict[str, Any]:
        usual = {"id": record_id, "tenant_id": tenant_id, "created_at": now(), "begun_at": now()}
        columns = metadata.tables[table].columns
        row = {name: value for name, value in usual.items() if name in columns} | values
        row = {name: value(tenant_id) if callable(value) else value for name, value in row.items()}
        connection.execute(insert(metadata.tables[table]).values(**row))
        return row

    return insert_row


def own(kind: str) -> Callable[[str], str]:
    return lambda tenant_id: f"{kind}-{tenant_id[-12:]}"


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    parameters: tuple[str, ...]
    queries: tuple[str, ...]
    scopes: tuple[str, ...]
    body: dict[str, Any] | None  # its schema

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Studio:
    tenant_id: str
    headers: dict[str, str]
    ids: dict[str, str]


def sample(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """The smallest value that the schema allows, or its example."""
    if "$ref" in schema:
        return sample(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]], document)
    if "examples" in schema:
        return schema["examples"][0]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return sample(schema[several][0], document)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: sample(properties[name], document) for name in schema.get("required", ())}
        case "array":
            return [sample(schema["items"], document)] * schema.get("minItems", 0)
        case "string" if schema.get("format") == "date-time":
            return "2033-05-18T03:33:20Z"
        case "string":
            return "0x" + "12" * 20 if "0x" in schema.get("pattern", "") else "x" * schema.get("minLength", 1)
        case "integer" | "number":
            return schema.get("minimum", 1)
    return schema.get("const")


def namings(
    schema: dict[str, Any], document: dict[str, Any], named: Collection[str], depth: int = 3
) -> Iterator[tuple[list[str], bool]]:
    """Where a body has fields of these names: the path to each, and whether it is a list."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    for name, field in schema.get("properties", {}).items() if depth else ():
        choices = [field, *field.get("anyOf", ())]
        if name in named:
            yield [name], any(each.get("type") == "array" for each in choices)
        for choice in choices:
            for path, is_list in namings(choice, document, named, depth - 1):
                yield [name, *path], is_list


def state(application: Application) -> dict[str, list[Any]]:
    """Every row of every table, but for the verdicts on prompts, which are kept of refused requests too."""
    with application.records.database.reading() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in metadata.sorted_tables
            if table.name != "moderations"
        }
