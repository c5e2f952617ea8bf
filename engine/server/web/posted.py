"""The fields of a form that a page sends."""

from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData

from engine.errors import InvalidField

MAX_FIELDS = 2_000


async def _posted(request: Request) -> FormData:
    return await request.form(max_fields=MAX_FIELDS)


def text(form: FormData, name: str) -> str:
    """A field without the space around it; empty where there is none."""
    found = form.get(name)
    return found.strip() if isinstance(found, str) else ""


def texts(form: FormData, name: str) -> list[str]:
    """Each field of that name."""
    return [found for found in form.getlist(name) if isinstance(found, str)]


def number(form: FormData, name: str, label: str, usual: int | None = None) -> int:
    """A field that holds a whole number; ``usual`` where it is empty. Raises InvalidField."""
    found = text(form, name)
    if not found and usual is not None:
        return usual
    if not found.isascii() or not found.isdecimal() or len(found) > 16:
        raise InvalidField(f"{label} must be a whole number.", f"/{name}")
    return int(found)


def checked(model: type[BaseModel], pointers: dict[str, str], **fields: object) -> BaseModel:
    """A value of ``model``. Raises InvalidField, whose pointer is the form's field of ``pointers`` or of its name."""
    try:
        return model(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        raise InvalidField(
            f"{name.replace('_', ' ').capitalize()}: {first['msg']}.", f"/{pointers.get(name, name)}"
        ) from error


Posted = Annotated[FormData, Depends(_posted)]
