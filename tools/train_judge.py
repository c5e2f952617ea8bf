"""Trains the judge, an image-text model, on real sprites alone, and resumes where it stopped.

    python -m tools.train_judge --minutes 12 --out runs/judge [--export generators/weights/judge]

The out folder holds state.pt, log.csv and judge/ (the average, fp16, with its score in config.json). Creating a file
named ``pause`` there makes the run wait until it is removed.
"""

import argparse
import copy
import csv
import math
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from generators.bundle import SIZES_PX
from generators.judge import JUDGE_FOLDER, Judge
from tools.judge.examples import FINE_SHARE, Examples, ExampleSet, Vocabulary
from tools.judge.export import write_judge
from tools.judge.score import score
from tools.sprites.dataset import SpriteSet, read_set
from tools.sprites.text_cache import TextCache, read_text_cache
from tools.training_run import stopping_signals

EMA_DECAY = 0.99
WARMUP_STEPS = 60
NAMING_WEIGHT = 0.5  # of the words beside the captions in the loss


@dataclass(frozen=True)
class Plan:
    """What the command line asked for."""

    data: Path
    out: Path
    export: Path | None
    minutes: float
    batch: int
    learning_rate: float
    weight_decay: float
    seed: int
    threads: int


class Run:
    """A training run: the judge, its average, optimiser and clock."""

    def __init__(self, plan: Plan, words: int) -> None:
        self.plan = plan
        self.step, self.seconds = 0, 0.0
        torch.manual_seed(plan.seed)
        self.judge = Judge().to(memory_format=torch.channels_last).train()
        self.average = copy.deepcopy(self.judge).requires_grad_(False).eval()
        self.namer = nn.Linear(self.judge.shape.features, words)
        self.optimiser = torch.optim.AdamW(
            [*self.judge.parameters(), *self.namer.parameters()],
            plan.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=plan.weight_decay,
        )
        if (plan.out / "state.pt").exists():
            state = torch.load(plan.out / "state.pt", weights_only=True)
            self.judge.load_state_dict(state["judge"])
            self.average.load_state_dict(state["average"])
            self.namer.load_state_dict(state["namer"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.seconds = state["step"], state["seconds"]
            print(f"resumed at step {self.step:,d}, {self.seconds / 60:.1f} minutes")

    def save(self) -> None:
        """Writes the state; a run killed while saving keeps the last one."""
        state = {
            "judge": self.judge.state_dict(),
            "average": self.average.state_dict(),
            "namer": self.namer.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        torch.save(state, self.plan.out / "state.pt.new")
        os.replace(self.plan.out / "state.pt.new", self.plan.out / "state.pt")  # noqa: PTH105 - the atomic one

    def learning_rate(self) -> float:
        """Warm-up, then half a cosine over the planned minutes."""
        done = min(1.0, self.seconds / (self.plan.minutes * 60))
        fall = 0.5 * (1 + math.cos(math.pi * done))
        return self.plan.learning_rate * min(1.0, (self.step + 1) / WARMUP_STEPS) * max(0.01, fall)

    def train_step(self, examples: Examples) -> float:
        """One optimiser step; returns the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            pictures = self.judge.pictures(examples.pixels)
            captions = self.judge.captions(examples.states, examples.mask)
        logits = self.judge.temperature() * pictures.float() @ captions.float().T
        loss = info_nce(logits, examples.allowed)
        (loss + NAMING_WEIGHT * self.naming(pictures.float(), examples.words)).backward()
        torch.nn.utils.clip_grad_norm_(self.judge.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.judge.parameters()), 1 - decay)
        self.step += 1
        return loss.item()

    def naming(self, pictures: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Cross-entropy of naming the words of a picture's captions (Mahajan et al. 2018, section 2.2).

        A batch gives a picture a hundred captions to choose from; this gives it a thousand words, and a small set is
        learnt in far fewer steps.
        """
        logits = self.namer(pictures * math.sqrt(pictures.shape[1]))
        return -(words * logits.log_softmax(1)).sum(1).mean()


def info_nce(logits: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """Symmetric cross-entropy over the rows and columns of ``logits`` (b b), as in CLIP's figure 3.

    Pairs that are not ``allowed`` count as neither right nor wrong.
    """
    logits = logits.masked_fill(~allowed, float("-inf"))
    right = torch.arange(len(logits))
    return (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2


def train(plan: Plan) -> dict[str, dict[str, float]]:
    """Trains until the plan's minutes are spent or a signal asks to stop; returns the judge's score."""
    torch.set_num_threads(plan.threads)
    plan.out.mkdir(parents=True, exist_ok=True)
    sets: dict[int, tuple[SpriteSet, TextCache]] = {
        size: (read_set(plan.data, size), read_text_cache(plan.data, size)) for size in SIZES_PX
    }
    vocabulary = Vocabulary(pictures for pictures, _ in sets.values())
    examples = {size: ExampleSet(*both, size, vocabulary) for size, both in sets.items()}
    run = Run(plan, len(vocabulary))
    losses: list[float] = []
    saved = time.monotonic()
    with stopping_signals() as stopping, (plan.out / "log.csv").open("a", newline="") as log:
        writer = csv.writer(log)
        while run.seconds < plan.minutes * 60 and not stopping:
            while (plan.out / "pause").exists() and not stopping:
                time.sleep(1)
            began = time.monotonic()
            draw = np.random.default_rng((plan.seed, run.step))
            size = 64 if draw.random() < FINE_SHARE else 32
            loss = run.train_step(examples[size].examples(draw, plan.batch))
            if not math.isfinite(loss):
                raise SystemExit(
                    f"The loss is {loss} at step {run.step}; lower --learning-rate and run again to resume."
                )
            run.seconds += min(time.monotonic() - began, 30.0)  # a frozen process must not count its sleep
            losses.append(loss)
            if run.step % 50 == 0:
                rate = run.step * plan.batch / run.seconds
                row = [run.step, round(run.seconds), f"{np.mean(losses):.4f}", f"{rate:.0f}"]
                writer.writerow(row)
                log.flush()
                print(*row, flush=True)
                losses.clear()
            if time.monotonic() - saved > 120:
                run.save()
                saved = time.monotonic()
    run.save()
    scored = score(run.average, sets)
    write_judge(run.average, plan.out / "judge", scored, pictures=run.step * plan.batch)
    if plan.export:
        shutil.copytree(plan.out / "judge", plan.export, dirs_exist_ok=True)
    return scored


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the judge; run again to resume.")
    parser.add_argument("--data", type=Path, default=Path("runs/dataset"))
    parser.add_argument("--out", type=Path, default=Path("runs/judge"))
    parser.add_argument("--export", type=Path, nargs="?", const=JUDGE_FOLDER, help="also put it there")
    parser.add_argument("--minutes", type=float, default=12.0, help="in all, resumed parts included")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    for group, row in train(Plan(**vars(parser.parse_args()))).items():
        print(group, " ".join(f"{name}={value:.3f}" for name, value in row.items()))


if __name__ == "__main__":
    main()
