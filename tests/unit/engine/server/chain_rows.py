"""What tests of tokens share: rows as the index writes them."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import insert
from starlette.testclient import TestClient

from assets.asset import Asset
from engine.app import Application
from engine.database.chain_index import Batch, advance, watch, write_batch
from engine.database.clock import now
from engine.database.tables import mints

Headers = Callable[..., dict[str, str]]
CHAIN_ID = 31_337
CONTRACT = "0xAE519FC2Ba8e6fFE6473195c092bF1BAe986ff90"
OTHER = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
ANN = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
BOB = "0x1C5A77d9FA7eF466951B2F01F724BCa3A5820b63"
DIGEST = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"


def moved(block: int, token_id: int, sender: str, receiver: str, contract: str = CONTRACT) -> dict[str, Any]:
    return {
        **{"block_number": block, "log_index": token_id % 256, "contract": contract},
        **{"token_id": str(token_id), "sender": sender, "receiver": receiver},
        **{"tx_hash": f"0x{block:064x}", "at": f"2026-11-25T00:{block:02d}:00Z"},
    }


def minted(block: int, token_id: int, owner: str, contract: str = CONTRACT) -> dict[str, Any]:
    return {
        **{"contract": contract, "token_id": str(token_id), "owner": owner, "frozen": False},
        **{"digest": DIGEST, "minted_digest": DIGEST, "minted_block": block, "minted_index": token_id % 256},
        **{
            "minted_tx": f"0x{block:064x}",
            "minted_at": f"2026-11-25T00:{block:02d}:00Z",
            "changed_block": block,
        },
    }


def write(application: Application, version: int, last_block: int, **rows: Sequence[dict[str, Any]]) -> None:
    with application.records.database.writing() as connection:
        watch(connection, CHAIN_ID, CONTRACT, "assets", 0)
        assert advance(connection, CHAIN_ID, version, 50)
        first = min(
            row.get("block_number", row.get("changed_block", 0)) for each in rows.values() for row in each
        )
        batch = Batch((CONTRACT,), first, last_block, {last_block: f"0x{last_block:064x}"}, **rows)
        write_batch(connection, CHAIN_ID, batch)


def mint(application: Application, asset: Asset, tenant_id: str, token_id: str) -> None:
    with application.records.database.writing() as connection:
        values = {"id": f"mint-{token_id}", "tenant_id": tenant_id, "asset_id": asset.asset_id}
        values |= {"recipient": ANN, "chain_id": CHAIN_ID, "contract": CONTRACT, "status": "confirmed"}
        connection.execute(insert(mints).values(**values, token_id=token_id, created_at=now()))


def ids(answer: Any) -> list[str]:
    return [each["token_id"] for each in answer.json()["data"]]


def ask(client: TestClient, key: dict[str, str], query: str, **variables: Any) -> Any:
    return client.post("/v1/graphql", json={"query": query, "variables": variables}, headers=key)
