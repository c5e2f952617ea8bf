"""Pipeline folders on their way into the package: their digests, their sizes and the manifest that lists them."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from generators.models import MANIFEST

MAX_FILE_BYTES = 50_000_000
MAX_BUNDLE_BYTES = 96_000_000


def digests(folder: Path) -> dict[str, str]:
    """File name -> sha256 of a saved pipeline, after what is this machine's business was taken out of its configs."""
    for path in folder.rglob("*"):
        if path.name == "config.json":
            # Where a part was loaded from is of no use; the last key belongs to no constructor.
            config = json.loads(path.read_text(encoding="utf-8"))
            unwanted = {"_name_or_path"}
            if config["_class_name"] == "AutoencoderTiny":
                unwanted.add("block_out_channels")
            kept = {key: value for key, value in config.items() if key not in unwanted}
            path.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        if path.is_file():
            path.chmod(0o644)
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def put_into(out: Path, folders: Iterable[Path], entries: Mapping[str, Mapping[str, object]]) -> None:
    """Moves ``folders`` into ``out`` in place of those of the same names, and their ``entries`` into its manifest.

    Raises SystemExit where the bundle would grow too large to be shipped; then nothing has changed.
    """
    folders = list(folders)
    replaced = {folder.name for folder in folders}
    kept = [path for path in out.rglob("*.safetensors") if path.relative_to(out).parts[0] not in replaced]
    check_size([*kept, *(path for folder in folders for path in folder.rglob("*.safetensors"))])
    manifest = out / MANIFEST
    before = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    others = {name: entry for name, entry in before.items() if entry["folder"] not in replaced}
    for folder in folders:
        shutil.rmtree(out / folder.name, ignore_errors=True)
        folder.rename(out / folder.name)
    manifest.write_text(json.dumps(others | dict(entries), indent=1, sort_keys=True) + "\n", encoding="utf-8")


def check_size(weights: Iterable[Path]) -> None:
    """Prints the size of the weights files. Raises SystemExit where they are too large to be shipped."""
    sizes = [path.stat().st_size for path in weights]
    print(f"{sum(sizes) / 1e6:.1f} MB of weights, the largest file {max(sizes) / 1e6:.1f} MB")
    if sum(sizes) > MAX_BUNDLE_BYTES or max(sizes) > MAX_FILE_BYTES:
        raise SystemExit(
            f"The weights are over the limit of {MAX_BUNDLE_BYTES / 1e6:.0f} MB together or "
            f"{MAX_FILE_BYTES / 1e6:.0f} MB a file; train a smaller network."
        )
