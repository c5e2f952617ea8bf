"""``lorespark …``: the command line over one data folder."""

# torch, diffusers and web3 take seconds to import. `--help`, a wrong option or an empty prompt must not wait for
# them, so engine.app and what needs them are imported inside the commands.
import os
import sys
import time
import warnings
from typing import Any

import typer
from rich.markup import escape

from engine.animate_command import animate, sheet
from engine.answers import asset_json, checks_json, mint_json
from engine.api_key_commands import api_key_app
from engine.check_command import check
from engine.collection_command import collection
from engine.command_group import Commands
from engine.create_commands import create, draw_with_bar, vary
from engine.keys_commands import keys_app
from engine.link_command import link
from engine.list_commands import list_assets, models
from engine.pin_command import pin
from engine.remote.server_option import ServerOption
from engine.serve_command import serve
from engine.settings import Settings
from engine.storyboard_command import storyboard
from engine.style_commands import style_app
from engine.terminal import STOPPED, AsJson, errors, notes, opened_application, out, print_json
from engine.token_commands import all_hold, export, mint, verify
from engine.worker_command import worker

app = typer.Typer(
    name="lorespark",
    cls=Commands,
    help="Prompts become sprites, sprites become tokens that anyone can verify.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (
    create,
    vary,
    animate,
    sheet,
    collection,
    storyboard,
    check,
    mint,
    verify,
    export,
    pin,
    models,
):
    app.command()(command)
app.command(name="list")(list_assets)
app.command()(serve)
app.command()(worker)
app.command()(link)
app.add_typer(style_app, name="style")
app.add_typer(api_key_app, name="api-key")
app.add_typer(keys_app, name="keys")


@app.callback()
def choose_server(server: ServerOption = None) -> None:
    """Prompts become sprites, sprites become tokens that anyone can verify."""


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
        creation_id, assets = draw_passing(application, lambda recipes: draw_with_bar(application, recipes))
        rows: list[dict[str, Any]] = []
        for asset in assets:
            minted = application.mint(asset.asset_id)
            checks = application.verify(int(minted.mint.token_id or 0))
            rows.append(
                asset_json(application, asset) | {"mint": mint_json(minted), "verify": checks_json(checks)}
            )
            if not as_json:
                told = "verified from the chain back to the pixels" if all_hold(checks) else "NOT verified"
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


if __name__ == "__main__":
    main()
