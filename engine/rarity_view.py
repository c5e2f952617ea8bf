"""How rare a collection's assets are, as the API tells it."""

from collections.abc import Sequence

from assets.rarity import ranks, shares
from engine.api.theme import AssetRarity, Rarity, TraitShare


def rarity_view(found: Sequence[tuple[str, dict[str, str]]]) -> Rarity:
    """``found`` are the ids of assets with their traits."""
    traits = [each for _, each in found]
    return Rarity(
        assets=tuple(
            AssetRarity(
                asset=found[each.index][0],
                rank=each.rank,
                score=round(each.score, 4),
                bits=round(each.bits, 4),
                traits=traits[each.index],
            )
            for each in ranks(traits)
        ),
        traits=tuple(
            TraitShare(trait=each.trait, value=each.value, count=each.count, share=round(each.share, 6))
            for each in shares(traits)
        ),
    )
