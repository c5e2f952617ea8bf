"""``lorespark create`` and ``vary``: from words and pictures to drawn assets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from engine.answers import asset_json
from engine.api.creation import Controls, CreationRequest
from engine.planning import check_creation
from engine.style_commands import style_folder
from engine.terminal import AsJson, errors, notes, opened_application, out, print_json
from generators.bundle import SIZES_PX
from generators.motion import ACTIONS, Direction
from generators.palette_choice import chosen_palette
from generators.recipe import (
    DEFAULT_STRENGTH,
    Kind,
    Quality,
    Recipe,
    random_seed,
)

if TYPE_CHECKING:  # it imports web3, which takes a second
    from engine.app import Application


def create(
    prompt: Annotated[str, typer.Argument(help="What to draw, in plain words.")],
    kind: Annotated[Kind, typer.Option(help="What it is in the game.")] = Kind.CHARACTER,
    count: Annotated[int, typer.Option(help="How many to draw, with seeds one after another.")] = 1,
    seed: Annotated[int | None, typer.Option(help="The first picture's seed; random if left out.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A model's id, as `lorespark models` lists them; a bundled one if left out."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            help="Pixels a side, with the bundled models 32 or 64; 64 for characters, 32 for items and tiles, an "
            "illustration's model's own if left out."
        ),
    ] = None,
    quality: Annotated[
        Quality, typer.Option(help="How many denoising steps, by the model's own numbers.")
    ] = Quality.STANDARD,
    steps: Annotated[int | None, typer.Option(help="Denoising steps, in place of a quality.")] = None,
    guidance: Annotated[float | None, typer.Option(help="How closely to follow the prompt.")] = None,
    negative_prompt: Annotated[str, typer.Option("--negative", help="What to keep out of the picture.")] = "",
    palette: Annotated[
        str | None,
        typer.Option(
            help="A palette's name (pico-8, game-boy, db32 …), file (.hex, .gpl, .pal, PNG), a picture with a number "
            "(photo.png:16), a number of colours, or 'none'; 32 if left out, for an illustration none."
        ),
    ] = None,
    outline: Annotated[
        str | None,
        typer.Option(help="The outline's colour (#rrggbb), or 'none' to remove it; as drawn if left out."),
    ] = None,
    background: Annotated[
        str | None, typer.Option(help="A colour (#rrggbb) behind the picture; clear if left out.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="An asset's id, or a picture file, to start from.")
    ] = None,
    strength: Annotated[
        float, typer.Option(help="How much of --from is drawn anew: near 0 a touch, 1 all of it.")
    ] = DEFAULT_STRENGTH,
    mask: Annotated[
        Path | None, typer.Option(help="A picture of --from's size, white where it may change.")
    ] = None,
    seamless: Annotated[bool, typer.Option("--seamless", help="A tile whose opposite edges join.")] = False,
    style_name: Annotated[
        str | None, typer.Option("--style", help="A style, whose palette, outline, sizes and words are used.")
    ] = None,
    action: Annotated[
        str | None,
        typer.Option(
            help=f"What a clip shows: {', '.join(ACTIONS)}; left out, what the prompt ends in or its kind usually does."
        ),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(help="How many frames a clip has, with the bundled model 8 or 16.")
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(help="A clip's frames a second; the action's natural speed if left out."),
    ] = None,
    direction: Annotated[
        Direction | None, typer.Option(help="Where a clip's figure faces; as its picture does if left out.")
    ] = None,
    cutout: Annotated[
        bool, typer.Option("--cutout", help="Take the background out of what a configured model drew.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Draw assets from a prompt, from another picture, or within a mask."""
    if model is None and size not in (None, *SIZES_PX):
        raise typer.BadParameter("the bundled models draw at 32 or 64 px.", param_hint="--size")
    with errors():
        controls = Controls.model_construct(
            negative_prompt=negative_prompt,
            size=size,
            quality=quality,
            steps=steps,
            guidance=guidance,
            palette=None if palette is None else _asked_palette(palette),
            outline=outline,
            background=background,
            source=source,
            strength=strength,
            mask=None if mask is None else str(mask),
            seamless=seamless,
            cutout=cutout,
            style=style_name,
            action=action,
            direction=direction,
            frames=frames,
            fps=fps,
        )
        # Not validated here: what cannot be is told by the checks that every request goes through.
        request = CreationRequest.model_construct(
            kind=kind,
            prompt=prompt,
            count=count,
            seed=random_seed() if seed is None else seed,
            controls=controls,
            model=model,
        )
        check_creation(request, None if style_name is None else style_folder().read(style_name))
        with opened_application() as application:
            recipes = application.planner.recipes(
                request, None if source is None else application.source(source), mask
            )
            _warn_of_cut_prompt(application, recipes[0].prompt, model)
            made = _made(application, recipes)
    tell_made(made, as_json)


def _asked_palette(text: str) -> str | int | tuple[str, ...]:
    """A palette as a request holds it; files are read here, where they are."""
    chosen = chosen_palette(text)
    return "none" if chosen is None else chosen


def vary(
    asset_id: Annotated[str, typer.Argument(help="An asset's id, as `create` and `list` print it.")],
    strength: Annotated[
        float, typer.Option(help="How far from it: near 0 a touch, 1 another picture of its prompt.")
    ] = DEFAULT_STRENGTH,
    count: Annotated[int, typer.Option(help="How many variations.")] = 4,
    seed: Annotated[int | None, typer.Option(help="The first one's seed; random if left out.")] = None,
    prompt: Annotated[str | None, typer.Option(help="Another prompt; the asset's own if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draw variations of an asset: its own recipe, started from its picture, with other seeds."""
    first_seed = random_seed() if seed is None else seed
    with errors(), opened_application() as application:
        recipes = application.variations(asset_id, strength, count, first_seed, prompt)
        made = _made(application, recipes)
    tell_made(made, as_json)


def _made(application: "Application", recipes: list[Recipe]) -> dict[str, Any]:
    creation_id = draw_with_bar(application, recipes)
    assets = [asset_json(application, asset) for asset in application.records.assets_of(creation_id)]
    return {"creation_id": creation_id, "assets": assets}


def tell_made(made: dict[str, Any], as_json: bool) -> None:
    """Prints a creation's id and assets, as JSON or for people."""
    assets = made["assets"]
    if as_json:
        print_json(made)
        return
    for asset in assets:
        out.print(
            f"[bold]{asset['asset_id']}[/]  seed {asset['recipe']['seed']}  {escape(asset['media_path'])}"
        )
        if asset["files"]:
            folder = Path(next(iter(asset["files"].values()))["path"]).parent
            out.print(f"  {', '.join(asset['files'])} in {escape(str(folder))}")
    out.print(f"Mint one with [bold]lorespark mint {assets[0]['asset_id']}[/].")


def draw_with_bar(application: "Application", recipes: list[Recipe]) -> str:
    """Draws a creation with a bar in the terminal; returns its id."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as bar:
        noun = "clip" if recipes[0].kind is Kind.CLIP else "picture"
        what = noun if len(recipes) == 1 else f"{len(recipes)} {noun}s"
        task = bar.add_task(f"drawing {what}", total=len(recipes))
        return application.create(recipes, lambda done: bar.advance(task, len(done.indices) / done.steps))


def _warn_of_cut_prompt(application: "Application", prompt: str, model: str | None) -> None:
    tokens, read = application.generator.token_count(prompt, model)
    if tokens > read:
        notes.print(
            f"The prompt has {tokens} tokens; the model reads the first {read}. Put what matters first.",
            style="yellow",
        )
