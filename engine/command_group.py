"""Which commands there are: those over this machine's data folder, and by the same names those that ask a server."""

from typing import Any

from typer.core import TyperCommand, TyperGroup

from engine.remote.server_option import SERVER
from engine.terminal import fail


class Commands(TyperGroup):
    """With ``--server`` each name is looked up among what a server can be asked for."""

    # Typer brings a click of its own or uses the package, as its version has it, so click's types are not named.
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        local = super().get_command(ctx, cmd_name)
        if local is None or not ctx.params.get(SERVER):
            return local
        # It imports the SDK with its HTTP client, a fifth of a second that no local command should wait for.
        from engine.remote.commands import remote_commands  # noqa: PLC0415

        return remote_commands().get(cmd_name) or _local_only(cmd_name)


def _local_only(name: str) -> TyperCommand:
    """Says that a command cannot be asked of a server, whatever it was given."""

    def refuse(*_: Any, **__: Any) -> None:
        fail(f"`lorespark {name}` works on this machine alone; leave out --{SERVER} and LORESPARK_SERVER.")

    return TyperCommand(
        name,
        callback=refuse,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
    )
