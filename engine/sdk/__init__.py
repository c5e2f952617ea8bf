"""The Python SDK: a server's API as methods, with the values that the server itself uses.

    from engine.sdk import Client

    with Client("http://127.0.0.1:8000", "lsk_…") as client:
        creation = client.creations.create("a red potion bottle", kind="item")
        for asset in client.creations.wait(creation.id).assets:
            client.assets.download(asset.id, f"{asset.id}.png")

It imports nothing of the server, the models or the chain.
"""

from engine.api.account import DayOfUse, Key, KeyWithSecret, Limits, Me, Model, NewKey, Scope
from engine.api.asset import Asset, Collection, File, Mint, NewCollection, Token
from engine.api.creation import (
    Controls,
    Creation,
    CreationEvent,
    CreationRequest,
    CreationStatus,
    Estimate,
    MintTo,
    Progress,
)
from engine.api.health import Health, PinHolder
from engine.api.model import Page
from engine.api.problem import FieldProblem
from engine.api.signature import verify as verify_webhook
from engine.api.voucher import Holder, SignedPromise, Voucher
from engine.api.webhook import Delivery, EventType, NewWebhook, Webhook, WebhookWithSecret
from engine.errors import SignatureRefused
from engine.sdk.async_client import AsyncClient
from engine.sdk.client import Client
from engine.sdk.errors import (
    Conflict,
    CreationFailed,
    Forbidden,
    Invalid,
    LoresparkError,
    MintFailed,
    NotFound,
    RateLimited,
    ServerFailed,
    Unauthorised,
    Unreachable,
    WaitTimedOut,
)
from engine.sdk.resource import AsyncPages, Pages

__all__ = [
    "Asset",
    "AsyncClient",
    "AsyncPages",
    "Client",
    "Collection",
    "Conflict",
    "Controls",
    "Creation",
    "CreationEvent",
    "CreationFailed",
    "CreationRequest",
    "CreationStatus",
    "DayOfUse",
    "Delivery",
    "Estimate",
    "EventType",
    "FieldProblem",
    "File",
    "Forbidden",
    "Health",
    "Holder",
    "Invalid",
    "Key",
    "KeyWithSecret",
    "Limits",
    "LoresparkError",
    "Me",
    "Mint",
    "MintFailed",
    "MintTo",
    "Model",
    "NewCollection",
    "NewKey",
    "NewWebhook",
    "NotFound",
    "Page",
    "Pages",
    "PinHolder",
    "Progress",
    "RateLimited",
    "Scope",
    "ServerFailed",
    "SignatureRefused",
    "SignedPromise",
    "Token",
    "Unauthorised",
    "Unreachable",
    "Voucher",
    "WaitTimedOut",
    "Webhook",
    "WebhookWithSecret",
    "verify_webhook",
]
