"""The environment becomes settings, or one sentence that names the variable."""

from pathlib import Path

import pytest

from engine.errors import InvalidSettings
from engine.settings import EMBEDDED_CHAIN_ID, Settings

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # from EIP-55
KEY = "4c" * 32


def test_without_a_variable_everything_is_embedded() -> None:
    settings = Settings.from_environment({})
    assert (settings.rpc_url, settings.chain_id, settings.confirmations) == (None, EMBEDDED_CHAIN_ID, 1)
    assert settings.data_dir.is_absolute()


def test_every_variable_is_read(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "LORESPARK_DATA_DIR": f" {tmp_path} ",
            "LORESPARK_RPC_URL": "https://node.example/key",
            "LORESPARK_CHAIN_ID": "11155111",
            "LORESPARK_CONTRACT": ADDRESS.lower(),
            "LORESPARK_PRIVATE_KEY": "0x" + KEY,
            "LORESPARK_LLM_URL": "https://llm.example/v1",
            "LORESPARK_LLM_MODEL": "tiny",
            "LORESPARK_LLM_KEY": "sk-hidden",
            "LORESPARK_RATE_LIMIT_URL": "redis://:pw-hidden@host:6379/0",
        }
    )
    assert settings.data_dir == tmp_path
    assert (settings.chain_id, settings.confirmations, settings.contract) == (11155111, 2, ADDRESS)
    assert "key" not in repr(settings).replace("private_key", "")
    assert KEY not in repr(settings)
    assert (settings.llm_url, settings.llm_model) == ("https://llm.example/v1", "tiny")
    assert settings.llm_key == "sk-hidden"
    assert "sk-hidden" not in repr(settings)
    assert settings.rate_limit_url == "redis://:pw-hidden@host:6379/0"
    assert "pw-hidden" not in repr(settings)
    assert "llm.example" not in repr(settings)


def test_checks_of_urls_and_prompts_are_on_until_they_are_switched_off(tmp_path: Path) -> None:
    usual = Settings.from_environment({})
    assert (usual.allow_private_webhooks, usual.default_deny_list, usual.moderation_url) == (
        False,
        True,
        None,
    )
    (tmp_path / "deny.txt").touch()
    own = Settings.from_environment(
        {
            "LORESPARK_ALLOW_PRIVATE_WEBHOOKS": "1",
            "LORESPARK_DEFAULT_DENY_LIST": "0",
            "LORESPARK_DENY_LIST": str(tmp_path / "deny.txt"),
            "LORESPARK_MODERATION_URL": "https://moderation.example/v1",
            "LORESPARK_MODERATION_KEY": "sk-hidden",
        }
    )
    assert (own.allow_private_webhooks, own.default_deny_list) == (True, False)
    assert own.deny_list == tmp_path / "deny.txt"
    assert (own.moderation_url, own.moderation_model) == ("https://moderation.example/v1", None)
    assert "sk-hidden" not in repr(own)
    assert "moderation.example" not in repr(own)


def test_an_empty_variable_is_as_one_that_is_not_there() -> None:
    assert Settings.from_environment({"LORESPARK_CHAIN_ID": " ", "LORESPARK_RPC_URL": ""}).rpc_url is None


def test_several_keys_are_told_apart_and_never_shown() -> None:
    keys = (KEY, "0x" + "12" * 32)
    settings = Settings.from_environment(
        {"LORESPARK_PRIVATE_KEY": " , ".join(keys), "LORESPARK_MINT_WINDOW_MS": "0"}
    )
    assert settings.private_keys == keys
    assert settings.mint_window_ms == 0
    assert not any(key in repr(settings) for key in keys)
    assert Settings.from_environment({}).private_keys == ()


def test_a_relative_folder_and_a_home_become_full_paths() -> None:
    assert (
        Settings.from_environment({"LORESPARK_DATA_DIR": "some/where"}).data_dir == Path.cwd() / "some/where"
    )
    assert Settings.from_environment({"LORESPARK_DATA_DIR": "~/x"}).data_dir == Path.home() / "x"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RPC_URL", "ftp://node"),
        ("LLM_URL", "ftp://node"),
        ("RATE_LIMIT_URL", "memory://"),
        ("RATE_LIMIT_URL", "async+redis://host"),
        ("RATE_LIMIT_URL", "redis:// host"),
        ("LLM_URL", "http://node"),  # without the model that is to answer
        ("LLM_MODEL", "tiny"),
        ("LLM_KEY", "two words"),
        ("LLM_KEY", "ü"),
        ("RPC_URL", "http://node"),  # without the chain id it must have
        ("CHAIN_ID", "one"),
        ("CHAIN_ID", "0"),
        ("CHAIN_ID", "-1"),
        ("CHAIN_ID", "²"),
        ("CHAIN_ID", "9" * 5000),
        ("CONFIRMATIONS", "1.5"),
        ("CONFIRMATIONS", "100000"),
        ("CONTRACT", "0x12"),
        ("CONTRACT", ADDRESS.replace("a", "A", 1)),
        ("CONTRACT", "0x" + "00" * 20),
        ("PRIVATE_KEY", "secret"),
        ("PRIVATE_KEY", "00" * 32),
        ("PRIVATE_KEY", f"{KEY},0x{KEY}"),
        ("PRIVATE_KEY", f"{KEY},"),
        ("RPC_URL", "http://node,ftp://node"),
        ("RPC_URL", "http://node,http://node"),
        ("RPC_URL", ",".join(f"http://node{n}" for n in range(17))),
        ("MINT_WINDOW_MS", "5001"),
        ("STUCK_AFTER_S", "0"),
        ("MAX_FEE_GWEI", "1.5"),
        ("DATA_DIR", "~nobody-of-this-name/x"),
        ("ALLOW_PRIVATE_WEBHOOKS", "yes"),
        ("DEFAULT_DENY_LIST", "off"),
        ("DENY_LIST", "nowhere.txt"),
        ("MODERATION_URL", "ftp://node"),
        ("MODERATION_MODEL", "tiny"),
        ("MODERATION_KEY", "two words"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_sentence(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_environment({f"LORESPARK_{name}": value})
    said = str(caught.value)
    assert f"LORESPARK_{name}" in said
    assert said.endswith(".")
    assert "\n" not in said
    if name in ("PRIVATE_KEY", "RPC_URL"):
        assert value not in said


def test_who_signs_and_where_players_are_is_read(tmp_path: Path) -> None:
    held = tmp_path / "password"
    held.write_text("x")
    settings = Settings.from_environment(
        {
            "LORESPARK_SIGNER_URL": "https://user:hunter2@signer:9000",
            "LORESPARK_SIGNER_ADDRESS": ADDRESS.lower(),
            "LORESPARK_VOUCHERS": ADDRESS.lower(),
            "LORESPARK_KEY_PASSWORD_FILE": str(held),
            "LORESPARK_PUBLIC_URL": "https://Play.Example:8443/",
            "LORESPARK_PUBLIC_RPC_URL": "https://rpc.example/v1",
        }
    )
    assert (settings.signer_address, settings.vouchers) == (ADDRESS, ADDRESS)
    assert (settings.key_password_file, settings.public_url) == (held, "https://play.example:8443")
    assert settings.public_rpc_url == "https://rpc.example/v1"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    "environment",
    [
        {"LORESPARK_PUBLIC_RPC_URL": "rpc.example"},
        {"LORESPARK_PUBLIC_RPC_URL": "https://user:hunter2@rpc.example"},
        {"LORESPARK_PUBLIC_RPC_URL": "https://rpc.example/?key=hunter2"},
        {"LORESPARK_SIGNER_URL": "signer:9000"},
        {"LORESPARK_SIGNER_URL": "http://signer", "LORESPARK_PRIVATE_KEY": "ab" * 32},
        {"LORESPARK_SIGNER_ADDRESS": ADDRESS},
        {"LORESPARK_SIGNER_URL": "http://signer", "LORESPARK_SIGNER_ADDRESS": "nobody"},
        {"LORESPARK_VOUCHERS": "0x" + "00" * 20},
        {"LORESPARK_KEY_PASSWORD_FILE": "/nowhere/at/all"},
        {"LORESPARK_PUBLIC_URL": "play.example"},
        {"LORESPARK_PUBLIC_URL": "https://play.example/game"},
        {"LORESPARK_PUBLIC_URL": "https://user@play.example"},
        {"LORESPARK_PUBLIC_URL": "ftp://play.example"},
    ],
)
def test_what_cannot_say_who_signs_or_where_players_are_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_environment(environment)
    assert "ab" * 32 not in str(refused.value)
    assert "hunter2" not in str(refused.value)
