"""``lorespark list`` and ``models``: what is there."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from engine.answers import asset_json
from engine.settings import Settings
from engine.terminal import AsJson, errors, opened_application, out, print_json
from generators.model_entry import ModelEntry, read_model_entries
from generators.recipe import Quality


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
        | {"where": "bundled", "loras": [], "draws": m.draws}
        for m in bundled.values()
    ]
    rows += [
        {"id": e.id, "size": e.size, "steps": e.steps, "guidance": e.guidance, "licence": e.licence}
        | {"where": e.where, "loras": [lora.path for lora in e.loras]}
        | _drawn(e)
        for e in entries
    ]
    if as_json:
        print_json({"models": rows})
        return
    table = Table("model", "draws", "px", "steps", "licence", "where", box=None, pad_edge=False)
    for row in rows:
        clip = "frames" in row
        draws = f"clips: {row['frames']} frames, {row['fps']:g} fps" if clip else row["draws"]
        px = f"{row['width']} x {row['height']}" if clip else str(row["size"])
        table.add_row(row["id"], draws, px, str(row["steps"]), escape(row["licence"]), escape(row["where"]))
    out.print(table)


def _drawn(entry: ModelEntry) -> dict[str, Any]:
    """What a configured model draws; at a hub id only what its entry says of it."""
    video = entry.video
    if video is None:
        return {"draws": "pictures"}
    return {
        "draws": "clips",
        "pipeline": video.pipeline,
        "from_picture": video.from_picture,
        "frames": video.frames,
        "frames_max": video.frames_max,
        "frames_step": video.frames_step,
        "fps": video.fps,
        "width": video.width,
        "height": video.height,
    }
