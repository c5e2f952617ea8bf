"""``python -m tools.bench [GROUP …]``: prints the tables and writes them to bench/latest.json."""

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools.bench import api, assets, chain, clips, quality, sprites, web
from tools.bench.figure import Figure

GROUPS: dict[str, Callable[[], Iterator[Figure]]] = {
    "sprites": sprites.figures,
    "quality": quality.figures,
    "clips": clips.figures,
    "assets": assets.figures,
    "chain": chain.figures,
    "api": api.figures,
    "web": web.figures,
}
LATEST = Path("bench/latest.json")


def machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), model)
    names = ("torch", "diffusers", "web3", "py-evm", "pillow")
    return f"{model}, {os.cpu_count()} cores; " + ", ".join(f"{name} {version(name)}" for name in names)


def _digits(value: float) -> str:
    """Three digits, or all of a number's whole part: 9,484 gas is not 9.48e+03."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def main() -> None:
    wanted = sys.argv[1:] or list(GROUPS)
    if unknown := set(wanted) - GROUPS.keys():
        raise SystemExit(f"There is no group {', '.join(sorted(unknown))}; use {', '.join(GROUPS)}.")
    console = Console(highlight=False)
    console.print(machine())
    measured: dict[str, object] = {}
    for group in wanted:
        table = Table("figure", "value", "unit", "goal", "meets", "how", title=group, title_justify="left")
        for figure in GROUPS[group]():
            bound = "" if figure.goal is None else f"{'≤' if figure.at_most else '≥'} {figure.goal:g}"
            meets = {None: "", True: "yes", False: "NO"}[figure.meets]
            table.add_row(figure.name, _digits(figure.value), figure.unit, bound, meets, figure.note)
            measured[figure.name] = figure.to_json()
        console.print(table)
    LATEST.parent.mkdir(exist_ok=True)
    earlier = json.loads(LATEST.read_text(encoding="utf-8")) if LATEST.exists() else {}
    LATEST.write_text(json.dumps(earlier | measured, indent=1) + "\n", encoding="utf-8")
    console.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, written to {LATEST}")


if __name__ == "__main__":
    main()
