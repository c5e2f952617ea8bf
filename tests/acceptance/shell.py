"""The installed command, run over one data folder as a person or a script would."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.app import Application
from engine.settings import Settings

LORESPARK = Path(sys.executable).with_name("lorespark")
TIMEOUT_S = 240  # a busy machine, and the torch import of a cold disk


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was answered; nothing but it may have been printed, on either stream."""
        assert (self.code, self.err) == (0, ""), self
        return json.loads(self.out)

    def assert_sentence(self, *words: str) -> None:
        """Exit 1, nothing on stdout, one line on stderr that holds each of the words."""
        assert "Traceback" not in self.err, self.err
        assert (self.code, self.out) == (1, ""), self
        assert len(self.err.splitlines()) == 1, self.err
        assert self.err.endswith(".\n"), self.err
        for word in words:
            assert word in self.err, self.err


@dataclass(frozen=True)
class Shell:
    """Runs the installed command over one data folder."""

    folder: Path
    environment: tuple[tuple[str, str], ...] = ()

    def run(self, *arguments: str | Path) -> Answer:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LORESPARK_")}
        done = subprocess.run(
            [LORESPARK, *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
            env={**kept, "LORESPARK_DATA_DIR": str(self.folder), **dict(self.environment)},
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    @property
    def settings(self) -> Settings:
        return Settings.from_environment({"LORESPARK_DATA_DIR": str(self.folder)})


def unfinished(shell: Shell) -> int:
    with Application.open(shell.settings) as application:
        return application.unfinished()
