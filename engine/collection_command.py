"""``lorespark collection``: many assets of one theme in one style, from one seed."""

from typing import Annotated

import typer
from rich.markup import escape

from engine.answers import asset_json
from engine.create_commands import draw_with_bar
from engine.errors import InvalidRequest
from engine.style_commands import style_folder
from engine.terminal import AsJson, errors, opened_application, out, print_json
from generators.collection import plan
from generators.recipe import Kind, random_seed

ACROSS, CELL_PX = 6, 192


def collection(
    theme: Annotated[str, typer.Argument(help="What it is of, for example 'a frozen kingdom'.")],
    style_name: Annotated[
        str | None, typer.Option("--style", help="The style that holds it together.")
    ] = None,
    count: Annotated[int, typer.Option(help="How many assets.")] = 12,
    seed: Annotated[int | None, typer.Option(help="The one seed of all; random if left out.")] = None,
    kinds: Annotated[str, typer.Option(help="Which kinds, by turns.")] = "character,item,tile",
    as_json: AsJson = False,
) -> None:
    """Draw many assets of one theme in one style, from one seed, with a contact sheet."""
    with errors():
        style = None if style_name is None else style_folder().read(style_name)
        pieces = plan(theme, asked_kinds(kinds), count, random_seed() if seed is None else seed)
        # Words that cannot be drawn are told before a model is loaded.
        fields = [
            {"prompt": p.prompt} if style is None else style.fields_for(p.kind, p.prompt) for p in pieces
        ]
        with opened_application() as application:
            from engine.contact_sheet import write_contact_sheet  # noqa: PLC0415  (Pillow, and only here)

            recipes = [
                application.generator.recipe(
                    kind=piece.kind,
                    seed=piece.seed,
                    size=None if style is None else style.size_for(piece.kind),
                    **field,
                )
                for piece, field in zip(pieces, fields, strict=True)
            ]
            creation_id = draw_with_bar(application, recipes)
            assets = application.records.assets_of(creation_id)
            path = application.folder.root / "collections" / f"{creation_id}.png"
            write_contact_sheet(application, assets, path, ACROSS, CELL_PX)
            rows = [asset_json(application, asset) for asset in assets]
    if as_json:
        print_json({"creation_id": creation_id, "contact_sheet": str(path), "assets": rows})
        return
    for row in rows:
        out.print(f"[bold]{row['asset_id']}[/]  {row['kind']:<9}  {escape(row['recipe']['prompt'])}")
    out.print(f"The pictures: [bold]{escape(str(path))}[/]")


def asked_kinds(text: str) -> list[Kind]:
    """The kinds that are named, with commas between. Raises InvalidRequest."""
    try:
        return [Kind(part.strip()) for part in text.split(",")]
    except ValueError as error:
        raise InvalidRequest(
            f"{text[:80]!r} names no kinds; write character, item and tile, with commas between them."
        ) from error
