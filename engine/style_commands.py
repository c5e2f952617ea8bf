"""``lorespark style …``: styles made, shown, and held against pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from assets.asset import Asset
from engine.answers import quality_json
from engine.errors import InvalidRequest
from engine.settings import Settings
from engine.style_folder import StyleFolder
from engine.terminal import AsJson, errors, opened_application, out, print_json
from generators.finishing import read_png
from generators.palette_choice import chosen_colour, chosen_outline, chosen_palette
from generators.quality_gate import QualityCheck, Rules, inspect
from generators.recipe import Kind
from generators.source_picture import native, read_bytes
from generators.style import MAX_REFERENCES, Style
from generators.style_reference import light_slope, traits

if TYPE_CHECKING:  # numpy is imported by then, and the type checker needs its names only
    import numpy as np
    from numpy.typing import NDArray

style_app = typer.Typer(
    help="Styles: a palette, an outline rule, sizes and words that a project's pictures share."
)
Pictures = list[tuple[str, "NDArray[np.uint8]", Kind | None]]
DEFAULT_COLOURS = 24  # a palette for a whole set of pictures


def style_folder() -> StyleFolder:
    return StyleFolder(Settings.from_environment().data_dir / "styles")


@style_app.command("create")
def create_style(
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits and dashes.")],
    palette: Annotated[
        str | None, typer.Option(help="As for `create`: a name, a file, photo.png:16.")
    ] = None,
    colours: Annotated[
        int, typer.Option(help="How many colours to take from the references.", min=2, max=256)
    ] = DEFAULT_COLOURS,
    outline: Annotated[str | None, typer.Option(help="A colour (#rrggbb), or 'none'.")] = None,
    background: Annotated[str | None, typer.Option(help="A colour (#rrggbb) behind every picture.")] = None,
    words: Annotated[str, typer.Option(help="Words after every prompt.")] = "",
    prefix: Annotated[str, typer.Option(help="Words before every prompt.")] = "",
    negative: Annotated[str, typer.Option(help="What to keep out of every picture.")] = "",
    character_px: Annotated[int | None, typer.Option(help="Size of characters.")] = None,
    item_px: Annotated[int | None, typer.Option(help="Size of items.")] = None,
    tile_px: Annotated[int | None, typer.Option(help="Size of tiles.")] = None,
    references: Annotated[
        list[str] | None,
        typer.Option("--from", help="An asset or PNG file to take the style from; may be repeated."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over a style of that name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a style from options, or from pictures: their palette, outline and light."""
    with errors():
        chosen = None if palette is None else chosen_palette(palette)
        if chosen is not None and not isinstance(chosen, tuple):
            raise InvalidRequest(
                "A style's palette is a list of colours, not a number; give a palette, or --from and --colours."
            )
        fields: dict[str, Any] = {
            "name": name,
            "palette": chosen,
            "outline": None if outline is None else chosen_outline(outline),
            "background": None if background is None else chosen_colour(background),
            "prefix": prefix,
            "suffix": words,
            "negative": negative,
            "character_px": character_px,
            "item_px": item_px,
            "tile_px": tile_px,
            "references": tuple(Path(one).name for one in references or ()),
        }
        Style.make(**fields)  # what cannot be used is told before pictures are read
        if references:
            if len(references) > MAX_REFERENCES:
                raise InvalidRequest(
                    f"{len(references)} references are too many; give up to {MAX_REFERENCES}."
                )
            found = traits([pixels for _, pixels, _ in pictures(references)], colours)
            fields["palette"] = chosen or found.palette
            fields["outline"] = fields["outline"] or found.outline
            fields["light"] = found.light
        style = Style.make(**fields)
        path = style_folder().write(style, replace)
    if as_json:
        print_json(_style_json(style, path))
        return
    _show(style, path)
    out.print(f"Draw with it: [bold]lorespark create 'a knight' --style {style.name}[/]")


@style_app.command("list")
def list_styles(as_json: AsJson = False) -> None:
    """List the styles there are."""
    with errors():
        folder = style_folder()
        styles = [folder.read(name) for name in folder.names()]
    if as_json:
        print_json({"styles": [_style_json(style, folder.path(style.name)) for style in styles]})
        return
    if not styles:
        out.print("No styles yet. Make one: [bold]lorespark style create frost --palette sweetie-16[/]")
        return
    table = Table("style", "colours", "outline", "words", box=None, pad_edge=False)
    for style in styles:
        count = str(len(style.palette)) if style.palette else "any"
        table.add_row(
            style.name, count, style.outline or "as drawn", escape(f"{style.prefix} … {style.suffix}")
        )
    out.print(table)


@style_app.command("show")
def show_style(name: Annotated[str, typer.Argument(help="A style's name.")], as_json: AsJson = False) -> None:
    """Show a style."""
    with errors():
        style = style_folder().read(name)
        path = style_folder().path(name)
    if as_json:
        print_json(_style_json(style, path))
    else:
        _show(style, path)


@style_app.command("check")
def check_style(
    name: Annotated[str, typer.Argument(help="A style's name.")],
    what: Annotated[list[str], typer.Argument(help="Assets or PNG files.")],
    as_json: AsJson = False,
) -> None:
    """Say which pictures keep a style's palette, outline and background. Exits 1 where one does not."""
    with errors():
        style = style_folder().read(name)
        rows = [
            (one, style_checks(style, native(pixels), kind or Kind.ITEM))
            for one, pixels, kind in pictures(what)
        ]
    ok = all(check.ok for _, checks in rows for check in checks)
    if as_json:
        print_json({"ok": ok, "pictures": [{"picture": one} | quality_json(checks) for one, checks in rows]})
    else:
        for one, checks in rows:
            for check in checks:
                mark = "[green]ok    [/]" if check.ok else "[red]failed[/]"
                out.print(f"{mark} {escape(one)}  {check.name}: {escape(check.detail)}")
    if not ok:
        raise typer.Exit(1)


def style_checks(style: Style, pixels: "NDArray[np.uint8]", kind: Kind) -> list[QualityCheck]:
    """The quality gate's checks that a style has a say in; light is told and never fails."""
    rules = Rules(kind, style.palette, style.outline, style.background)
    checks = [check for check in inspect(pixels, rules) if check.name in ("alpha", "palette", "outline")]
    if style.light is not None:
        right, up = light_slope(pixels)
        told = f"{right:+.2f} to the right and {up:+.2f} to the top; the style's comes from the {style.light}"
        checks.append(QualityCheck("light", True, told, False))
    return checks


def pictures(names: list[str]) -> Pictures:
    """Each name with its pixels, and its kind where an asset or a recipe tells it.

    Raises InvalidRequest, InvalidRecipe and UnknownAsset.
    """
    files = {name: Path(name) for name in names if name.lower().endswith(".png") or Path(name).is_file()}
    read: dict[str, tuple[NDArray[np.uint8], Kind | None]] = {}
    for name, path in files.items():
        pixels, recipe = read_png(read_bytes(path))
        read[name] = (pixels, recipe.kind if recipe else None)
    if others := [name for name in names if name not in files]:
        with opened_application() as application:
            for name in others:
                asset: Asset = application.asset(name)
                read[name] = (read_png(application.media_path(asset).read_bytes())[0], Kind(asset.kind.value))
    return [(name, *read[name]) for name in names]


def _style_json(style: Style, path: Path) -> dict[str, Any]:
    return style.to_dict() | {"hash": style.hash, "path": str(path)}


def _show(style: Style, path: Path) -> None:
    out.print(f"[bold]{style.name}[/]  {escape(str(path))}")
    for name, value in style.to_dict().items():
        if name in ("format", "name"):
            continue
        shown = (
            "".join(f"[on {colour}]  [/]" for colour in value) if name == "palette" else escape(str(value))
        )
        out.print(f"  {name:<13} {shown}")
