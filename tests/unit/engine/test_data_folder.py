"""One process holds a data folder, and files in it are whole or not there."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.data_folder import DataFolder, unusable, write_whole, writing_whole
from engine.errors import DataFolderUnusable

HOLD = """
import pathlib, sys
from engine.data_folder import DataFolder
folder = DataFolder.open(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_folder_is_made_and_private(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path / "deep" / "data")
    assert folder.root.stat().st_mode & 0o777 == 0o700
    folder.close()


def test_a_second_process_gets_the_sentence_and_a_dead_one_holds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(DataFolderUnusable, match=f"in use by process {holder.pid}; wait for it"):
            DataFolder.open(tmp_path)
        holder.kill()
    DataFolder.open(tmp_path).close()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(DataFolderUnusable, match=r"cannot be used .* set LORESPARK_DATA_DIR"):
        DataFolder.open(tmp_path / name)
    assert (tmp_path / "file").read_text() == "here"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_called_full(number: int) -> None:
    said = str(unusable(Path("/data"), OSError(number, os.strerror(number))))
    assert said.startswith("The disk of the data folder /data is full; free some space")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    def interrupted() -> None:
        with writing_whole(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_where_a_folder_should_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("")
    with pytest.raises(DataFolderUnusable, match="cannot be used"):
        write_whole(tmp_path / "media" / "a.png", b"")
