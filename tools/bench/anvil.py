"""A real node for measurements: anvil, from npm, on a port of this machine."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

from tools.compile_contracts import CONTRACTS

ANVIL = CONTRACTS / "node_modules" / ".bin" / "anvil"
CHAIN_ID = 31337

# How long anvil may take to open its port on a busy machine.
START_TIMEOUT_S = 30


def is_installed() -> bool:
    """Whether `make npm` fetched anvil and there is a node to compile with."""
    return ANVIL.exists() and shutil.which("node") is not None


@contextlib.contextmanager
def running_anvil() -> Iterator[str]:
    """A fresh chain's URL. Raises RuntimeError where anvil does not open its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [ANVIL, "--host", "127.0.0.1", "--port", str(port), "--chain-id", str(CHAIN_ID), "-q"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"anvil did not open port {port}; it ended with {process.returncode}.")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)
