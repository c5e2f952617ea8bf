"""Trains the clip judge on real sequences alone, and resumes where it stopped.

    python -m tools.train_clip_judge --minutes 28 --out runs/clip-judge [--export generators/weights/clip-judge]

It needs the set that tools.clip_dataset made and the latents that tools.train_clips keeps beside it. See
tools/training_run.py for what lies in the out folder; judge/ in it is what the package ships, with its score.
"""

import argparse
import os
import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import AutoencoderTiny

from generators.bundle import WEIGHTS_FOLDER
from generators.clip_judge import CLIP_JUDGE_FOLDER, ClipJudge
from generators.text_encoder import quiet_loading
from tools.clip_judge.examples import CLIPS, PICTURES, ExampleSet
from tools.clip_judge.export import write_clip_judge
from tools.clip_judge.score import score
from tools.clips.dataset import read_set
from tools.clips.sheet import strips
from tools.train_clips import encoded
from tools.training_run import Schedule, TrainingRun

EMA_DECAY = 0.99
WARMUP_STEPS = 60
WEIGHT_DECAY = 0.05
SMOOTHING = 0.05  # of the labels: the archive's own names for actions are not always right
NAMES = ("action", "facing")  # of the loss's terms


@dataclass(frozen=True)
class Plan:
    """What the command line asked for."""

    data: Path
    out: Path
    sprites: Path
    export: Path | None
    minutes: float
    clips: int
    learning_rate: float
    seed: int
    threads: int


class ClipJudgeRun(TrainingRun[ClipJudge]):
    """A training run of the clip judge."""

    def __init__(self, plan: Plan, judge: ClipJudge | None = None) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        schedule = Schedule(plan.out, plan.minutes, plan.learning_rate, EMA_DECAY, "average", WARMUP_STEPS)
        super().__init__(schedule, judge or ClipJudge(), torch.device("cpu"))
        for group in self.optimiser.param_groups:
            group["weight_decay"] = WEIGHT_DECAY

    def train_step(self, examples: ExampleSet) -> tuple[float, dict[str, list[float]]]:
        """One optimiser step; returns the loss and its two terms."""
        batch = examples.examples(self.step, self.plan.clips, PICTURES * self.plan.clips // CLIPS)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            actions = self.network(batch.clips, batch.references)
            facing = self.network.facing(batch.pictures)
        named = F.cross_entropy(actions.float(), batch.actions, label_smoothing=SMOOTHING)
        sided = F.binary_cross_entropy_with_logits(
            facing.float(), batch.left * (1 - SMOOTHING) + SMOOTHING / 2
        )
        self.learn(named + sided, self.plan.clips)
        terms: dict[str, list[float]] = defaultdict(list)
        for name, term in zip(NAMES, (named, sided), strict=True):
            terms[name].append(float(term.detach()))
        return float((named + sided).detach()), terms


def train(plan: Plan) -> dict[str, Any]:
    """Trains until the plan's minutes are spent or a signal asks to stop; returns the judge's score."""
    torch.set_num_threads(plan.threads)
    plan.out.mkdir(parents=True, exist_ok=True)
    made = read_set(plan.data)
    with quiet_loading():
        vae = AutoencoderTiny.from_pretrained(plan.sprites / "vae", dtype=torch.float32)
    latents, _ = encoded(vae, made, plan.data)
    examples = ExampleSet(made, latents, vae, plan.seed)
    run = ClipJudgeRun(plan)

    def sheet() -> None:
        batch = examples.examples(run.step, 8, 8)
        shown = torch.cat([batch.references[:, None], batch.clips], 1)
        strips([list(_pixels(row)) for row in shown], plan.out / f"sheet-{run.step:06d}.png")

    run.drive(lambda: run.train_step(examples), sheet)
    scored = score(run.average, made)
    write_clip_judge(run.average, plan.out / "judge", scored, run.examples)
    if plan.export:
        shutil.copytree(plan.out / "judge", plan.export, dirs_exist_ok=True)
    return scored


def _pixels(premultiplied: torch.Tensor) -> np.ndarray:
    """Examples (f 4 h w) as pictures to look at (f h w 4), on the ground of a sheet."""
    return ((premultiplied + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the clip judge; run again to resume.")
    parser.add_argument("--data", type=Path, default=Path("runs/clips"))
    parser.add_argument("--out", type=Path, default=Path("runs/clip-judge"))
    parser.add_argument("--sprites", type=Path, default=WEIGHTS_FOLDER / "sprite-64", help="whose latents")
    parser.add_argument("--export", type=Path, nargs="?", const=CLIP_JUDGE_FOLDER, help="also put it there")
    parser.add_argument("--minutes", type=float, default=28.0, help="in all, resumed parts included")
    parser.add_argument("--clips", type=int, default=CLIPS, help="in a batch")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    scored = train(Plan(**vars(parser.parse_args())))
    for action, one in scored["actions"].items():
        print(f"{action:<8} {one['right']:.1%} of {one['clips']}, chance {one['chance']:.1%}")
    print(f"mean     {scored['mean_right']:.1%}, chance {scored['mean_chance']:.1%}")
    for kind, one in scored["facing"].items():
        print(f"facing, {kind}: {one['right']:.1%} of {one['subjects']}")


if __name__ == "__main__":
    main()
