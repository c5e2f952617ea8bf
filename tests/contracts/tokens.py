"""Tokens and their digests, as tests of contracts name them."""

import base64
import hashlib
from typing import Any

TOKEN = 256  # the first of the first page


def digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def cid_of(digest: bytes) -> str:
    """The canonical text of a CIDv1 with raw codec and sha2-256, from the specifications alone."""
    body = bytes([0x01, 0x55, 0x12, 0x20]) + digest
    return "b" + base64.b32encode(body).decode().lower().rstrip("=")


def topics(collection: Any, receipt: Any) -> list[bytes]:
    logs = collection.node.web3.eth.get_transaction_receipt(receipt.tx_hash)["logs"]
    return [bytes(log["topics"][0]) for log in logs]
