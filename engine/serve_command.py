"""``lorespark serve``: the HTTP server, until it is told to end."""

import gc
import signal
import socket
import sys
from types import FrameType
from typing import Annotated

import typer

from engine.errors import AddressUnusable
from engine.terminal import AsJson, errors, opened_application, out, print_json

# What answers in progress get after the signal to end; whoever runs the server kills it after about 30 s.
GRACE_S = 10
SWITCH_S = 0.001  # Python's own 5 ms are for work without a hurry
_BACKLOG = 2048  # connections that wait to be accepted


def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen at; by default this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any free one.")] = 8000,
    worker: Annotated[
        bool,
        typer.Option(help="Whether jobs are done in this process too; else `lorespark worker` does them."),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Serve assets over HTTP, with health and metrics, until ctrl-C or SIGTERM."""
    with errors(), opened_application(resume=False) as application:
        # They import FastAPI and uvicorn, half a second that no other command needs.
        from uvicorn import Config, Server  # noqa: PLC0415

        from engine.database.browsers import add_entry  # noqa: PLC0415
        from engine.jobs.opening import start_worker  # noqa: PLC0415
        from engine.server.app import server  # noqa: PLC0415

        _ = application.moderator  # a deny list that cannot be read is told now, not to the first who asks
        with application.records.database.writing() as connection:
            token = add_entry(connection)
        with listening(host, port) as listener:
            app = server(application)
            app.state.listens_at = listener.getsockname()[:2]
            if worker:
                start_worker(application)
            config = Config(
                app,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
            )
            running = Server(config)

            handle_exit = running.handle_exit

            def end(number: int, frame: FrameType | None) -> None:
                app.state.event_feed.close()  # streams that would not end by themselves
                handle_exit(number, frame)

            running.handle_exit = end  # type: ignore[method-assign]
            # uvicorn raises the signal anew once it has ended, which would make a clean end look like a crash.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, end)
            told = address(listener)
            link = entry_link(application.settings.public_url or told, token)
            if as_json:
                print_json({"address": told, "link": link})
            else:
                out.print(f"Serving at [bold]{told}[/]. Stop with ctrl-C.")
                out.print(f"Create in a browser: [bold]{link}[/] (signs one browser in, once)")
                out.print("For programs, make an API key with [bold]lorespark api-key create[/].")
            out.file.flush()
            # What was imported stays for ever; looking through it again and again would hold answers up.
            gc.collect()
            gc.freeze()
            # An answer passes between the event loop and a thread some times; each time it may wait for this long.
            sys.setswitchinterval(SWITCH_S)
            running.run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at ``host`` and ``port``. Raises AddressUnusable."""
    try:
        # TCP by name: asyncio sends an answer's last part without waiting only on a socket that says what it is.
        # Else each answer takes the 40 ms after which the other side acknowledges the part before.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, where = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart need not wait
            listener.bind(where)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener
    except (OSError, UnicodeError) as error:  # of a name that is none
        reason = (getattr(error, "strerror", None) or "no such address").lower()
        raise AddressUnusable(
            f"The server cannot listen at {host[:200]!r}, port {port} ({reason}); give another --port or --host."
        ) from error


def entry_link(site: str, token: str) -> str:
    """What a person opens to sign a browser in at the server that ``site`` leads to."""
    return f"{site}/enter?token={token}"


def address(listener: socket.socket) -> str:
    """The URL that reaches ``listener``."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
