"""What single settings may say; each raises InvalidSettings, whose message never repeats a key or a URL."""

import re
from pathlib import Path

from chain.address import parse_recipient
from chain.errors import InvalidAddress
from engine.errors import InvalidSettings

PREFIX = "LORESPARK_"
MAX_SIGNERS = 64
MAX_RPC_URLS = 16
_PRIVATE_KEY = re.compile(r"(0x)?(?!0{64})[0-9a-fA-F]{64}")


def read_file(name: str, text: str) -> Path:
    path = read_path(name, text)
    if not path.is_file():
        kind = "TOML" if name in ("MODELS", "PINNING") else "text"
        raise InvalidSettings(
            f"{PREFIX}{name} is {text[:200]!r}, where there is no file; set it to a {kind} file."
        )
    return path


def check_llm(url: str | None, model: str | None, key: str | None) -> None:
    check_service("LLM", url, model, key)
    if url is not None and model is None:
        raise InvalidSettings(
            "LORESPARK_LLM_URL and LORESPARK_LLM_MODEL belong together; set both, or neither."
        )


def check_service(name: str, url: str | None, model: str | None, key: str | None) -> None:
    """An OpenAI-compatible service: base URL, model, and key."""
    if url is not None and not re.fullmatch(r"https?://[\x21-\x7e]+", url):
        raise InvalidSettings(
            f"{PREFIX}{name}_URL is not an http:// or https:// address; set it as in https://host/v1."
        )
    if url is None and model is not None:
        raise InvalidSettings(
            f"{PREFIX}{name}_MODEL is set without {PREFIX}{name}_URL; set both, or neither."
        )
    if model is not None and (len(model) > 200 or not model.isprintable()):
        raise InvalidSettings(f"{PREFIX}{name}_MODEL is no model's name; set the one that the service lists.")
    if key is not None and not re.fullmatch(r"[\x21-\x7e]{1,4000}", key):
        raise InvalidSettings(f"{PREFIX}{name}_KEY holds characters that no key has; copy it again.")


def read_switch(name: str, text: str | None, *, default: bool) -> bool:
    if text is None:
        return default
    if text not in ("0", "1"):
        raise InvalidSettings(f"{PREFIX}{name} is {text[:40]!r}; set 1 for yes or 0 for no.")
    return text == "1"


def read_database(url: str | None) -> str | None:
    if url is not None and not re.fullmatch(r"postgres(ql)?(\+psycopg)?://[\x21-\x7e]+", url):
        raise InvalidSettings(
            "LORESPARK_DATABASE_URL is no PostgreSQL address; set it as in postgresql://user:password@host/name, "
            "or leave it out for SQLite in the data folder."
        )
    return url


def read_rate_limit(url: str | None) -> str | None:
    if url is not None and not re.fullmatch(r"(redis|rediss|redis\+unix)://[\x21-\x7e]+", url):
        raise InvalidSettings(
            "LORESPARK_RATE_LIMIT_URL is no Redis address; set it as in redis://:password@host:6379/0, or leave it "
            "out where one server process runs."
        )
    return url


def read_path(name: str, text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except (RuntimeError, OSError) as error:  # of a home or a current folder that is not there
        raise InvalidSettings(
            f"{PREFIX}{name} is {text[:200]!r}, which leads nowhere; set it to a full path."
        ) from error


def read_contract(name: str, text: str) -> str:
    return read_account(name, text, "a contract's address")


def read_account(name: str, text: str, what: str = "an account's address") -> str:
    try:
        return parse_recipient(text)
    except InvalidAddress as error:
        raise InvalidSettings(f"{PREFIX}{name} is not {what}. {error}") from error


def read_public(url: str) -> str:
    found = re.fullmatch(r"(https?)://([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?", url)
    if found is None:
        raise InvalidSettings(
            "LORESPARK_PUBLIC_URL is no site's address; set its scheme and host alone, as in https://play.example."
        )
    return url.rstrip("/").lower()


def read_public_rpc(url: str) -> str:
    """A password or key in it would reach every visitor, so the parts that carry one are refused."""
    if not re.fullmatch(r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[A-Za-z0-9._\-/]*)?", url):
        raise InvalidSettings(
            "LORESPARK_PUBLIC_RPC_URL is no public node's address; set one without password, query or spaces, as in "
            "https://rpc.example. Every visitor of the wallet page gets it."
        )
    return url


def check_signer(private_key: str | None, url: str | None, address: str | None) -> None:
    if url is not None and not re.fullmatch(r"https?://[\x21-\x7e]+", url):
        raise InvalidSettings(
            "LORESPARK_SIGNER_URL is not an http:// or https:// address; set it to a web3signer's URL."
        )
    if url is not None and private_key is not None:
        raise InvalidSettings(
            "LORESPARK_SIGNER_URL and LORESPARK_PRIVATE_KEY name two signers; set one of them."
        )
    if url is None and address is not None:
        raise InvalidSettings(
            "LORESPARK_SIGNER_ADDRESS is set without LORESPARK_SIGNER_URL; set both, or neither."
        )


def read_limit(name: str, text: str | None, default: int) -> int:
    return default if text is None else read_number(name, text, 0, 10**9)


def read_within(name: str, text: str | None, default: int, least: int, most: int) -> int:
    return default if text is None else read_number(name, text, least, most)


def read_listed(text: str | None) -> tuple[str, ...]:
    """What commas separate."""
    return tuple(part.strip() for part in text.split(",")) if text else ()


def check_rpc_urls(urls: tuple[str, ...]) -> None:
    if not all(url.startswith(("http://", "https://")) for url in urls) or len(set(urls)) < len(urls):
        raise InvalidSettings(
            "LORESPARK_RPC_URL is not an http:// or https:// address; set it to a node's URL, or to several different "
            "ones with commas between them."
        )
    if len(urls) > MAX_RPC_URLS:
        raise InvalidSettings(f"LORESPARK_RPC_URL names more than {MAX_RPC_URLS} nodes; name fewer.")


def check_private_keys(keys: tuple[str, ...]) -> None:
    if not all(_PRIVATE_KEY.fullmatch(key) for key in keys):
        raise InvalidSettings(
            "LORESPARK_PRIVATE_KEY is not a private key, which has 64 hexadecimal digits; copy it again."
        )
    if len({key.removeprefix("0x").lower() for key in keys}) < len(keys) or len(keys) > MAX_SIGNERS:
        raise InvalidSettings(
            f"LORESPARK_PRIVATE_KEY holds a key twice, or more than {MAX_SIGNERS}; name each signer once."
        )


def read_number(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,16}", text) or not least <= int(text) <= most:
        raise InvalidSettings(f"{PREFIX}{name} is {text[:40]!r}; set a whole number from {least} to {most}.")
    return int(text)
