"""The weights that ship with the package, and the check that they are what was shipped."""

import hashlib
from pathlib import Path

from generators.errors import WeightsUnavailable

SIZES_PX = (32, 64)  # what the bundled models draw
WEIGHTS_FOLDER = Path(__file__).with_name("weights")
# Of the text encoder's model.safetensors, in a package of its own, as its authors published it. Change it only together
# with weights trained on the other file.
TEXT_ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def check_digest(path: Path, expected_sha256: str) -> None:
    """Raises WeightsUnavailable unless the file at ``path`` has that digest."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsUnavailable(
            f"The weights file {path.name} is missing or unreadable in {path.parent}; reinstall Lorespark."
        ) from error
    if found != expected_sha256:
        raise WeightsUnavailable(
            f"The weights file {path} is not the one this version was released with "
            f"(sha256 {found[:12]}…, expected {expected_sha256[:12]}…); reinstall it."
        )
