"""Compiles the contracts and writes their artifacts, byte for byte the same on every machine.

    python -m tools.compile_contracts           writes chain/artifacts/*.json
    python -m tools.compile_contracts --check   exits 1 if a committed artifact differs

The compiler is npm's solc, run through node; `npm ci --ignore-scripts` in chain/contracts fetches it.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "chain" / "contracts"
ARTIFACTS = ROOT / "chain" / "artifacts"
NAMES = ("LoresparkAssets", "LoresparkCollections", "LoresparkVouchers")

# The solc process is given this long; a cold compile of the largest contract takes about two seconds.
COMPILE_TIMEOUT_S = 120

SETTINGS: dict[str, Any] = {
    # The embedded chain runs Prague, and so do most networks; solc's own default target is newer than that.
    "evmVersion": "cancun",
    # High, because an asset is minted far more often than the contract is deployed: calls get cheaper and
    # the deployment larger.
    "optimizer": {"enabled": True, "runs": 1_000_000},
    # No metadata hash and no CBOR tail: the bytecode then depends on the code alone, not on comments.
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
    "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}},
}

# Reads standard JSON on stdin; finds imports beside the sources or in node_modules; names what it has read.
COMPILE_JS = """
const fs = require('fs'), path = require('path'), solc = require('solc');
const read = {};
const find = name => {
  for (const root of ['.', 'node_modules']) {
    const file = path.join(root, name);
    if (fs.existsSync(file)) { read[name] = fs.readFileSync(file, 'utf8'); return {contents: read[name]}; }
  }
  return {error: 'not found'};
};
const output = JSON.parse(solc.compile(fs.readFileSync(0, 'utf8'), {import: find}));
process.stdout.write(JSON.stringify({version: solc.version(), output, read}));
"""


class CompileError(Exception):
    """The contracts could not be compiled; the message says why and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="compile_contracts", description="Compile the contracts.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if an artifact differs")
    options = parser.parse_args(arguments)
    try:
        stale = [name for name in NAMES if not _settle(name, check=options.check)]
    except CompileError as error:
        print(error, file=sys.stderr)
        return 1
    for name in stale:
        print(
            f"chain/artifacts/{name}.json is not what its source compiles to; "
            "run `python -m tools.compile_contracts` and commit the result.",
            file=sys.stderr,
        )
    return 1 if stale else 0


def compile_contract(name: str, folder: str = "src") -> bytes:
    """The artifact of one contract: abi, bytecode, compiler, settings and the digest of every source.

    folder is src, or test for the contracts that only tests and measurements deploy. Raises CompileError where
    node or the npm packages are missing, or the source does not compile.
    """
    key = f"{folder}/{name}.sol"
    text = (CONTRACTS / key).read_text(encoding="utf-8")
    request = {"language": "Solidity", "sources": {key: {"content": text}}, "settings": SETTINGS}
    answer = run_solc(request)
    faults = [fault for fault in answer["output"].get("errors", ()) if _is_fault(fault)]
    if faults:
        raise CompileError(f"{key} does not compile: {faults[0]['formattedMessage'].strip()}")
    contract = answer["output"]["contracts"][key][name]
    sources = {key: text, **answer["read"]}
    artifact = {
        "contract": name,
        "compiler": {"name": "solc", "version": answer["version"], "settings": SETTINGS},
        "sources": {path: hashlib.sha256(body.encode()).hexdigest() for path, body in sources.items()},
        "abi": contract["abi"],
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + contract["evm"]["deployedBytecode"]["object"],
    }
    return (json.dumps(artifact, indent=2, sort_keys=True) + "\n").encode()


def _is_fault(fault: dict[str, Any]) -> bool:
    """Errors anywhere, and warnings in our own sources; a library's warnings are its authors' to mend."""
    location = fault.get("sourceLocation") or {}
    ours = str(location.get("file", "src/")).startswith(("src/", "test/"))
    return bool(fault["severity"] == "error" or (fault["severity"] == "warning" and ours))


def _settle(name: str, *, check: bool) -> bool:
    """Writes the artifact, or with check compares it; False where the committed one differs."""
    path = ARTIFACTS / f"{name}.json"
    artifact = compile_contract(name)
    if check:
        return path.is_file() and path.read_bytes() == artifact
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(artifact)
    print(f"wrote {path.relative_to(ROOT)}")
    return True


def run_solc(request: dict[str, Any]) -> dict[str, Any]:
    """solc's answer to a standard JSON request, its version, and the imports it read. Raises CompileError."""
    node = shutil.which("node")
    if node is None:
        raise CompileError("Compiling contracts needs node 20 or newer, and none is on the PATH; install it.")
    missing = [name for name in ("solc", "solady") if not (CONTRACTS / "node_modules" / name).is_dir()]
    if missing:
        raise CompileError(
            f"The npm package {missing[0]} is not installed; "
            "run `npm ci --ignore-scripts` in chain/contracts."
        )
    try:
        done = subprocess.run(
            [node, "-e", COMPILE_JS],
            cwd=CONTRACTS,
            input=json.dumps(request),
            capture_output=True,
            text=True,
            check=True,
            timeout=COMPILE_TIMEOUT_S,
        )
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise CompileError(f"solc stopped with status {error.returncode}: {last}") from error
    except subprocess.TimeoutExpired as error:
        raise CompileError(f"solc did not finish within {COMPILE_TIMEOUT_S} s; try again.") from error
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


if __name__ == "__main__":
    sys.exit(main())
