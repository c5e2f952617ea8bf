"""``lorespark storyboard``: a film from a storyboard, and a storyboard from a story."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from engine.data_folder import writing_whole
from engine.errors import ExportFailed, InvalidRequest, WriterFailed
from engine.storyboard.production import Production, letters_of
from engine.storyboard.reader import checked_storyboard, read_storyboard
from engine.storyboard.role import Role, named_assets
from engine.storyboard.script import FILM_ENDINGS, Storyboard
from engine.storyboard.shot_store import ShotStore
from engine.storyboard.story import plan, sentences
from engine.storyboard.subtitles import SubtitleForm, check_letters, webvtt
from engine.storyboard.yaml_document import write_yaml
from engine.terminal import AsJson, errors, notes, opened_application, out, print_json

if TYPE_CHECKING:  # it imports web3, which takes a second
    from engine.app import Application

TROUPE = 40  # newest assets that a story may cast where none are named: what a model's prompt has room for


def storyboard(
    file: Annotated[
        Path | None, typer.Argument(help="A storyboard in YAML; docs/storyboards.md shows one.")
    ] = None,
    film: Annotated[
        Path | None,
        typer.Option("--out", help="The film, .mp4 or .webp; beside the storyboard, as .mp4, if left out."),
    ] = None,
    subtitles: Annotated[
        SubtitleForm, typer.Option(help="In the picture, as WebVTT beside the film, or not at all.")
    ] = SubtitleForm.BURN,
    story: Annotated[
        str | None, typer.Option(help="A story in a paragraph, to write a storyboard from instead.")
    ] = None,
    out_yaml: Annotated[
        Path | None, typer.Option("--out-yaml", help="Where the storyboard of --story goes.")
    ] = None,
    cast: Annotated[
        str | None,
        typer.Option(help="Who may play in --story: asset-1,Mira=asset-2; the newest assets if left out."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Film a storyboard with the project's own models, or write one from a story. A killed film goes on."""
    if (file is None) == (story is None):
        raise typer.BadParameter("give a storyboard's file, or a story with --story.", param_hint="FILE")
    if (story is None) != (out_yaml is None):
        raise typer.BadParameter("--story and --out-yaml belong together.", param_hint="--out-yaml")
    if cast is not None and story is None:
        raise typer.BadParameter("a storyboard names its cast itself.", param_hint="--cast")
    told: dict[str, Any] = {}
    with errors():
        if story is not None and out_yaml is not None:
            sentences(story)  # what cannot be filmed is told before anything is opened
            if out_yaml.exists():
                raise InvalidRequest(f"{out_yaml} is there already; give another name for the storyboard.")
            wanted = None if cast is None else named_assets(cast)
        source = file if out_yaml is None else out_yaml
        assert source is not None, "one of both was given"
        path = film or source.with_suffix(".mp4")
        if path.suffix.lower() not in FILM_ENDINGS:
            raise InvalidRequest(f"{path.name} is no film's name; end it in {' or '.join(FILM_ENDINGS)}.")
        with opened_application() as application:
            if story is not None and out_yaml is not None:
                told |= {"storyboard": str(out_yaml), "writer": _write(application, story, out_yaml, wanted)}
            if story is None or film is not None:
                told |= _film(application, source, path, subtitles)
    if as_json:
        print_json(told)
    elif "film" in told:
        width, height = told["size"]
        out.print(
            f"[bold]{escape(told['film'])}[/]  {told['seconds']:g} s, {told['frames']} frames of {width} x {height}"
        )
    else:
        out.print(f"Film it with [bold]lorespark storyboard {escape(told['storyboard'])}[/].")


def _film(application: "Application", source: Path, path: Path, form: SubtitleForm) -> dict[str, Any]:
    """Draws what is not drawn yet, then writes the film, and its subtitles where they are a file of their own."""
    # PyAV takes 50 ms to import, which no other command should wait for.
    from engine.storyboard.cut import write_film  # noqa: PLC0415

    board = read_storyboard(source, application.records.asset)
    if form is SubtitleForm.BURN:
        check_letters(board, letters_of(board, source.parent))
    store = ShotStore(application.folder.storyboards)
    production = Production(board, source.parent, application.records.asset, application.clip_source, store)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as bar:
        drawing = bar.add_task("drawing frames", total=board.frames)
        drawn = production.draw(lambda: bar.advance(drawing))
        cutting = bar.add_task("cutting frames", total=board.frames)
        pictures = production.pictures(form is SubtitleForm.BURN, lambda: bar.advance(cutting))
        write_film(path, pictures, board.frames, board.output_size, board.fps)
    beside = path.with_suffix(".vtt") if form is SubtitleForm.VTT else None
    if beside is not None:
        _write_text(beside, webvtt(board))
    return {
        "film": str(path),
        "subtitles": None if beside is None else str(beside),
        "size": list(board.output_size),
        "fps": board.fps,
        "frames": board.frames,
        "seconds": round(board.frames / board.fps, 3),
        "shots": len(board.shots),
        "shots_drawn": drawn,
    }


def _write(
    application: "Application", story: str, path: Path, wanted: Sequence[tuple[str | None, str]] | None
) -> str:
    """Writes the storyboard of a story; returns who wrote it: the model's name, or "template"."""
    if wanted is None:
        roles = [Role.of(asset) for asset in application.records.newest_assets(TROUPE)]
    else:
        roles = [Role.of(application.asset(asset_id), name) for name, asset_id in wanted]
    settings, writer = application.settings, "template"
    text = write_yaml(plan(story, roles))  # also tells where nobody could play, before a model is asked

    def check(data: bytes) -> Storyboard:
        return checked_storyboard(data, path.parent, application.records.asset)

    if settings.llm_url is not None and settings.llm_model is not None:
        # As above: httpx takes 40 ms.
        from engine.storyboard.writer import Service, written_storyboard  # noqa: PLC0415

        service = Service(settings.llm_url, settings.llm_model, settings.llm_key)
        try:
            text, writer = written_storyboard(story, roles, service, check), settings.llm_model
        except WriterFailed as error:
            notes.print(f"{error} The storyboard is written by rules instead.", style="yellow")
    check(text.encode())
    _write_text(path, text)
    return writer


def _write_text(path: Path, text: str) -> None:
    try:
        with writing_whole(path) as file:
            file.write(text.encode())
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ExportFailed(
            f"The file {path} cannot be written ({reason}); name one in a folder that is there, that you can "
            "write, and that has space."
        ) from error
