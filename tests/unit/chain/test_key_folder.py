"""The folder of keystores: what is kept, under which password, and which key signs."""

import stat
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from chain.errors import KeyRefused, WrongPassword
from chain.key_folder import KeyFolder, read_password
from chain.signer import EnvironmentSigner

FAST = 2**4  # scrypt's cost, of no use but in tests
KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
PASSWORD = "a password only this test knows"


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path / "keys")


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\nmore\n")
    path.chmod(0o600)
    return path


def test_a_server_that_has_no_key_makes_its_own(folder: KeyFolder) -> None:
    assert folder.list() == ()
    signer = folder.signer(None)
    assert folder.signer(None).address == signer.address
    (key,) = folder.list()
    assert (key.address, key.path.name, key.is_active) == (signer.address, "signer.json", True)
    assert folder.open(signer.address, None).address == signer.address


def test_a_key_is_made_and_opened_by_its_password_alone(folder: KeyFolder) -> None:
    made = folder.make(PASSWORD, FAST)
    (key,) = folder.list()
    assert (key.address, key.path.name, key.is_active) == (made.address, f"{made.address}.json", False)
    assert stat.S_IMODE(key.path.stat().st_mode) == 0o600
    assert folder.open(made.address.lower(), PASSWORD).address == made.address
    with pytest.raises(WrongPassword):
        folder.open(made.address, "another")
    with pytest.raises(KeyRefused, match="LORESPARK_KEY_PASSWORD_FILE"):
        folder.open(made.address, None)
    with pytest.raises(KeyRefused, match="no key of"):
        folder.open(ADDRESS, PASSWORD)


def test_a_key_that_there_is_is_stored_once_and_nowhere_in_plain(folder: KeyFolder) -> None:
    assert folder.add(f"0x{KEY}", PASSWORD, FAST).address == ADDRESS
    (key,) = folder.list()
    before = key.path.read_bytes()
    assert KEY.encode() not in before
    with pytest.raises(KeyRefused, match="there already"):
        folder.add(KEY, "another password", FAST)
    assert key.path.read_bytes() == before
    assert [path.name for path in key.path.parent.iterdir()] == [f"{ADDRESS}.json"]
    assert folder.open(ADDRESS, PASSWORD).address == ADDRESS


@pytest.mark.parametrize("key", [KEY[:-1], "xy" * 32, "00" * 32, ""])
def test_a_key_that_is_none_is_refused_and_not_repeated(folder: KeyFolder, key: str) -> None:
    with pytest.raises(KeyRefused) as refused:
        folder.add(key, PASSWORD, FAST)
    assert not key or key not in "".join(traceback.format_exception(refused.value))
    assert folder.list() == ()


def test_a_keystore_needs_a_password(folder: KeyFolder) -> None:
    with pytest.raises(KeyRefused, match="password"):
        folder.make("", FAST)


def test_what_an_interrupted_command_left_is_in_nobodys_way(folder: KeyFolder, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / ".new").write_bytes(b"half")
    folder.make(PASSWORD, FAST)
    assert len(folder.list()) == 1


def test_the_active_key_signs(folder: KeyFolder, password_file: Path) -> None:
    own, made = folder.signer(None), folder.make(PASSWORD, FAST)
    assert folder.former() is None
    folder.activate(made.address, own.address)
    assert folder.signer(password_file).address == made.address
    assert folder.former() == own.address
    assert {key.address: key.is_active for key in folder.list()} == {own.address: False, made.address: True}
    with pytest.raises(KeyRefused, match="LORESPARK_KEY_PASSWORD_FILE"):
        folder.signer(None)
    folder.activate(own.address, made.address)
    assert folder.signer(None).address == own.address


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"address": "nobody", "former": ""}'])
def test_a_damaged_choice_is_told_and_no_key_is_made_instead(
    folder: KeyFolder, tmp_path: Path, text: str
) -> None:
    made = folder.make(PASSWORD, FAST)
    folder.activate(made.address, made.address)
    (tmp_path / "keys" / "active").write_text(text)
    with pytest.raises(KeyRefused, match="which key signs"):
        folder.signer(None)
    assert not (tmp_path / "keys" / "signer.json").exists()


@pytest.mark.parametrize("text", ["", "no json", "{}", '{"address": 1}'])
def test_a_file_that_is_no_keystore_is_told(folder: KeyFolder, tmp_path: Path, text: str) -> None:
    folder.make(PASSWORD, FAST)
    stray = tmp_path / "keys" / "stray.json"
    stray.write_text(text)
    stray.chmod(0o600)
    with pytest.raises(KeyRefused, match="stray"):
        folder.list()


def test_a_password_is_the_first_line_of_a_private_file(password_file: Path) -> None:
    assert read_password(password_file) == PASSWORD
    password_file.chmod(0o640)
    with pytest.raises(KeyRefused, match="chmod 600"):
        read_password(password_file)
    password_file.chmod(0o600)
    for content in (b"", b"\nx", b"\xff"):
        password_file.write_bytes(content)
        with pytest.raises(KeyRefused):
            read_password(password_file)


def test_a_process_that_signs_leaves_no_core() -> None:
    program = (
        "import resource; from chain.signer import keep_out_of_cores; "
        "before = resource.getrlimit(resource.RLIMIT_CORE)[1]; keep_out_of_cores(); "
        "print(resource.getrlimit(resource.RLIMIT_CORE) == (0, before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_a_stored_key_signs_as_the_same_from_the_environment(folder: KeyFolder) -> None:
    call = {
        "type": 2,
        "chainId": 1,
        "nonce": 0,
        "to": ADDRESS,
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 1,
        "maxPriorityFeePerGas": 1,
    }
    stored = folder.add(KEY, PASSWORD, FAST)
    assert stored.sign_transaction(call) == EnvironmentSigner(KEY).sign_transaction(call)
