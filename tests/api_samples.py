"""Answers as a server gives them."""

from typing import Any

FILE = {"url": "/ipfs/bafk", "cid": "bafk", "type": "image/png"}


def asset(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"asset-{number}",
        "kind": "item",
        "name": "A red potion bottle",
        "prompt": "a red potion bottle",
        "model": "lorespark-sprites",
        "seed": number,
        "size": 32,
        "tags": [],
        "creation": "creation-1",
        "collections": [],
        "owner": None,
        "holder": None,
        "token": None,
        "parents": [],
        "media": FILE,
        "image": FILE,
        "files": {},
        "metadata_cid": "bafkmeta",
        "recipe_hash": "ab" * 32,
        "uploaded": False,
        "quality": None,
        "created_at": "2026-11-24T12:00:00Z",
        "links": {"self": f"/v1/assets/asset-{number}"},
        **changes,
    }


def creation(status: str = "queued", **changes: Any) -> dict[str, Any]:
    return {
        "id": "creation-1",
        "status": status,
        "kind": "item",
        "prompt": "a red potion bottle",
        "count": 1,
        "seed": 7,
        "model": None,
        "priority": 0,
        "tags": [],
        "collection": None,
        "queue_place": 1 if status == "queued" else None,
        "progress": None,
        "error": None,
        "created_at": "2026-11-24T12:00:00Z",
        "started_at": None,
        "finished_at": None,
        "assets": [asset()] if status == "succeeded" else [],
        "links": {"self": "/v1/creations/creation-1"},
        **changes,
    }


def mint(status: str = "prepared", **changes: Any) -> dict[str, Any]:
    return {
        "id": "mint-1",
        "asset": "asset-1",
        "to": "0x" + "12" * 20,
        "chain_id": 31337,
        "status": status,
        "contract": None,
        "token_id": "1" if status == "confirmed" else None,
        "tx_hash": None,
        "block_number": None,
        "error": None,
        "created_at": "2026-11-24T12:00:00Z",
        "links": {},
        **changes,
    }


def health(**changes: Any) -> dict[str, Any]:
    when = "2026-11-24T12:00:00Z"
    holder = {"service": "home", "status": "pinned", "root": "bafyroot", "bytes": 4096, "error": None}
    times = dict.fromkeys(("requested_at", "pinned_at", "checked_at", "read_at"), when)
    return {
        "asset": "asset-1",
        "root": "bafyroot",
        "metadata_cid": "bafkmeta",
        "whole": True,
        "blocks": 4,
        "bytes": 4096,
        "fault": None,
        "holders": [holder | times | {"attempts": 1, "repairs": 0}],
        "links": {},
        **changes,
    }


def token(**changes: Any) -> dict[str, Any]:
    return {
        "chain_id": 31337,
        "contract": "0x" + "12" * 20,
        "token_id": "256",
        "owner": "0x" + "34" * 20,
        "metadata_digest": None,
        "metadata_cid": None,
        "frozen": False,
        "asset": None,
        "minted_block": 1,
        "minted_tx": "0x" + "ab" * 32,
        "minted_at": "2026-11-24T12:00:00Z",
        "links": {},
        **changes,
    }


def key(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"key-{number}",
        "name": "build server",
        "prefix": "lsk_ab",
        "scopes": ["read"],
        "limits": {"per_minute": 600, "per_day": 10_000, "concurrent": 1_000},
        "created_at": "2026-11-24T12:00:00Z",
        "revoked_at": None,
        **changes,
    }


def problem(status: int, name: str = "some-problem", **members: Any) -> dict[str, Any]:
    return {
        "type": f"urn:lorespark:problem:{name}",
        "title": "A problem",
        "status": status,
        "detail": "Something is wrong; correct it.",
        **members,
    }


def events(*sent: tuple[int, str, str], retry: bool = True) -> bytes:
    """A stream of events (number, type, JSON), with a heartbeat before each."""
    lines = ["retry: 10\n\n"] if retry else []
    lines += [f": still here\n\nid: {number}\nevent: {type}\ndata: {data}\n\n" for number, type, data in sent]
    return "".join(lines).encode()


def voucher(**changes: Any) -> dict[str, Any]:
    return {
        "id": "voucher-1",
        "asset": "a",
        "to": "0x" + "12" * 20,
        "price_wei": "0",
        "chain_id": 31337,
        "status": "prepared",
        "expires_at": "2026-01-08T00:00:00Z",
        "contract": None,
        "collection": None,
        "nonce": None,
        "token_id": None,
        "error": None,
        "promise": None,
        "created_at": "2026-01-01T00:00:00Z",
        "links": {"self": "/v1/vouchers/voucher-1", "asset": "/v1/assets/a"},
        **changes,
    }
