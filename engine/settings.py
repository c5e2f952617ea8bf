"""The environment, read once into a frozen object."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from engine.errors import InvalidSettings
from engine.setting_values import (
    PREFIX,
    check_llm,
    check_private_keys,
    check_rpc_urls,
    check_service,
    check_signer,
    read_account,
    read_contract,
    read_database,
    read_file,
    read_limit,
    read_listed,
    read_number,
    read_path,
    read_public,
    read_public_rpc,
    read_rate_limit,
    read_switch,
    read_within,
)

EMBEDDED_CHAIN_ID = 31_337  # what local development chains use
REMOTE_CONFIRMATIONS = 2
MAX_CONFIRMATIONS = 1_000
MAX_MINT_WINDOW_MS = 5_000  # a thread waits as long


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
        return read_listed(self.private_key)

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
            check_rpc_urls(read_listed(rpc_url))
        if rpc_url is not None and chain_id is None:
            raise InvalidSettings(
                "LORESPARK_RPC_URL is set without LORESPARK_CHAIN_ID; set the chain id it must have."
            )
        confirmations = given("CONFIRMATIONS")
        contract, private_key = given("CONTRACT"), given("PRIVATE_KEY")
        if private_key is not None:
            check_private_keys(read_listed(private_key))
        llm_url, llm_model, llm_key = given("LLM_URL"), given("LLM_MODEL"), given("LLM_KEY")
        check_llm(llm_url, llm_model, llm_key)
        moderation_url, moderation_key = given("MODERATION_URL"), given("MODERATION_KEY")
        moderation_model = given("MODERATION_MODEL")
        check_service("MODERATION", moderation_url, moderation_model, moderation_key)
        deny_list, pinning = given("DENY_LIST"), given("PINNING")
        signer_url, signer_address = given("SIGNER_URL"), given("SIGNER_ADDRESS")
        check_signer(private_key, signer_url, signer_address)
        return cls(
            data_dir=read_path("DATA_DIR", folder) if folder else platformdirs.user_data_path("lorespark"),
            rpc_url=rpc_url,
            chain_id=read_number("CHAIN_ID", chain_id, 1, 2**53 - 1) if chain_id else EMBEDDED_CHAIN_ID,
            confirmations=(
                read_number("CONFIRMATIONS", confirmations, 1, MAX_CONFIRMATIONS)
                if confirmations
                else (1 if rpc_url is None else REMOTE_CONFIRMATIONS)
            ),
            contract=read_contract("CONTRACT", contract) if contract else None,
            private_key=private_key,
            models_file=read_file("MODELS", models) if models else None,
            llm_url=llm_url,
            llm_model=llm_model,
            llm_key=llm_key,
            database_url=read_database(given("DATABASE_URL")),
            allow_private_webhooks=read_switch(
                "ALLOW_PRIVATE_WEBHOOKS", given("ALLOW_PRIVATE_WEBHOOKS"), default=False
            ),
            default_deny_list=read_switch("DEFAULT_DENY_LIST", given("DEFAULT_DENY_LIST"), default=True),
            deny_list=read_file("DENY_LIST", deny_list) if deny_list else None,
            moderation_url=moderation_url,
            moderation_model=moderation_model,
            moderation_key=moderation_key,
            rate_limit_url=read_rate_limit(given("RATE_LIMIT_URL")),
            max_queued=read_limit("MAX_QUEUED", given("MAX_QUEUED"), cls.max_queued),
            max_queued_per_tenant=read_limit(
                "MAX_QUEUED_PER_TENANT", given("MAX_QUEUED_PER_TENANT"), cls.max_queued_per_tenant
            ),
            blocks_dir=read_path("BLOCKS_DIR", blocks) if (blocks := given("BLOCKS_DIR")) else None,
            pinning_file=read_file("PINNING", pinning) if pinning else None,
            mint_before_pin=read_switch("MINT_BEFORE_PIN", given("MINT_BEFORE_PIN"), default=False),
            mint_window_ms=read_within(
                "MINT_WINDOW_MS", given("MINT_WINDOW_MS"), cls.mint_window_ms, 0, MAX_MINT_WINDOW_MS
            ),
            stuck_after_s=read_within("STUCK_AFTER_S", given("STUCK_AFTER_S"), cls.stuck_after_s, 1, 86_400),
            max_fee_gwei=read_within("MAX_FEE_GWEI", given("MAX_FEE_GWEI"), cls.max_fee_gwei, 1, 10**6),
            public_url=read_public(url) if (url := given("PUBLIC_URL")) else None,
            public_rpc_url=read_public_rpc(node) if (node := given("PUBLIC_RPC_URL")) else None,
            signer_url=signer_url,
            signer_address=read_account("SIGNER_ADDRESS", signer_address) if signer_address else None,
            key_password_file=read_file("KEY_PASSWORD_FILE", held)
            if (held := given("KEY_PASSWORD_FILE"))
            else None,
            vouchers=read_contract("VOUCHERS", vouchers) if (vouchers := given("VOUCHERS")) else None,
            factory=read_contract("FACTORY", factory) if (factory := given("FACTORY")) else None,
        )
