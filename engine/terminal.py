"""What every command does with the terminal: one sentence for an error, one JSON object for an answer."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from assets.errors import AssetsError
from chain.errors import ChainError
from engine.data_folder import unusable
from engine.errors import EngineError
from engine.settings import Settings
from generators.errors import GeneratorError

if TYPE_CHECKING:  # see opened_application
    from engine.app import Application

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
STOPPED = 130  # what shells give for ctrl-C

out = Console(highlight=False, emoji=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, emoji=False, markup=False, soft_wrap=True)


@contextmanager
def errors() -> Iterator[None]:
    """Turns every foreseen error into its one sentence and exit code 1."""
    try:
        yield
    except (EngineError, GeneratorError, AssetsError, ChainError) as error:
        fail(str(error))
    except BrokenPipeError:
        raise  # who read the output went away
    except OSError as error:
        fail(str(unusable(Settings.from_environment().data_dir, error)))
    except KeyboardInterrupt:
        fail("Stopped. Unfinished jobs go on at the next start.", code=STOPPED)


def fail(sentence: str, code: int = 1) -> NoReturn:
    """Prints the sentence on stderr and ends the command."""
    notes.print(sentence, style="red")
    raise typer.Exit(code)


@contextmanager
def opened_application(resume: bool = True) -> "Iterator[Application]":
    """The application over the configured data folder, after it finished what an earlier run left unfinished.

    Without ``resume`` that is left to the worker that will run in this process.
    """
    # It imports web3, which takes a second; a wrong request or setting must not wait for it.
    from engine.app import Application  # noqa: PLC0415

    with Application.open(Settings.from_environment()) as application:
        if resume and (unfinished := application.unfinished()):
            what = "job that was" if unfinished == 1 else "jobs that were"
            notes.print(f"Finishing {unfinished} {what} interrupted …")
            for told in application.resume():
                notes.print(told, style="yellow")
        yield application


def print_json(value: dict[str, Any]) -> None:
    """Prints the one object that a command answers with."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")  # ASCII, which every terminal and pipe can carry
