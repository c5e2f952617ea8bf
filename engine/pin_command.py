"""``lorespark pin``: who holds which asset, and to have it pinned and read back now."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from engine.errors import InvalidRequest
from engine.terminal import AsJson, errors, opened_application, out, print_json

_MARKS = {"pinned": "green", "failed": "red", "lost": "red"}


def pin(
    asset_ids: Annotated[
        list[str] | None, typer.Argument(help="Assets' ids; the newest if left out.", show_default=False)
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="Pin what is not pinned, and read back what is; then say.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the newest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Say which services hold the assets, and since when. Exits 1 where none does."""
    with errors(), opened_application(resume=False) as application:
        if not application.pinning.services:
            raise InvalidRequest(
                f"No service is listed in {application.settings.pinning_list}; docs/pinning.md says how to list one."
            )
        assets = (
            [application.asset(asset_id) for asset_id in asset_ids]
            if asset_ids
            else application.records.newest_assets(limit)
        )
        rows: list[dict[str, Any]] = []
        for asset in assets:
            records = application.pins.go_on(asset.asset_id) if now else application.pins.of(asset.asset_id)
            rows.append({"asset": asset.asset_id, "pins": [vars(record) for record in records]})
    held = all(any(each["status"] == "pinned" for each in row["pins"]) for row in rows)
    if as_json:
        print_json({"ok": held, "assets": rows})
    else:
        _tell(rows)
    if not held:
        raise typer.Exit(1)


def _tell(rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.print("There are no assets yet.")
    for row in rows:
        out.print(
            f"[bold]{escape(row['asset'])}[/]" + ("" if row["pins"] else "  never pinned; --now pins it")
        )
        for each in row["pins"]:
            colour = _MARKS.get(each["status"], "yellow")
            size = "" if each["bytes"] is None else f"  {each['bytes']:,d} bytes"
            out.print(
                f"  [{colour}]{each['status']:<8}[/] {escape(each['service']):<16} {each['root'] or ''}{size}  "
                f"read back {each['read_at'] or 'never'}"
            )
            if each["error"]:
                out.print(f"    {escape(each['error'])}")
