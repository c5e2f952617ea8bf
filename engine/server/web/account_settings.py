"""``/account/settings``: what is set, without any secret, and whether what the server needs answers."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sqlalchemy import Connection, select

from chain.errors import ChainError
from chain.key_folder import KeyFolder
from chain.signer import EnvironmentSigner
from engine.api.account import Scope
from engine.app import Application
from engine.database.tables import LOCAL_TENANT, workers
from engine.database.vouchers import voucher_contract
from engine.doctor import examine_machine
from engine.server.backends import Backend
from engine.server.caller import App, Caller
from engine.server.web.page import Creating, PageRoute, render
from engine.settings import Settings
from generators.errors import GeneratorError

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Facts = list[tuple[str, str]]
_HERE: Final = "this machine alone"


@router.get("/account/settings")
def settings_page(request: Request, caller: Creating, application: App) -> Response:
    with application.records.database.reading() as connection:
        context: dict[str, Any] = {
            "models": application.catalogue.models(connection),
            "chain": _chain(connection, application),
        }
        if _is_operator(caller):
            context |= {
                "workers": _workers(connection),
                "settings": _settings(application.settings, application.records.database.is_shared),
                "findings": examine_machine(application),
            }
    return render(request, "account_settings.html", operates=_is_operator(caller), **context)


@router.get("/account/settings/health")
async def health(request: Request, caller: Creating) -> Response:
    """Whether each back end and pinning service answers now; asked apart, since one that hangs takes seconds."""
    needed: Sequence[Backend] = request.app.state.backends
    pinning: Sequence[Backend] = request.app.state.pinning
    faults = await asyncio.gather(*(backend.fault() for backend in (*needed, *pinning)))
    told = [
        (backend.name, None if fault is None else fault if _is_operator(caller) else "It does not answer.")
        for backend, fault in zip((*needed, *pinning), faults, strict=True)
    ]
    return await run_in_threadpool(
        render, request, "parts/health.html", needed=told[: len(needed)], pinning=told[len(needed) :]
    )


def _is_operator(caller: Caller) -> bool:
    """Whether the caller runs this server: manages the tenant whose data folder it is. Others are its guests."""
    return caller.tenant_id == LOCAL_TENANT and Scope.ADMIN in caller.scopes


def _chain(connection: Connection, application: Application) -> Facts:
    settings = application.settings
    chain_id = settings.chain_id
    contract = settings.contract or application.records.contract(chain_id)
    claimed_with = settings.vouchers or voucher_contract(connection, chain_id)
    several = (settings.rpc_url or "").count(",") + 1
    node = "embedded, in the data folder" if settings.rpc_url is None else f"{several} configured node(s)"
    return [
        ("Chain", node),
        ("Chain id", str(chain_id)),
        ("Contract", contract or "deployed at the first mint"),
        ("Voucher contract", claimed_with or "deployed at the first claim"),
        ("Signer", _signer(application)),
        ("Confirmations", str(settings.confirmations)),
        ("Most for a gas", f"{settings.max_fee_gwei:,d} gwei"),
    ]


def _signer(application: Application) -> str:
    """The account that signs, as far as that can be told without asking anybody or making a key."""
    settings = application.settings
    try:
        if settings.signer_url is not None:
            return settings.signer_address or "the only key of the web3signer"
        if settings.private_keys:
            own = [EnvironmentSigner(key).address for key in settings.private_keys]
            return own[0] + (f" and {len(own) - 1} more" if own[1:] else "")
        active = next(
            (key.address for key in KeyFolder(application.folder.keys).list() if key.is_active), None
        )
        return active or "made at the first mint"
    except (ChainError, GeneratorError):
        return "the key cannot be read; `lorespark doctor` says why"


def _workers(connection: Connection) -> list[dict[str, Any]]:
    rows = connection.execute(select(workers).order_by(workers.c.started_at, workers.c.id))
    return [
        {
            "host": row.host,
            "pid": row.pid,
            "queues": ", ".join(row.queues),
            "models": len(row.models),
            "started_at": row.started_at,
            "beat_at": datetime.fromtimestamp(row.beat_at_ms / 1000, UTC).isoformat(),
        }
        for row in rows
    ]


def _settings(settings: Settings, is_shared: bool) -> dict[str, Facts]:
    """By heading. URLs, keys and passwords are told as set or not set alone."""
    return {
        "Storage": [
            ("Data folder", str(settings.data_dir)),
            ("Records and jobs", "PostgreSQL" if is_shared else "SQLite in the data folder"),
            ("Blocks", _path(settings.blocks_dir, "in PostgreSQL" if is_shared else "in the data folder")),
            (
                "Pinning list",
                _path(settings.pinning_list if settings.pinning_list.exists() else None, "none"),
            ),
            ("Model list", _path(settings.model_list if settings.model_list.exists() else None, "none")),
        ],
        "Access": [
            ("Reached at", settings.public_url or _HERE),
            ("Requests counted", "in Redis" if settings.rate_limit_url else "in this process"),
            ("Private webhooks", "allowed" if settings.allow_private_webhooks else "refused"),
        ],
        "Prompts": [
            ("Default deny list", "on" if settings.default_deny_list else "off"),
            ("Own deny list", _path(settings.deny_list, "none")),
            ("Moderation service", _service(settings.moderation_url, settings.moderation_model)),
            ("Language model", _service(settings.llm_url, settings.llm_model, "the bundled one")),
        ],
        "Limits": [
            (
                "Creations that wait",
                f"{settings.max_queued:,d} of all, {settings.max_queued_per_tenant:,d} of one",
            ),
            ("Mints share a transaction within", f"{settings.mint_window_ms} ms"),
            ("Mints wait for a pin", "no" if settings.mint_before_pin else "where services are listed"),
            ("A stuck transaction is replaced after", f"{settings.stuck_after_s} s"),
        ],
    }


def _path(path: Path | None, otherwise: str) -> str:
    return otherwise if path is None else str(path)


def _service(url: str | None, model: str | None, otherwise: str = "none") -> str:
    return otherwise if url is None else f"configured, model {model}" if model else "configured"
