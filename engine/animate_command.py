"""``lorespark animate`` and ``sheet``: an asset in motion, and clips on one sprite sheet."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from assets.asset import Asset, AssetKind
from engine.answers import asset_json
from engine.clips import asked_actions, asked_directions, movements, moving_fields
from engine.create_commands import draw_with_bar
from engine.data_folder import write_whole
from engine.errors import InvalidRequest
from engine.terminal import AsJson, errors, opened_application, out, print_json
from generators.recipe import Kind, Quality, check_request, random_seed

if TYPE_CHECKING:  # it imports web3, which takes a second
    from engine.app import Application

DIRECTIONS = "right,left,down,up"


def animate(
    asset_id: Annotated[str, typer.Argument(help="An asset's id, as `create` and `list` print it.")],
    actions: Annotated[
        str | None,
        typer.Option(
            help="What it does, with commas between; a character stands, walks and attacks, an item floats and a tile "
            "flows if left out."
        ),
    ] = None,
    directions: Annotated[
        str, typer.Option(help="Where a character faces, with commas between.")
    ] = DIRECTIONS,
    frames: Annotated[int | None, typer.Option(help="Frames of each clip: 8 or 16.")] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames a second; each action's natural speed if left out.")
    ] = None,
    quality: Annotated[Quality, typer.Option(help="How many denoising steps.")] = Quality.STANDARD,
    seed: Annotated[int | None, typer.Option(help="Of all clips; random if left out.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Where the sheet is written; the data folder if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set an asset in motion: a clip for each action and direction, and one sprite sheet of them all."""
    first_seed = random_seed() if seed is None else seed
    with errors():
        facing = asked_directions(directions)
        wanted = moving_fields(Kind.CLIP, action=None, frames=frames, fps=fps, direction=None)
        check_request(prompt="any", kind=Kind.ITEM, seed=first_seed)
        named = None if actions is None else asked_actions(actions)
        check_folder(folder)
        with opened_application() as application:
            asset = application.asset(asset_id)
            asked = movements(named or application.usual_actions(asset), facing)
            recipes = application.clips(
                asset_id,
                asked,
                first_seed,
                frames=wanted["frames"],
                frame_ms=wanted["frame_ms"],
                quality=quality,
            )
            creation_id = draw_with_bar(application, recipes)
            made = application.records.assets_of(creation_id)
            written = _written_sheet(application, made, folder or application.folder.media / creation_id)
            rows = [asset_json(application, clip) for clip in made]
    answer: dict[str, Any] = {
        "creation_id": creation_id,
        "assets": rows,
        "sheet": {name: str(path) for name, path in written.items()},
    }
    if as_json:
        print_json(answer)
        return
    for row, (action, direction) in zip(rows, asked, strict=True):
        moves = action if direction is None else f"{action} {direction}"
        out.print(f"[bold]{row['asset_id']}[/]  {moves:<12} {escape(row['media_path'])}")
    _tell_sheet(written)


def sheet(
    clip_ids: Annotated[list[str], typer.Argument(help="Clips' ids, in the order of the sheet's rows.")],
    folder: Annotated[Path, typer.Option("--out", help="Where the sheet is written.")],
    as_json: AsJson = False,
) -> None:
    """Put clips that are there onto one sprite sheet, for Aseprite, Godot and Tiled."""
    with errors():
        check_folder(folder)
        with opened_application() as application:
            clips = [application.asset(clip_id) for clip_id in dict.fromkeys(clip_ids)]
            for clip in clips:
                if clip.kind is not AssetKind.CLIP:
                    raise InvalidRequest(
                        f"The asset {clip.asset_id} is no clip; `lorespark animate {clip.asset_id}` sets it in motion."
                    )
            written = _written_sheet(application, clips, folder)
    if as_json:
        print_json({"sheet": {name: str(path) for name, path in written.items()}})
    else:
        _tell_sheet(written)


def check_folder(folder: Path | None) -> None:
    """Raises InvalidRequest where a sheet cannot be written into ``folder``, because it is a file."""
    if folder is not None and folder.exists() and not folder.is_dir():
        raise InvalidRequest(f"{folder} is there and is no folder; name one to write the sheet into.")


def _written_sheet(application: "Application", clips: Sequence[Asset], folder: Path) -> dict[str, Path]:
    """File name -> where it was written. Raises InvalidPicture where frames differ in size."""
    # Pillow's writers and numpy are imported with it, which `--help` need not wait for.
    from engine.sheets import sheet_of  # noqa: PLC0415

    written: dict[str, Path] = {}
    for name, content in sheet_of(clips, application.files.read, "sheet").items():
        written[name] = folder / name
        write_whole(written[name], content)
    return written


def _tell_sheet(written: dict[str, Path]) -> None:
    out.print(
        f"The sheet: {escape(str(written['sheet.png']))}, with {', '.join(sorted(set(written) - {'sheet.png'}))}"
    )
