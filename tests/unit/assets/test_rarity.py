"""How rare tokens are by their traits: shares, information content, ranks."""

import math

import pytest

from assets.rarity import ranks, shares

FOUR = [{"Hat": "crown"}, {"Hat": "cap"}, {"Hat": "cap"}, {"Hat": "cap", "Pet": "cat"}]


def test_shares_count_what_lacks_a_trait() -> None:
    found = [(each.trait, each.value, each.count, each.share) for each in shares(FOUR)]
    assert found == [
        ("Hat", "cap", 3, 0.75),
        ("Hat", "crown", 1, 0.25),
        ("Pet", None, 3, 0.75),
        ("Pet", "cat", 1, 0.25),
    ]


def test_the_score_is_the_information_content_over_the_mean() -> None:
    common, rare = -math.log2(0.75), -math.log2(0.25)
    bits = [rare + common, 2 * common, 2 * common, common + rare]
    mean = sum(bits) / 4
    found = ranks(FOUR)
    assert [each.index for each in found] == [0, 3, 1, 2]
    assert [each.rank for each in found] == [1, 1, 3, 3], "equally rare ones share a rank"
    assert found[0].score == pytest.approx(bits[0] / mean)
    assert sum(each.score for each in found) / 4 == pytest.approx(1)


@pytest.mark.parametrize("assets", [[], [{}], [{"Hat": "cap"}], [{"Hat": "cap"}, {"Hat": "cap"}]])
def test_assets_that_are_all_alike_are_all_as_rare(assets: list[dict[str, str]]) -> None:
    assert [(each.rank, each.score) for each in ranks(assets)] == [(1, 1.0)] * len(assets)
