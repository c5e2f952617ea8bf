"""``lorespark worker``: does jobs of a shared database until it is told to end."""

import signal
import threading
from typing import Annotated

import typer

from engine.errors import InvalidSettings
from engine.settings import Settings
from engine.terminal import AsJson, errors, opened_application, out, print_json

# engine.database.jobs.QUEUES, without importing a database
_QUEUES = "generate,mint,verify,voucher,pin,deliver,expire,index"


def worker(
    queues: Annotated[str, typer.Option(help="Which jobs it does, with commas between.")] = _QUEUES,
    concurrency: Annotated[
        int, typer.Option(min=1, max=256, help="How many jobs of each queue it does at once.")
    ] = 4,
    models: Annotated[
        str | None,
        typer.Option(help="Ids of the models it draws with, with commas between; all installed if left out."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Do jobs of the PostgreSQL database that LORESPARK_DATABASE_URL names, until ctrl-C or SIGTERM."""
    wanted = _listed(queues)
    if not wanted or (unknown := set(wanted) - set(_QUEUES.split(","))):
        told = f"{min(unknown)!r} is none" if wanted else "none is named"
        raise typer.BadParameter(f"{told}; the queues are {_QUEUES}.", param_hint="--queues")
    with errors():
        if Settings.from_environment().database_url is None:
            raise InvalidSettings(
                "A worker of its own needs LORESPARK_DATABASE_URL, a PostgreSQL database; with SQLite "
                "`lorespark serve` does the jobs."
            )
        with opened_application(resume=False) as application:
            from engine.jobs.opening import start_worker  # noqa: PLC0415  as opened_application says

            ended = threading.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: ended.set())
            start_worker(application, wanted, concurrency, None if models is None else _listed(models))
            if as_json:
                print_json({"worker": application.jobs.presence.worker_id, "queues": list(wanted)})
            else:
                out.print(f"Working on [bold]{', '.join(wanted)}[/]. Stop with ctrl-C.")
            out.file.flush()
            ended.wait()


def _listed(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
