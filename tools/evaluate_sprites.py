"""Prints one table for any pipeline folders, side by side: does it draw what was asked, like real art, and anew?

    python -m tools.evaluate_sprites [FOLDER …] [--pictures 256] [--steps 4] [--guidance 1] [--json FILE]

Without folders the bundled ones are measured. Every folder draws the same captions with the same seeds through the
product's pipeline and finishing, and the bundled judge looks at them beside real pictures that it never saw.
"""

import argparse
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from generators.bundle import WEIGHTS_FOLDER
from generators.judge import JUDGE_FOLDER, WEIGHTS, load_judge, read_config
from generators.novelty import NoveltyIndex
from generators.text_encoder import load_text_encoder
from tools.build_novelty_index import training_index
from tools.evaluation.adherence import adherence
from tools.evaluation.colour import colour_adherence
from tools.evaluation.composition import composition
from tools.evaluation.drawing import Drawer
from tools.evaluation.exactness import exactness
from tools.evaluation.fidelity import fidelity
from tools.evaluation.loss import held_out_loss
from tools.evaluation.novelty import novelty
from tools.evaluation.report import Report, merge_json
from tools.evaluation.sample import Real, sample
from tools.evaluation.variety import variety
from tools.sprites.dataset import read_set
from tools.sprites.text_cache import read_text_cache

EXACTNESS_PROMPT = {32: "red dragon monster", 64: "red dragon"}


def evaluate(
    drawer: Drawer, full: Drawer, real: Real, index: NoveltyIndex, pictures: int, with_exactness: bool
) -> Report:
    """Measures one pipeline; ``full`` is the same folder in float32."""
    groups = sample(real, drawer, pictures)
    return Report(
        model=drawer.model,
        weights=drawer.weights,
        judge=read_config(JUDGE_FOLDER)["files"][WEIGHTS],
        steps=drawer.steps,
        guidance=drawer.guidance,
        precision=drawer.precision,
        size_px=drawer.size_px,
        adherence={group.name: adherence(group, real) for group in groups},
        fidelity=fidelity(groups, real),
        variety=variety(real, drawer),
        novelty=novelty(groups, real, index),
        composition=composition(real, drawer, pictures // 4),
        held_out_loss=held_out_loss(full.pipeline, real.pictures, real.text),
        colour_adherence=colour_adherence(drawer),
        exactness=exactness(drawer, full, EXACTNESS_PROMPT[drawer.size_px]) if with_exactness else {},
    )


def show(reports: list[Report]) -> None:
    """One table, a column for each report; rows that a report lacks stay empty."""
    columns = [dict(report.rows()) for report in reports]
    table = Table("measure", *(f"{report.model}\n{report.weights[:12]}" for report in reports))
    for name in dict.fromkeys(name for column in columns for name in column):
        table.add_row(name, *(column.get(name, "") for column in columns))
    Console(highlight=False, width=72 + 68 * len(reports)).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure sprite pipelines.")
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--data", type=Path, default=Path("runs/dataset"))
    parser.add_argument("--pictures", type=int, default=256, help="drawn for the main sample of each folder")
    parser.add_argument("--steps", type=int, nargs="*", help="one column for each; default: the model's own")
    parser.add_argument("--guidance", type=float, help="default: the model's own")
    parser.add_argument("--json", type=Path, help="also put the figures there, beside what it holds")
    parser.add_argument("--no-exactness", action="store_true", help="leave the pixel comparisons out")
    args = parser.parse_args()
    encoder, judge = load_text_encoder(), load_judge()
    digest = read_config(JUDGE_FOLDER)["files"][WEIGHTS]
    index = training_index(args.data, judge, digest)
    reals: dict[int, Real] = {}
    reports = []
    for folder in args.folders or sorted(WEIGHTS_FOLDER.glob("sprite-*")):
        for steps in args.steps or [None]:
            began = time.monotonic()
            drawer = Drawer.load(folder, encoder, steps, args.guidance)
            full = Drawer.load(folder, encoder, steps, args.guidance, "fp32")
            size = drawer.size_px
            if size not in reals:
                reals[size] = Real(
                    read_set(args.data, size), read_text_cache(args.data, size), judge, encoder
                )
            report = evaluate(drawer, full, reals[size], index, args.pictures, not args.no_exactness)
            reports.append(report)
            print(f"{folder}, {drawer.steps} steps: {time.monotonic() - began:.0f} s", flush=True)
    show(reports)
    if args.json:
        merge_json(args.json, reports)


if __name__ == "__main__":
    main()
