"""What every command that asks a server does: the options of the local command, and its way to the server."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.remote.server_option import server_of
from engine.sdk import Client
from engine.terminal import errors

Function = Callable[..., None]
_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_CONTEXT = inspect.Parameter("context", _KEYWORD, annotation=typer.Context)
OUTPUT = inspect.Parameter(
    "output",
    _KEYWORD,
    default=None,
    annotation=Annotated[
        Path | None,
        typer.Option(
            help="The folder that pictures are written into; where local ones are if left out.",
        ),
    ],
)


def like(local: Function, *more: inspect.Parameter) -> Callable[[Function], Function]:
    """Makes a command of a function whose first argument is a client of the server that ``--server`` names.

    It has the name, arguments, options and help of the ``local`` command, and ``more`` options.
    """

    def decorate(function: Function) -> Function:
        def command(context: typer.Context, **given: Any) -> None:
            with asking(server_of(context)) as client:
                function(client, **given)

        parameters = [*inspect.signature(local).parameters.values(), *more]
        parameters = [_CONTEXT, *(parameter.replace(kind=_KEYWORD) for parameter in parameters)]
        described: Any = command
        described.__name__ = function.__name__
        described.__signature__ = inspect.Signature(parameters)
        described.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        described.__doc__ = local.__doc__
        return command

    return decorate


@contextmanager
def asking(server: str) -> Iterator[Client]:
    """The server, asked with the key in LORESPARK_API_KEY; its errors become one sentence and exit code 1."""
    with errors(), Client(server) as client:
        yield client
