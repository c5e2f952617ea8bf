"""``--server``, the option that chooses whom the commands ask."""

from typing import Annotated, Final

import typer

SERVER: Final = "server"  # its name
ServerOption = Annotated[
    str | None,
    typer.Option(
        f"--{SERVER}",
        envvar="LORESPARK_SERVER",
        show_default=False,
        help="A server's address, which then draws, lists and mints; its key is read from LORESPARK_API_KEY.",
    ),
]


def server_of(context: typer.Context) -> str:
    """The address that the option or the environment names."""
    return str(context.find_root().params[SERVER])
