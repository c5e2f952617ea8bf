"""What is known of a mint before the chain is asked: which chain, to whom, and whether the asset may be minted."""

from collections.abc import Callable
from dataclasses import dataclass

from assets.asset import Asset
from chain.address import parse_recipient
from chain.signer import Signer
from engine.quality import QualityGate


@dataclass(frozen=True)
class MintingTerms:
    """Implements ``engine.jobs.creation.Minting``."""

    chain_id: int
    gate: QualityGate
    signer: Callable[[], Signer]

    def recipient(self, named: str | None) -> str:
        return self.signer().address if named is None else parse_recipient(named)

    def check(self, asset: Asset) -> None:
        self.gate.passed(asset, force=False)
