"""The one direction between packages (see CONTRIBUTING.md), held by reading the imports of every module."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {"engine", "generators", "npc", "chain", "assets"}
MAY_IMPORT = {
    "engine": {"engine", "generators", "npc", "chain", "assets"},
    "generators": {"generators"},
    "npc": {"npc"},
    "chain": {"chain"},
    "assets": {"assets"},
}
MODULES = sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py") if "node_modules" not in p.parts)


def imported_modules(path: Path) -> set[str]:
    """Absolute names of the modules that the source file at ``path`` imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import on line {node.lineno}"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_the_rooms_below_it(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    reached = {name.split(".")[0] for name in imported_modules(path)} & (ROOMS | {"tools", "tests"})
    assert reached <= MAY_IMPORT[room]


@pytest.mark.parametrize("part", ["world", "client"])
def test_the_game_rules_and_the_client_reach_nothing_but_the_rules(part: str) -> None:
    for path in (ROOT / "engine" / part).rglob("*.py"):
        inside = {name for name in imported_modules(path) if name.split(".")[0] in ROOMS}
        assert all(name.startswith(("engine.world", f"engine.{part}")) for name in inside), path


def test_no_import_cycles() -> None:
    names = {}
    for path in MODULES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph = {name: imported_modules(path) & names.keys() - {name} for name, path in names.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for target in graph[name]:
                visit(target, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())
