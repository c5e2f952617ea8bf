"""The environment, read once into a frozen object."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from chain.address import parse_recipient
from chain.errors import InvalidAddress
from engine.errors import InvalidSettings

EMBEDDED_CHAIN_ID = 31_337  # what local development chains use
REMOTE_CONFIRMATIONS = 2
MAX_CONFIRMATIONS = 1_000
PREFIX = "LORESPARK_"
MAX_MINT_WINDOW_MS = 5_000  # a thread waits as long
MAX_SIGNERS = 64
MAX_RPC_URLS = 16
_PRIVATE_KEY = re.compile(r"(0x)?(?!0{64})[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Settings:
    """``rpc_url`` None is the embedded chain; it holds one URL or several, separated by commas, and ``private_key`` one
    key or several. ``max_fee_gwei`` is the most that a gas may cost. ``contract`` None is deployed at the first mint.
    ``models_file`` None is models.toml in the data folder.
    ``llm_url`` is the base of an OpenAI-compatible service, as in https://host/v1.
    ``database_url`` None is SQLite in the data folder. ``deny_list`` is a file of more than the default deny list has.
    ``moderation_url`` is the base of a service with OpenAI's /moderations; None asks nobody. ``rate_limit_url`` None
    counts requests in this process. ``blocks_dir`` None is the data folder, or PostgreSQL. ``pinning_file`` None is
    pinning.toml in the data folder. ``mint_before_pin`` lets mints go on before a service pinned their asset.
    ``public_url`` is where people reach the server, as in https://play.example; None is this machine alone.
    ``public_rpc_url`` is a node of that chain that players' wallets may use; browsers get it.
    ``signer_url`` is a web3signer that signs, with the key of ``signer_address`` where it has several.
    ``vouchers`` None is deployed at the first claim. ``factory`` makes collections, which the index follows.
    ``key_password_file`` holds the password of the keystore that
    `lorespark keys` made."""

    data_dir: Path
    rpc_url: str | None = field(default=None, repr=False)  # may carry an access key
    chain_id: int = EMBEDDED_CHAIN_ID
    confirmations: int = 1
    contract: str | None = None
    private_key: str | None = field(default=None, repr=False)
    models_file: Path | None = None
    llm_url: str | None = field(default=None, repr=False)  # may carry an access key
    llm_model: str | None = None
    llm_key: str | None = field(default=None, repr=False)
    database_url: str | None = field(default=None, repr=False)  # carries a password
    allow_private_webhooks: bool = False
    default_deny_list: bool = True
    deny_list: Path | None = None
    moderation_url: str | None = field(default=None, repr=False)  # may carry an access key
    moderation_model: str | None = None
    moderation_key: str | None = field(default=None, repr=False)
    rate_limit_url: str | None = field(default=None, repr=False)  # may carry a password
    max_queued: int = (
        100_000  # creations that wait, of all tenants; as many as a queue's places are told quickly of
    )
    max_queued_per_tenant: int = 20_000
    blocks_dir: Path | None = None
    pinning_file: Path | None = None
    mint_before_pin: bool = False
    mint_window_ms: int = 250  # how long a mint waits for others to share its transaction
    stuck_after_s: int = 60  # after which a transaction that is not mined is sent at a higher fee
    max_fee_gwei: int = 1_000

    @property
    def pinning_list(self) -> Path:
        """The TOML file with the services that pin assets; it need not be there."""
        return self.pinning_file or self.data_dir / "pinning.toml"

    @property
    def private_keys(self) -> tuple[str, ...]:
        return _listed(self.private_key)

    public_url: str | None = None
    public_rpc_url: str | None = None
    signer_url: str | None = field(default=None, repr=False)  # may carry a password
    signer_address: str | None = None
    vouchers: str | None = None
    factory: str | None = None
    key_password_file: Path | None = field(default=None, repr=False)

    @property
    def model_list(self) -> Path:
        """The TOML file with the models of the user's own; it need not be there."""
        return self.models_file or self.data_dir / "models.toml"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Reads LORESPARK_DATA_DIR, _MODELS, _RPC_URL, _CHAIN_ID, _CONFIRMATIONS, _CONTRACT, _PRIVATE_KEY,
        _LLM_URL, _LLM_MODEL, _LLM_KEY, _DATABASE_URL, _ALLOW_PRIVATE_WEBHOOKS, _DEFAULT_DENY_LIST, _DENY_LIST,
        _MODERATION_URL, _MODERATION_MODEL, _MODERATION_KEY, _RATE_LIMIT_URL, _MAX_QUEUED, _MAX_QUEUED_PER_TENANT,
        _BLOCKS_DIR, _PINNING, _MINT_BEFORE_PIN, _MINT_WINDOW_MS, _STUCK_AFTER_S, _MAX_FEE_GWEI,
        _PUBLIC_URL, _PUBLIC_RPC_URL, _SIGNER_URL, _SIGNER_ADDRESS, _VOUCHERS, _FACTORY and _KEY_PASSWORD_FILE.

        Raises InvalidSettings where one cannot be used; the message never repeats a key or a URL.
        """

        def given(name: str) -> str | None:
            return environment.get(PREFIX + name, "").strip() or None

        folder, models = given("DATA_DIR"), given("MODELS")
        rpc_url, chain_id = given("RPC_URL"), given("CHAIN_ID")
        if rpc_url is not None:
            _check_rpc_urls(_listed(rpc_url))
        if rpc_url is not None and chain_id is None:
            raise InvalidSettings(
                "LORESPARK_RPC_URL is set without LORESPARK_CHAIN_ID; set the chain id it must have."
            )
        confirmations = given("CONFIRMATIONS")
        contract, private_key = given("CONTRACT"), given("PRIVATE_KEY")
        if private_key is not None:
            _check_private_keys(_listed(private_key))
        llm_url, llm_model, llm_key = given("LLM_URL"), given("LLM_MODEL"), given("LLM_KEY")
        _check_llm(llm_url, llm_model, llm_key)
        moderation_url, moderation_key = given("MODERATION_URL"), given("MODERATION_KEY")
        moderation_model = given("MODERATION_MODEL")
        _check_service("MODERATION", moderation_url, moderation_model, moderation_key)
        deny_list, pinning = given("DENY_LIST"), given("PINNING")
        signer_url, signer_address = given("SIGNER_URL"), given("SIGNER_ADDRESS")
        _check_signer(private_key, signer_url, signer_address)
        return cls(
            data_dir=_path("DATA_DIR", folder) if folder else platformdirs.user_data_path("lorespark"),
            rpc_url=rpc_url,
            chain_id=_number("CHAIN_ID", chain_id, 1, 2**53 - 1) if chain_id else EMBEDDED_CHAIN_ID,
            confirmations=(
                _number("CONFIRMATIONS", confirmations, 1, MAX_CONFIRMATIONS)
                if confirmations
                else (1 if rpc_url is None else REMOTE_CONFIRMATIONS)
            ),
            contract=_contract("CONTRACT", contract) if contract else None,
            private_key=private_key,
            models_file=_file("MODELS", models) if models else None,
            llm_url=llm_url,
            llm_model=llm_model,
            llm_key=llm_key,
            database_url=_database(given("DATABASE_URL")),
            allow_private_webhooks=_switch(
                "ALLOW_PRIVATE_WEBHOOKS", given("ALLOW_PRIVATE_WEBHOOKS"), default=False
            ),
            default_deny_list=_switch("DEFAULT_DENY_LIST", given("DEFAULT_DENY_LIST"), default=True),
            deny_list=_file("DENY_LIST", deny_list) if deny_list else None,
            moderation_url=moderation_url,
            moderation_model=moderation_model,
            moderation_key=moderation_key,
            rate_limit_url=_rate_limit(given("RATE_LIMIT_URL")),
            max_queued=_limit("MAX_QUEUED", given("MAX_QUEUED"), cls.max_queued),
            max_queued_per_tenant=_limit(
                "MAX_QUEUED_PER_TENANT", given("MAX_QUEUED_PER_TENANT"), cls.max_queued_per_tenant
            ),
            blocks_dir=_path("BLOCKS_DIR", blocks) if (blocks := given("BLOCKS_DIR")) else None,
            pinning_file=_file("PINNING", pinning) if pinning else None,
            mint_before_pin=_switch("MINT_BEFORE_PIN", given("MINT_BEFORE_PIN"), default=False),
            mint_window_ms=_within(
                "MINT_WINDOW_MS", given("MINT_WINDOW_MS"), cls.mint_window_ms, 0, MAX_MINT_WINDOW_MS
            ),
            stuck_after_s=_within("STUCK_AFTER_S", given("STUCK_AFTER_S"), cls.stuck_after_s, 1, 86_400),
            max_fee_gwei=_within("MAX_FEE_GWEI", given("MAX_FEE_GWEI"), cls.max_fee_gwei, 1, 10**6),
            public_url=_public(url) if (url := given("PUBLIC_URL")) else None,
            public_rpc_url=_public_rpc(node) if (node := given("PUBLIC_RPC_URL")) else None,
            signer_url=signer_url,
            signer_address=_account("SIGNER_ADDRESS", signer_address) if signer_address else None,
            key_password_file=_file("KEY_PASSWORD_FILE", held)
            if (held := given("KEY_PASSWORD_FILE"))
            else None,
            vouchers=_contract("VOUCHERS", vouchers) if (vouchers := given("VOUCHERS")) else None,
            factory=_contract("FACTORY", factory) if (factory := given("FACTORY")) else None,
        )


def _file(name: str, text: str) -> Path:
    path = _path(name, text)
    if not path.is_file():
        kind = "TOML" if name in ("MODELS", "PINNING") else "text"
        raise InvalidSettings(
            f"{PREFIX}{name} is {text[:200]!r}, where there is no file; set it to a {kind} file."
        )
    return path


def _check_llm(url: str | None, model: str | None, key: str | None) -> None:
    _check_service("LLM", url, model, key)
    if url is not None and model is None:
        raise InvalidSettings(
            "LORESPARK_LLM_URL and LORESPARK_LLM_MODEL belong together; set both, or neither."
        )


def _check_service(name: str, url: str | None, model: str | None, key: str | None) -> None:
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


def _switch(name: str, text: str | None, *, default: bool) -> bool:
    if text is None:
        return default
    if text not in ("0", "1"):
        raise InvalidSettings(f"{PREFIX}{name} is {text[:40]!r}; set 1 for yes or 0 for no.")
    return text == "1"


def _database(url: str | None) -> str | None:
    if url is not None and not re.fullmatch(r"postgres(ql)?(\+psycopg)?://[\x21-\x7e]+", url):
        raise InvalidSettings(
            "LORESPARK_DATABASE_URL is no PostgreSQL address; set it as in postgresql://user:password@host/name, "
            "or leave it out for SQLite in the data folder."
        )
    return url


def _rate_limit(url: str | None) -> str | None:
    if url is not None and not re.fullmatch(r"(redis|rediss|redis\+unix)://[\x21-\x7e]+", url):
        raise InvalidSettings(
            "LORESPARK_RATE_LIMIT_URL is no Redis address; set it as in redis://:password@host:6379/0, or leave it "
            "out where one server process runs."
        )
    return url


def _path(name: str, text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except (RuntimeError, OSError) as error:  # of a home or a current folder that is not there
        raise InvalidSettings(
            f"{PREFIX}{name} is {text[:200]!r}, which leads nowhere; set it to a full path."
        ) from error


def _contract(name: str, text: str) -> str:
    return _account(name, text, "a contract's address")


def _account(name: str, text: str, what: str = "an account's address") -> str:
    try:
        return parse_recipient(text)
    except InvalidAddress as error:
        raise InvalidSettings(f"{PREFIX}{name} is not {what}. {error}") from error


def _public(url: str) -> str:
    found = re.fullmatch(r"(https?)://([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?", url)
    if found is None:
        raise InvalidSettings(
            "LORESPARK_PUBLIC_URL is no site's address; set its scheme and host alone, as in https://play.example."
        )
    return url.rstrip("/").lower()


def _public_rpc(url: str) -> str:
    """A password or key in it would reach every visitor, so the parts that carry one are refused."""
    if not re.fullmatch(r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[A-Za-z0-9._\-/]*)?", url):
        raise InvalidSettings(
            "LORESPARK_PUBLIC_RPC_URL is no public node's address; set one without password, query or spaces, as in "
            "https://rpc.example. Every visitor of the wallet page gets it."
        )
    return url


def _check_signer(private_key: str | None, url: str | None, address: str | None) -> None:
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


def _limit(name: str, text: str | None, default: int) -> int:
    return default if text is None else _number(name, text, 0, 10**9)


def _within(name: str, text: str | None, default: int, least: int, most: int) -> int:
    return default if text is None else _number(name, text, least, most)


def _listed(text: str | None) -> tuple[str, ...]:
    """What commas separate."""
    return tuple(part.strip() for part in text.split(",")) if text else ()


def _check_rpc_urls(urls: tuple[str, ...]) -> None:
    if not all(url.startswith(("http://", "https://")) for url in urls) or len(set(urls)) < len(urls):
        raise InvalidSettings(
            "LORESPARK_RPC_URL is not an http:// or https:// address; set it to a node's URL, or to several different "
            "ones with commas between them."
        )
    if len(urls) > MAX_RPC_URLS:
        raise InvalidSettings(f"LORESPARK_RPC_URL names more than {MAX_RPC_URLS} nodes; name fewer.")


def _check_private_keys(keys: tuple[str, ...]) -> None:
    if not all(_PRIVATE_KEY.fullmatch(key) for key in keys):
        raise InvalidSettings(
            "LORESPARK_PRIVATE_KEY is not a private key, which has 64 hexadecimal digits; copy it again."
        )
    if len({key.removeprefix("0x").lower() for key in keys}) < len(keys) or len(keys) > MAX_SIGNERS:
        raise InvalidSettings(
            f"LORESPARK_PRIVATE_KEY holds a key twice, or more than {MAX_SIGNERS}; name each signer once."
        )


def _number(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,16}", text) or not least <= int(text) <= most:
        raise InvalidSettings(f"{PREFIX}{name} is {text[:40]!r}; set a whole number from {least} to {most}.")
    return int(text)
