"""``lorespark link``: another link that signs a browser in."""

from typing import Annotated

import typer

from engine.api_key_commands import opened_records
from engine.serve_command import entry_link
from engine.settings import Settings
from engine.terminal import AsJson, errors, out, print_json


def link(
    port: Annotated[
        int, typer.Option(min=1, max=65_535, help="The port of the server on this machine.")
    ] = 8000,
    as_json: AsJson = False,
) -> None:
    """Make a link that signs one browser in, once, within a day. Works while the server runs."""
    from engine.database.browsers import add_entry  # noqa: PLC0415

    with errors():
        site = Settings.from_environment().public_url or f"http://127.0.0.1:{port}"
        with opened_records() as database, database.writing() as connection:
            made = entry_link(site, add_entry(connection))
    if as_json:
        print_json({"link": made})
    else:
        out.print(made)
