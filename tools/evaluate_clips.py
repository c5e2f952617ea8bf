"""Prints one table for any clip networks: do they move as asked, stay who they are, loop, and not flicker?

    python -m tools.evaluate_clips [--network FOLDER …] [--steps 4 8] [--clips 140] [--json FILE] [--panel FILE]

Every network sets the first pictures of the same real sequences in motion, with the same seeds, through the pipeline.
The judges look at these clips beside the real ones, and beside the first pictures standing still. The sequences are new
to the clip judge; ``tools.clip_judge.split`` says which are new to the networks too.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from generators.bundle import WEIGHTS_FOLDER
from generators.clip_judge import CLIP_JUDGE_FOLDER, ClipJudge, clip_judge_digest
from generators.judge import JUDGE_FOLDER, WEIGHTS, Judge, load_judge, read_config
from tools.clip_evaluation.measures import Measures, measure
from tools.clip_evaluation.report import Report, merge_json, report
from tools.clip_evaluation.sample import (
    ClipDrawer,
    Finishing,
    Pixels,
    Sample,
    finished,
    hard_outline,
    samples,
)
from tools.clips.dataset import read_set
from tools.clips.sheet import strips

# How drawn frames become what is measured: as users get them, or hardly changed. Figures of two do not compare.
FINISHINGS: Mapping[str, Finishing] = {each.__name__: each for each in (finished, hard_outline)}


def evaluate(
    drawer: ClipDrawer,
    asked: Sequence[Sample],
    actions: ClipJudge,
    pictures: Judge,
    beside: Mapping[str, list[Measures]],
    judges: Mapping[str, str],
) -> tuple[Report, list[Pixels]]:
    """Measures one network, and gives its clips too. ``beside``: the measures of the real and of the still clips;
    ``judges``: the digests of both."""
    clips = [
        drawer.draw(sample, seed)
        for seed, sample in enumerate(track(asked, f"{drawer.folder}, {drawer.steps} steps", transient=True))
    ]
    measured = {"generated": measure(asked, clips, actions, pictures), **beside}
    made = report(
        asked,
        measured,
        network=drawer.folder.parent.name,
        weights=drawer.weights,
        judges=judges,
        steps=drawer.steps,
        finishing=drawer.finishing.__name__,
    )
    return made, clips


def panel(asked: Sequence[Sample], columns: Sequence[Sequence[Pixels]], path: Path) -> None:
    """Of the first sample of every action and kind: the first picture and the real frames, and below it the clips of
    each network. Nothing is picked by hand."""
    first: dict[tuple[str, str], int] = {}
    for at, sample in enumerate(asked):
        first.setdefault((sample.row.action, sample.row.kind), at)
    lines = []
    for at in first.values():
        given = asked[at].reference
        lines.append([given, *asked[at].real])
        lines += [[given, *clips[at]] for clips in columns]
    strips(lines, path)


def show(reports: Sequence[Report]) -> None:
    """One table, a column for each report."""
    columns = [dict(one.rows()) for one in reports]
    table = Table("measure", *(f"{one.network}\n{one.weights[:12]}" for one in reports))
    for name in dict.fromkeys(name for column in columns for name in column):
        table.add_row(name, *(column.get(name, "") for column in columns))
    Console(highlight=False, width=56 + 64 * len(reports)).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure clip networks.")
    parser.add_argument(
        "--network",
        type=Path,
        nargs="*",
        default=[WEIGHTS_FOLDER / "clip-64" / "network"],
        help="their folders",
    )
    parser.add_argument(
        "--sprites", type=Path, default=WEIGHTS_FOLDER / "sprite-64", help="whose latents they draw"
    )
    parser.add_argument("--judge", type=Path, default=CLIP_JUDGE_FOLDER, help="the clip judge's folder")
    parser.add_argument("--data", type=Path, default=Path("runs/clips"))
    parser.add_argument("--finishing", choices=FINISHINGS, default=finished.__name__)
    parser.add_argument("--steps", type=int, nargs="*", default=[8], help="one column for each")
    parser.add_argument("--clips", type=int, default=140, help="drawn for each column")
    parser.add_argument("--json", type=Path, help="also put the figures there, beside what it holds")
    parser.add_argument("--panel", type=Path, help="also draw strips of clips there, real ones above")
    args = parser.parse_args()
    for folder in args.network:
        if not (folder / "config.json").is_file():
            parser.error(
                f"{folder} holds no clip network; give the folder that tools.train_clips wrote with --network"
            )
    actions, pictures = ClipJudge.load(args.judge), load_judge()
    judges = {
        "clip-judge": clip_judge_digest(args.judge),
        "judge": read_config(JUDGE_FOLDER)["files"][WEIGHTS],
    }
    asked = samples(read_set(args.data), args.clips)
    beside = {
        "real": measure(asked, [sample.real for sample in asked], actions, pictures),
        "still": measure(asked, [sample.still for sample in asked], actions, pictures),
    }
    reports, columns = [], []
    for folder in args.network:
        for steps in args.steps:
            began = time.monotonic()
            drawer = ClipDrawer(folder, args.sprites, steps, FINISHINGS[args.finishing])
            made, clips = evaluate(drawer, asked, actions, pictures, beside, judges)
            reports.append(made)
            columns.append(clips)
            print(f"{folder}, {steps} steps: {time.monotonic() - began:.0f} s", flush=True)
    show(reports)
    if args.panel:
        panel(asked, columns, args.panel)
    if args.json:
        merge_json(args.json, reports)


if __name__ == "__main__":
    main()
