"""The list of services in pinning.toml: what it takes, and what it says of what it does not."""

from pathlib import Path

import pytest

from assets.errors import InvalidPinning
from assets.pinning.listed import PinningList, read_pinning_list

TOKEN = "eyJ.secret.token"
ENVIRONMENT = {"PINATA_JWT": TOKEN}
WHOLE = """
check_hours = 6
[[services]]
name = "home"
kind = "kubo"
url = "http://127.0.0.1:5001"

[[services]]
name = "pinata"
kind = "pinning-api"
url = "https://api.pinata.example/psa"
token_env = "PINATA_JWT"
gateway = "https://gateway.example"
origins = ["/dnsaddr/node.example/p2p/12D3KooWExample"]
timeout_s = 5
"""
KUBO = '[[services]]\nname = "home"\nkind = "kubo"\nurl = "http://127.0.0.1:5001"\n'
REMOTE = '[[services]]\nname = "far"\nkind = "pinning-api"\nurl = "https://api.example"\n'


def _read(folder: Path, text: str) -> PinningList:
    path = folder / "pinning.toml"
    path.write_text(text)
    return read_pinning_list(path, ENVIRONMENT)


def test_a_whole_list_is_read_in_its_order_and_opens(tmp_path: Path) -> None:
    listed = _read(tmp_path, WHOLE)
    assert [(service.name, service.kind) for service in listed.services] == [
        ("home", "kubo"),
        ("pinata", "pinning-api"),
    ]
    assert listed.check_every_s == 6 * 3600
    assert (listed.services[1].token, listed.services[1].timeout_s) == (TOKEN, 5.0)
    assert [service.opened().name for service in listed.services] == ["home", "pinata"]


def test_where_there_is_no_list_nothing_is_pinned(tmp_path: Path) -> None:
    assert read_pinning_list(tmp_path / "pinning.toml", {}) == PinningList()


def test_neither_url_nor_token_shows(tmp_path: Path) -> None:
    told = repr(_read(tmp_path, WHOLE))
    assert TOKEN not in told
    assert "example" not in told.replace("node.example", "")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("services = 1", "services"),
        ("hours = 1", "'hours'"),
        ("check_hours = 0", "check_hours"),
        ("check_hours = nan", "check_hours"),
        ("check_hours = true", "check_hours"),
        ("[[services]\n", "cannot be read"),
        (KUBO + "secret = 1", "'secret'"),
        (KUBO.replace("home", "Home Node"), "name of service 1"),
        (KUBO.replace("kubo", "ftp"), "kind of service 1"),
        (KUBO.replace("http:", "ftp:"), "url of service 1"),
        (KUBO.replace("127.0.0.1", "user:hunter2@127.0.0.1"), "url of service 1"),
        (KUBO.replace("5001", "99999"), "url of service 1"),
        (KUBO + 'gateway = "https://gateway.example"', "neither gateway"),
        (KUBO + "timeout_s = 0", "timeout_s"),
        (KUBO + KUBO, "one name"),
        (REMOTE, "token_env"),
        (REMOTE + 'token_env = "eyJ.secret"', "never the token itself"),
        (REMOTE + 'token_env = "NOT_SET"', "NOT_SET"),
        (REMOTE + 'token_env = "PINATA_JWT"\norigins = ["node.example"]', "origins"),
        (REMOTE + 'token_env = "PINATA_JWT"\ngateway = 7', "gateway"),
    ],
)
def test_what_cannot_be_used_is_named_and_no_secret_repeated(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(InvalidPinning) as raised:
        _read(tmp_path, text)
    assert named in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert "eyJ.secret" not in str(raised.value)
