"""The OpenAPI document as one plain page."""

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Any, Final

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_STYLE: Final = """
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 18%,transparent)}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:2rem 1rem}
h1{margin:0}h2{margin:2.5rem 0 .5rem;text-transform:capitalize}
code,.path{font-family:ui-monospace,monospace;font-size:.9em}
details{border:1px solid var(--line);border-radius:8px;margin:.5rem 0;padding:.5rem .8rem}
summary{cursor:pointer;overflow-wrap:anywhere}summary small{opacity:.7;margin-left:.5rem}
.method{display:inline-block;min-width:4.2em;font-weight:700;font-size:.8em}
.get{color:#2a7de1}.post{color:#2c9a55}.delete{color:#d04a43}.patch,.put{color:#b7791f}
table{border-collapse:collapse;width:100%;margin:.3rem 0 1rem}
td,th{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;
border-bottom:1px solid var(--line)}
th{font-size:.8em;opacity:.7}h3{font-size:.95rem;margin:.8rem 0 0}
"""


def page(document: dict[str, Any]) -> str:
    """Every operation by tag, with its parameters, body and answers, then every schema. Nothing in it is fetched."""
    return "".join(_parts(document))


def _parts(document: dict[str, Any]) -> Iterator[str]:
    title = f"{document['info']['title']} {document['info']['version']}"
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
    yield f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style><h1>{escape(title)}</h1>'
    for paragraph in document["info"].get("description", "").split("\n\n"):
        yield f"<p>{_text(paragraph)}"
    yield '<p>For programs: <a href="openapi.json">openapi.json</a>.'
    for tag, found in groupby(sorted(_operations(document), key=lambda each: each[0]), lambda each: each[0]):
        yield f"<h2>{escape(tag)}</h2>"
        for _, path, method, operation in found:
            yield from _operation(path, method, operation)
    yield "<h2>Schemas</h2>"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f'<details id="{escape(name)}"><summary><b>{escape(name)}</b></summary>'
        yield f"<p>{_text(schema.get('description', ''))}"
        if "enum" in schema:
            yield f"<p>{_type(schema)}"
        required = schema.get("required", ())
        properties = schema.get("properties", {})
        yield _table(
            ("field", "type", ""),
            ((f"{field}{'' if field in required else ' ?'}", each) for field, each in properties.items()),
        )
        yield "</details>"
    yield "</html>"


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if operation := operations.get(method):
                yield (operation.get("tags") or ["other"])[0], path, method, operation


def _operation(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f'<details><summary><span class="method {method}">{method.upper()}</span><span class="path">'
    yield f"{escape(path)}</span> <small>{escape(operation.get('summary', ''))}</small></summary>"
    for paragraph in operation.get("description", "").split("\n\n"):
        yield f"<p>{_text(paragraph)}"
    scopes = [scope for need in operation.get("security", ()) for each in need.values() for scope in each]
    if operation.get("security"):
        yield "<p>Key: " + (", ".join(f"<code>{escape(scope)}</code>" for scope in scopes) or "any") + "."
    if parameters := operation.get("parameters"):
        yield "<h3>Parameters</h3>"
        rows = (
            (each["name"], each["schema"] | {"description": each.get("description", each["in"])})
            for each in parameters
        )
        yield _table(("name", "type", ""), rows)
    for media_type, each in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<h3>Body</h3><p><code>{escape(media_type)}</code> {_type(each.get('schema', {}))}"
    yield "<h3>Answers</h3><table>"
    for status, answer in operation["responses"].items():
        content = " ".join(
            f"<code>{escape(media_type)}</code> {_type(each.get('schema', {}))}"
            for media_type, each in answer.get("content", {}).items()
        )
        yield f"<tr><td>{escape(status)}<td>{escape(answer['description'])}<td>{content}"
    yield "</table></details>"


def _table(head: tuple[str, ...], rows: Any) -> str:
    cells = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{_type(schema)}<td>{_text(schema.get('description', ''))}"
        for name, schema in rows
    )
    return f"<table><tr>{''.join(f'<th>{name}' for name in head)}{cells}</table>" if cells else ""


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words, with links to those that have names."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f'<a href="#{escape(name)}">{escape(name)}</a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(map(_type, schema[several]))
    if "enum" in schema or "const" in schema:
        return ", ".join(
            f"<code>{escape(str(each))}</code>" for each in schema.get("enum", [schema.get("const")])
        )
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(str(schema.get("format") or schema.get("type") or "any"))


def _text(text: str) -> str:
    """Escaped, with what stands between backquotes as code."""
    parts = escape(" ".join(text.split())).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
