"""``lorespark …``: the command line over one data folder."""

# torch, diffusers and web3 take seconds to import. `--help`, a wrong option or an empty prompt must not wait for
# them, so engine.app and what needs them are imported inside the commands.
import os
import re
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from engine.answers import asset_json, checks_json, mint_json
from engine.check_command import check
from engine.collection_command import draw_collection
from engine.errors import InvalidRequest
from engine.settings import Settings
from engine.style_commands import style_app, style_folder
from engine.terminal import STOPPED, errors, fail, notes, opened_application, out, print_json
from generators.model_entry import read_model_entries
from generators.palette_choice import chosen_colour, chosen_outline, chosen_palette
from generators.recipe import (
    DEFAULT_COLOURS,
    DEFAULT_SIZE_PX,
    DEFAULT_STRENGTH,
    Kind,
    Quality,
    Recipe,
    check_request,
    random_seed,
)
from generators.style import Style

if TYPE_CHECKING:
    from engine.app import Application
    from engine.verification import Check

app = typer.Typer(
    name="lorespark",
    help="Prompts become sprites, sprites become tokens that anyone can verify.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
MAX_TOKEN_ID = 2**256 - 1  # a uint256
BUNDLED_SIZES = (32, 64)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
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
    cutout: Annotated[
        bool, typer.Option("--cutout", help="Take the background out of what a configured model drew.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Draw assets from a prompt, from another picture, or within a mask."""
    if model is None and size not in (None, *BUNDLED_SIZES):
        raise typer.BadParameter("the bundled models draw at 32 or 64 px.", param_hint="--size")
    first_seed = random_seed() if seed is None else seed
    default_palette = None if kind is Kind.ILLUSTRATION else DEFAULT_COLOURS
    with errors():
        wanted: dict[str, Any] = {
            "prompt": prompt,
            "kind": kind,
            "negative_prompt": negative_prompt,
            "palette": default_palette if palette is None else chosen_palette(palette),
            "outline": None if outline is None else chosen_outline(outline),
            "background": None if background is None else chosen_colour(background),
            "seamless": seamless,
        }
        style = None if style_name is None else style_folder().read(style_name)
        if style is not None:
            _refuse_twice(style, palette=palette, outline=outline, background=background)
            set_by_style = style.fields_for(kind, prompt, negative_prompt)
            wanted |= {name: value for name, value in set_by_style.items() if value}
        check_request(
            **wanted, seed=first_seed, steps=steps, guidance=guidance, count=count, strength=strength
        )
        if mask is not None and source is None:
            raise InvalidRequest("A mask needs the picture that it belongs to; name that one with --from.")
        size = size or (style.size_for(kind) if style else None)
        with opened_application() as application:
            if source is not None:
                px = size or DEFAULT_SIZE_PX[kind]
                start = application.starting_from(source, px, strength, mask)
                open_palette = palette is None and (style is None or style.palette is None)
                wanted = (wanted | start) if open_palette else (start | wanted)
            recipes = [
                application.generator.recipe(
                    **wanted,
                    model=model,
                    size=size,
                    cutout=cutout,
                    quality=quality,
                    steps=steps,
                    guidance=guidance,
                    seed=first_seed + index,
                )
                for index in range(count)
            ]
            _warn_of_cut_prompt(application, wanted["prompt"], model)
            made = _made(application, recipes)
    _tell(made, as_json)


@app.command()
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
    _tell(made, as_json)


def _made(application: "Application", recipes: list[Recipe]) -> dict[str, Any]:
    creation_id = _create(application, recipes)
    assets = [asset_json(application, asset) for asset in application.records.assets_of(creation_id)]
    return {"creation_id": creation_id, "assets": assets}


def _tell(made: dict[str, Any], as_json: bool) -> None:
    assets = made["assets"]
    if as_json:
        print_json(made)
        return
    for asset in assets:
        out.print(
            f"[bold]{asset['asset_id']}[/]  seed {asset['recipe']['seed']}  {escape(asset['media_path'])}"
        )
    out.print(f"Mint one with [bold]lorespark mint {assets[0]['asset_id']}[/].")


@app.command()
def mint(
    asset_id: Annotated[str, typer.Argument(help="An asset's id, as `create` and `list` print it.")],
    to: Annotated[str | None, typer.Option(help="Who gets the token; your own signer if left out.")] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Mint what fails the quality gate too; the token's metadata says so."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring an asset onto the chain. Asked again, it answers with the same token."""
    with errors(), opened_application() as application:
        minted = application.mint(asset_id, to, force)
    if as_json:
        print_json(mint_json(minted))
        return
    told = "was minted before" if minted.already_minted else "minted"
    out.print(f"Token [bold]{minted.mint.token_id}[/] {told}, owned by {minted.owner}.")
    if to is not None and to.lower() != minted.mint.recipient.lower():
        out.print(f"An asset has one token, and its mint began before: nothing was minted to {to}.")
    out.print(f"  {minted.token_uri}")
    out.print(f"  contract {minted.mint.contract} on chain {minted.mint.chain_id}")
    out.print(f"Check it with [bold]lorespark verify {minted.mint.token_id}[/].")


app.command()(check)
app.add_typer(style_app, name="style")


@app.command()
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
    draw_collection(theme, _create, style_name, count, seed, kinds, as_json)


@app.command()
def verify(
    token_id: Annotated[str, typer.Argument(help="A token's number.")], as_json: AsJson = False
) -> None:
    """Follow a token from the chain to its pixels, and draw them again. Exits 1 where a check fails."""
    with errors():
        if not re.fullmatch(r"[0-9]{1,78}", token_id) or int(token_id) > MAX_TOKEN_ID:
            raise InvalidRequest(
                f"{token_id[:80]!r} is not a token's number; `lorespark list` shows the tokens."
            )
        with opened_application() as application:
            checks = application.verify(int(token_id))
    if as_json:
        print_json(checks_json(checks))
    else:
        for check in checks:
            mark = "[green]ok    [/]" if check.ok else "[red]failed[/]"
            out.print(f"{mark} {check.name:<16} {escape(check.detail)}")
    if not _all(checks):
        failed = next(check for check in checks if not check.ok)
        fail(f"Token {token_id} is not proven: its check {failed.name} failed. {_sentence(failed.detail)}")


@app.command()
def export(
    asset_id: Annotated[str, typer.Argument(help="An asset's id.")],
    car: Annotated[Path, typer.Option(help="The CAR file to write.")],
    as_json: AsJson = False,
) -> None:
    """Write an asset's metadata and pictures as a CAR file, which any IPFS node imports."""
    with errors(), opened_application() as application:
        root = application.export(asset_id, car)
    if as_json:
        print_json({"root": root, "car": str(car.absolute()), "bytes": car.stat().st_size})
        return
    out.print(f"{escape(str(car))} ({car.stat().st_size:,d} bytes), root [bold]{root}[/]")


@app.command(name="list")
def list_assets(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the newest assets and their tokens."""
    with errors(), opened_application() as application:
        listed = [
            (asset, application.records.mint_of(asset.asset_id))
            for asset in application.records.newest_assets(limit)
        ]
        rows = [
            asset_json(application, asset)
            | {"token_id": int(mint.token_id) if mint and mint.token_id else None}
            for asset, mint in listed
            if as_json
        ]
    if as_json:
        print_json({"assets": rows})
        return
    if not listed:
        out.print("No assets yet. Draw one: [bold]lorespark create 'a red potion bottle' --kind item[/]")
        return
    table = Table("asset", "kind", "name", "token", box=None, pad_edge=False)
    for asset, mint in listed:
        table.add_row(asset.asset_id, asset.kind.value, escape(asset.name), mint.token_id if mint else "")
    out.print(table)


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the bundled models and those of your own, with their licences. Downloads nothing."""
    # It imports torch, which takes a second.
    from generators.models import read_models  # noqa: PLC0415

    with errors():
        bundled = read_models()
        entries = read_model_entries(Settings.from_environment().model_list, taken=bundled)
    rows: list[dict[str, Any]] = [
        {
            "id": m.id,
            "size": m.size_px,
            "steps": m.steps_for(Quality.STANDARD),
            "guidance": m.guidance,
            "licence": m.licence,
        }
        | {"where": "bundled", "loras": []}
        for m in bundled.values()
    ]
    rows += [
        {"id": e.id, "size": e.size, "steps": e.steps, "guidance": e.guidance, "licence": e.licence}
        | {"where": e.where, "loras": [lora.path for lora in e.loras]}
        for e in entries
    ]
    if as_json:
        print_json({"models": rows})
        return
    table = Table("model", "px", "steps", "licence", "where", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            row["id"], str(row["size"]), str(row["steps"]), escape(row["licence"]), escape(row["where"])
        )
    out.print(table)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed, which device draws, which back ends answer, and what to do about what does not."""
    from engine.doctor import examine  # noqa: PLC0415

    with errors():
        findings = examine(Settings.from_environment())
    if as_json:
        checks = [{"name": f.name, "ok": f.ok, "detail": f.detail, "remedy": f.remedy} for f in findings]
        print_json({"ok": all(f.ok for f in findings), "checks": checks})
    else:
        for finding in findings:
            out.print(
                f"{'[green]ok    [/]' if finding.ok else '[red]failed[/]'} {finding.name:<14} {escape(finding.detail)}"
            )
            if finding.remedy:
                out.print(f"       [yellow]{escape(finding.remedy)}[/]")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def demo(as_json: AsJson = False) -> None:
    """Draw a character, an item and a tile, mint them, verify them, and make a contact sheet."""
    from engine.contact_sheet import write_contact_sheet  # noqa: PLC0415
    from engine.demo import draw_passing  # noqa: PLC0415

    began = time.monotonic()
    with errors(), opened_application() as application:
        creation_id, assets = draw_passing(application, lambda recipes: _create(application, recipes))
        rows: list[dict[str, Any]] = []
        for asset in assets:
            minted = application.mint(asset.asset_id)
            checks = application.verify(int(minted.mint.token_id or 0))
            rows.append(
                asset_json(application, asset) | {"mint": mint_json(minted), "verify": checks_json(checks)}
            )
            if not as_json:
                told = "verified from the chain back to the pixels" if _all(checks) else "NOT verified"
                out.print(
                    f"token [bold]{minted.mint.token_id}[/]  {asset.kind.value:<9}  {escape(asset.name)}: {told}"
                )
        sheet = write_contact_sheet(application, assets, application.folder.root / "demo.png", len(assets))
    ok = all(row["verify"]["ok"] for row in rows)
    if as_json:
        seconds = round(time.monotonic() - began, 2)
        print_json(
            {
                "ok": ok,
                "creation_id": creation_id,
                "assets": rows,
                "contact_sheet": str(sheet),
                "seconds": seconds,
            }
        )
    else:
        out.print(f"{time.monotonic() - began:.1f} s. The pictures: [bold]{escape(str(sheet))}[/]")
        out.print("Draw your own: [bold]lorespark create 'a wizard in a blue robe' --kind character[/]")
    if not ok:
        raise typer.Exit(1)


def main() -> None:
    """The console script."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries' notes to programmers, who ask for them with -W
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # else who read the output went away, and knows
            notes.print(f"The output cannot be written ({error.strerror}); send it elsewhere.", style="red")
        os._exit(1)  # the usual way out would try to write it once more
    except SystemExit as end:
        if end.code == STOPPED:
            # A thread that still draws or waits for the chain would keep the process for as long as it takes.
            # Jobs survive being killed, and the data folder's lock ends with the process.
            os._exit(STOPPED)
        raise


def _create(application: "Application", recipes: list[Recipe]) -> str:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as bar:
        what = "picture" if len(recipes) == 1 else f"{len(recipes)} pictures"
        task = bar.add_task(f"drawing {what}", total=sum(recipe.steps for recipe in recipes))
        return application.create(recipes, lambda done: bar.advance(task, len(done.indices)))


def _refuse_twice(style: Style, **given: str | None) -> None:
    for name, value in given.items():
        if value is not None and getattr(style, name) is not None:
            raise InvalidRequest(
                f"The style {style.name} sets the {name}; leave --{name} out, or draw without the style."
            )


def _warn_of_cut_prompt(application: "Application", prompt: str, model: str | None) -> None:
    tokens, read = application.generator.token_count(prompt, model)
    if tokens > read:
        notes.print(
            f"The prompt has {tokens} tokens; the model reads the first {read}. Put what matters first.",
            style="yellow",
        )


def _all(checks: "list[Check]") -> bool:
    return all(check.ok for check in checks)


def _sentence(detail: str) -> str:
    return detail[:1].upper() + detail[1:].rstrip(".") + "."


if __name__ == "__main__":
    main()
