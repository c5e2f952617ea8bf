"""Where mints are asked for: checked by the quality gate, estimated, and let wait for a worker."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from assets.asset import Asset
from chain.address import parse_recipient
from engine.api.asset import Mint, MintEstimate, MintRequest
from engine.app import Application
from engine.database.asset_rows import asset_of
from engine.database.assets import own_assets
from engine.database.jobs import bring_forward, enqueue
from engine.database.mints import add_mint, living_mint, mint_view
from engine.database.pins import waive
from engine.database.usage import add_use
from engine.server.caller import Caller


@dataclass(frozen=True)
class Passed:
    """Assets as they may be minted, and for whom."""

    assets: tuple[Asset, ...]
    recipient: str
    force: bool


@dataclass(frozen=True)
class MintingDesk:
    """What one caller can do to bring assets onto the chain."""

    application: Application
    caller: Caller

    def passed(self, asset_ids: Sequence[str], wanted: MintRequest) -> Passed:
        """The gate reads blocks, so this is done before the transaction.

        Raises UnknownAsset, InvalidAddress, QualityRefused.
        """
        application, chain_id = self.application, self.application.settings.chain_id
        with application.records.database.reading() as connection:
            assets = [asset_of(row) for row in own_assets(connection, self.caller.tenant_id, asset_ids)]
            living = {
                asset.asset_id
                for asset in assets
                if living_mint(connection, asset.asset_id, chain_id) is not None
            }
        recipient = self._recipient(wanted.to)
        passed = []
        for asset in assets:
            if asset.asset_id not in living:
                with application.decoding:
                    asset = application.gate.passed(asset, wanted.force)
            passed.append(asset)
        return Passed(tuple(passed), recipient, wanted.force)

    def add(self, connection: Connection, passed: Passed) -> tuple[Mint, ...]:
        """The assets' mints, each made and queued where there is none. Raises Conflict where a voucher promises one."""
        return tuple(self._added(connection, asset, passed) for asset in passed.assets)

    def estimate(self, asset_ids: Sequence[str], to: str | None) -> MintEstimate:
        """What minting them would cost. Raises UnknownAsset, InvalidAddress, Conflict, and errors of the chain."""
        with self.application.records.database.reading() as connection:
            rows = own_assets(connection, self.caller.tenant_id, asset_ids)
        return self.application.mint_job.estimate([asset_of(row) for row in rows], self._recipient(to))

    def _recipient(self, to: str | None) -> str:
        return self.application.signer.address if to is None else parse_recipient(to)

    def _added(self, connection: Connection, asset: Asset, passed: Passed) -> Mint:
        application, caller = self.application, self.caller
        chain_id = application.settings.chain_id
        mint, made = add_mint(connection, asset, passed.recipient, chain_id, caller.key_id)
        if made:
            add_use(connection, caller.key_id, mints=1)
            enqueue(connection, "mint", mint.id, caller.tenant_id)
        if passed.force and application.pinning.delays_mints:
            waive(connection, mint.id)
            bring_forward(connection, "mint", [mint.id])  # it may have been asked for without, and wait
        return mint_view(mint)
