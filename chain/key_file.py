"""Secret files: written whole or not at all, never over another, readable by their owner alone."""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from chain.errors import KeyRefused

# A keystore is about 500 bytes and a password 44; anything far larger is some other file.
_MOST_BYTES = 64 * 1024


def write_new(path: Path, content: bytes) -> bool:
    """Writes a file of mode 0600 that was not there; False where one was, which then stays as it is.

    When this returns, the file and its name are on the disk; a crash before that leaves at most a hidden
    temporary file, never half of the real one. Raises KeyRefused.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)  # unlike rename, a link never replaces what is there
            except FileExistsError:
                return False
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
        _flush_directory(path.parent)
    except OSError as error:
        raise KeyRefused(
            f"{path} cannot be written ({error.strerror}); check the folder's permissions."
        ) from error
    return True


def replace_private(path: Path, content: bytes) -> None:
    """Writes a file of mode 0600, over what was there: a crash leaves one of the two whole. Raises KeyRefused."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        if not write_new(temporary, content):
            raise KeyRefused(f"{temporary} is in the way; remove it.")
        temporary.replace(path)
        _flush_directory(path.parent)
    except OSError as error:
        raise KeyRefused(
            f"{path} cannot be written ({error.strerror}); check the folder's permissions."
        ) from error


def read_private(path: Path) -> bytes:
    """The content of a file that only its owner can read. Raises KeyRefused, which says how to mend it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise KeyRefused(f"{path} is not a file; give the path of a file.")
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise KeyRefused(
                    f"{path} is open to other users of this machine (mode {stat.S_IMODE(mode):04o}); run "
                    f"`chmod 600 {path}`, and make a new key if others may have read it."
                )
            return file.read(_MOST_BYTES)
    except OSError as error:
        raise KeyRefused(f"{path} cannot be read ({error.strerror}); check the path.") from error


def _flush_directory(path: Path) -> None:
    """Puts the names in a directory on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
