"""A training run: a network, its average, its optimiser, its clock and its files; it stops, waits and resumes.

The out folder holds state.pt (everything a resumed run needs), log.csv (step, seconds, examples seen, learning rate,
loss, loss by kind) and the average as fp16. Creating a file named ``pause`` there makes the run wait until it is
removed.
"""

import copy
import csv
import math
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from diffusers import ModelMixin
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

WARMUP_STEPS = 300
COOLDOWN_SHARE = 0.3  # of the run: the learning rate falls to a fiftieth of its peak over it
SAVE_EVERY_S, DRAW_EVERY_S = 180.0, 900.0

Network = TypeVar("Network", bound=ModelMixin)


@dataclass(frozen=True)
class Schedule:
    """``minutes``: training time in all, resumed parts included; ``learning_rate``: its peak, ``warmup_steps``: how
    long it rises; ``ema_decay``: how much of the average stays at each step; ``folder``: the name of the fp16 average
    within ``out``."""

    out: Path
    minutes: float
    learning_rate: float
    ema_decay: float
    folder: str
    warmup_steps: int = WARMUP_STEPS


class TrainingRun(Generic[Network]):
    """Resumes from ``schedule.out`` where a state lies there."""

    def __init__(self, schedule: Schedule, network: Network, device: torch.device) -> None:
        self.schedule, self.device = schedule, device
        self.step, self.examples, self.seconds = 0, 0, 0.0
        self.network = network.to(device, memory_format=torch.channels_last).train()
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), schedule.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4
        )
        if (schedule.out / "state.pt").exists():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self.schedule.out / "state.pt", map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.examples, self.seconds = state["step"], state["pictures"], state["seconds"]
        print(f"resumed at step {self.step:,d}, {self.examples:,d} seen, {self.seconds / 60:.0f} minutes")

    def save(self) -> None:
        """Writes the state and the fp16 average; a run killed while saving keeps the last state."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "pictures": self.examples,
            "seconds": self.seconds,
        }
        temporary = self.schedule.out / "state.pt.new"
        torch.save(state, temporary)
        os.replace(temporary, self.schedule.out / "state.pt")  # noqa: PTH105 - the atomic one
        copy.deepcopy(self.average).to(torch.float16).save_pretrained(
            self.schedule.out / self.schedule.folder
        )

    def learning_rate(self) -> float:
        """Warm-up, a plateau, and a linear fall over the last part of the planned minutes."""
        done = min(1.0, self.seconds / (self.schedule.minutes * 60))
        fall = 1.0 if done < 1 - COOLDOWN_SHARE else max(0.02, (1 - done) / COOLDOWN_SHARE)
        return self.schedule.learning_rate * min(1.0, (self.step + 1) / self.schedule.warmup_steps) * fall

    def learn(self, loss: torch.Tensor, examples: int) -> None:
        """One optimiser step down ``loss``, which ``examples`` examples were seen for."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._follow()
        self.step += 1
        self.examples += examples

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.schedule.ema_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1 - decay)

    def drive(
        self, train_step: Callable[[], tuple[float, dict[str, list[float]]]], sheet: Callable[[], None]
    ) -> None:
        """Calls ``train_step``, which gives the loss and its terms by kind, until the minutes are spent or a signal
        asks to stop; saves now and then, and draws a ``sheet`` of samples."""
        out, minutes = self.schedule.out, self.schedule.minutes
        losses: dict[str, list[float]] = defaultdict(list)
        saved = drawn = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with (
            stopping_signals() as stopping,
            Progress(*columns, refresh_per_second=1) as bar,
            (out / "log.csv").open("a", newline="") as log,
        ):
            task = bar.add_task("training", total=minutes * 60, completed=self.seconds)
            writer = csv.writer(log)
            while self.seconds < minutes * 60 and not stopping:
                while (out / "pause").exists() and not stopping:
                    time.sleep(1)
                began = time.monotonic()
                loss, by_kind = train_step()
                if not math.isfinite(loss):
                    raise SystemExit(
                        f"The loss is {loss} at step {self.step}; lower --learning-rate and run again to resume."
                    )
                # A paused or frozen process must not count its sleep as training.
                self.seconds += min(time.monotonic() - began, 30.0)
                losses["all"].append(loss)
                for kind, values in by_kind.items():
                    losses[kind] += values
                bar.update(task, completed=self.seconds, description=f"step {self.step:,d} loss {loss:.3f}")
                if self.step % 100 == 0:
                    means = {kind: sum(values) / len(values) for kind, values in sorted(losses.items())}
                    row = [self.step, round(self.seconds), self.examples, f"{self.learning_rate():.2e}"]
                    writer.writerow(row + [f"{kind}={mean:.4f}" for kind, mean in means.items()])
                    log.flush()
                    losses.clear()
                if time.monotonic() - saved > SAVE_EVERY_S:
                    self.save()
                    saved = time.monotonic()
                if time.monotonic() - drawn > DRAW_EVERY_S:
                    sheet()
                    drawn = time.monotonic()
        self.save()
        sheet()


@contextmanager
def stopping_signals() -> Iterator[list[int]]:
    """A list that is empty until this process is asked to stop; the signals do nothing else meanwhile."""
    asked: list[int] = []
    wanted = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda got, _: asked.append(got)) for number in wanted]
    try:
        yield asked
    finally:
        for number, handler in zip(wanted, before, strict=True):
            signal.signal(number, handler)
