"""Waiting for a server's creations in the terminal."""

from collections.abc import Sequence

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from engine.sdk import Client, Creation, Progress
from engine.terminal import STOPPED, fail, notes


def drawn_with_bar(client: Client, creations: Sequence[Creation]) -> list[Creation]:
    """The creations with their assets, in the same order, after a bar that all of them fill.

    Ctrl-C ends the waiting, not the drawing. Raises CreationFailed.
    """
    total, finished = sum(creation.count for creation in creations), 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    drawn = []
    try:
        with Bar(*columns, console=notes, transient=True, disable=not notes.is_terminal) as bar:
            place = creations[0].queue_place
            waiting = "waiting" if place is None else f"waiting, {place} in the queue"
            task = bar.add_task(waiting, total=total)
            for creation in creations:

                def tell(progress: Progress, before: int = finished) -> None:
                    step = progress.step / progress.steps if progress.steps else 0
                    bar.update(task, completed=before + progress.done + step, description="drawing")

                drawn.append(client.creations.wait(creation.id, on_progress=tell))
                finished += creation.count
                bar.update(task, completed=finished, description="drawing")
    except KeyboardInterrupt:
        ids = ", ".join(creation.id for creation in creations[:3]) + (" …" if len(creations) > 3 else "")
        fail(
            f"Stopped waiting. The server goes on with {ids}; `lorespark list` shows what it makes.", STOPPED
        )
    return drawn
