"""What the commands answer as JSON: assets, mints and checks."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from assets.asset import Asset

if TYPE_CHECKING:  # it imports web3, which takes a second
    from engine.app import Application
    from engine.verification import Check
    from engine.workbench import MintedAsset
    from generators.quality_gate import QualityCheck


def asset_json(application: "Application", asset: Asset) -> dict[str, Any]:
    fields = asset.to_json()
    return {
        "asset_id": asset.asset_id,
        "kind": asset.kind.value,
        "name": asset.name,
        "media_path": str(application.media_path(asset)),
        "files": {
            name: {"cid": str(cid), "path": str(path)}
            for name, (cid, path) in application.file_paths(asset).items()
        },
        **{
            name: fields[name]
            for name in ("media_cid", "image_cid", "metadata_cid", "recipe_hash", "recipe", "quality")
        },
    }


def mint_json(minted: "MintedAsset") -> dict[str, Any]:
    return {
        "token_id": int(minted.mint.token_id or 0),
        "contract": minted.mint.contract,
        "chain_id": minted.mint.chain_id,
        "tx_hash": minted.mint.tx_hash,
        "block_number": minted.mint.block_number,
        "token_uri": minted.token_uri,
        "owner": minted.owner,
        "status": minted.mint.status,
        "already_minted": minted.already_minted,
    }


def quality_json(checks: "list[QualityCheck]") -> dict[str, Any]:
    return {"ok": all(check.ok for check in checks), "checks": [asdict(check) for check in checks]}


def checks_json(checks: "list[Check]") -> dict[str, Any]:
    rows = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
    return {"ok": all(check.ok for check in checks), "checks": rows}
