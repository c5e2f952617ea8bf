"""A command that is stopped, and the start after it."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time

from tests.acceptance.shell import LORESPARK, TIMEOUT_S, Shell

STOP_TIMEOUT_S = 20  # far less than what it draws would take to end on a busy machine


# ------------------------------------------------------------------ interruptions
def test_ctrl_c_stops_at_once_and_the_next_start_finishes_the_job(shell: Shell) -> None:
    environment = {**os.environ, "LORESPARK_DATA_DIR": str(shell.folder)}
    command = [LORESPARK, "create", "a potion", "--kind", "item", "--steps", "200", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        wait_for_running_creation(shell, process)
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        out, err = process.communicate(timeout=STOP_TIMEOUT_S)
        assert time.monotonic() - begun < STOP_TIMEOUT_S
    assert (process.returncode, out) == (130, "")
    assert err == "Stopped. Unfinished jobs go on at the next start.\n"
    later = shell.run("list", "--json")
    assert (later.code, later.err) == (0, "Finishing 1 job that was interrupted …\n")
    assert len(json.loads(later.out)["assets"]) == 1
    assert shell.run("list", "--json").err == ""


def wait_for_running_creation(shell: Shell, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be stopped"
        with contextlib.suppress(sqlite3.Error):
            uri = f"file:{shell.folder / 'records.db'}?mode=ro"
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as records:
                if records.execute("SELECT 1 FROM creations WHERE status = 'running'").fetchone():
                    return
        time.sleep(0.02)
    raise AssertionError("the creation did not begin")
