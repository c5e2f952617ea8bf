"""All that is measured of one pipeline, as rows of a table and as JSON."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.evaluation.adherence import Adherence
from tools.evaluation.composition import AttributeScore
from tools.evaluation.exactness import Exactness
from tools.evaluation.fidelity import Fidelity
from tools.evaluation.novelty import Novelty
from tools.evaluation.variety import Variety


@dataclass(frozen=True)
class Report:
    """One pipeline's figures. ``judge`` is the digest of the judge that gave them: two judges do not compare."""

    model: str
    weights: str
    judge: str
    steps: int
    guidance: float
    precision: str
    size_px: int
    adherence: Mapping[str, Adherence]
    fidelity: Fidelity
    variety: Variety
    novelty: Novelty
    composition: Mapping[str, Mapping[str, AttributeScore]]
    held_out_loss: Mapping[str, float]
    colour_adherence: float
    exactness: Mapping[str, Exactness]

    @property
    def adherence_ratio(self) -> float:
        """The mean over groups of generated over real."""
        return sum(one.ratio for one in self.adherence.values()) / len(self.adherence)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "adherence_ratio": self.adherence_ratio,
            "frechet_ratio": self.fidelity.ratio,
            "near_copy_share": self.novelty.generated.near_copy_share,
        }

    def rows(self) -> Iterator[tuple[str, str]]:
        """What was measured, and the figure with what it is beside."""
        yield "steps, guidance, precision", f"{self.steps}, {self.guidance:g}, {self.precision}"
        for group, one in self.adherence.items():
            yield (
                f"adherence, {group}: top-1 of {one.among}",
                f"{one.generated:.1%} ±{one.generated_error:.1%}, real {one.real:.1%} ±{one.real_error:.1%}, "
                f"ratio {one.ratio:.2f}",
            )
            if one.held_out_pictures:
                yield (
                    f"  of these new to the network, {group} ({one.held_out_pictures})",
                    f"{one.held_out_generated:.1%}, real {one.held_out_real:.1%}",
                )
        yield "adherence_ratio", f"{self.adherence_ratio:.3f}"
        fidelity = self.fidelity
        yield (
            f"Fréchet distance, N={fidelity.pictures // 2}",
            f"{fidelity.frechet:.3f}, real halves {fidelity.frechet_real:.3f}, "
            f"scrambled {fidelity.frechet_scrambled:.3f}",
        )
        yield "frechet_ratio", f"{fidelity.ratio:.2f} ±{fidelity.ratio_spread:.2f}"
        yield "precision", f"{fidelity.precision:.1%}, real {fidelity.precision_real:.1%}"
        yield "recall", f"{fidelity.recall:.1%}, real {fidelity.recall_real:.1%}"
        for prompt, distance in self.variety.generated.items():
            yield f"spread of 16 seeds, {prompt!r}", f"{distance:.3f}, real {self.variety.real[prompt]:.3f}"
        for name, far in (("generated", self.novelty.generated), ("held-out real", self.novelty.real)):
            yield (
                f"nearest training picture, {name} ({far.pictures})",
                f"pixels {far.pixel_median:.3f} (5 %: {far.pixel_5:.3f}), "
                f"features {far.feature_median:.3f} (5 %: {far.feature_5:.3f})",
            )
            yield f"near copies, {name}", f"{far.near_copy_share:.1%}"
        for count, attributes in self.composition.items():
            for attribute, score in attributes.items():
                yield (
                    f"{count}: {attribute} ({score.pictures})",
                    f"{score.generated:.0%}, real {score.real:.0%}, chance {score.chance:.0%}",
                )
        for kind, loss in self.held_out_loss.items():
            yield f"held-out loss, {kind}", f"{loss:.4f}"
        yield "colour adherence", f"{self.colour_adherence:.0%}"
        for pair, apart in self.exactness.items():
            yield (
                pair,
                f"{apart.differ:.2%} of pixels differ, {apart.visibly:.2%} visibly (worst {apart.worst:.1%})",
            )


def merge_json(path: Path, reports: list[Report]) -> None:
    """Adds reports to the list in ``path``; one of the same weights, steps and guidance takes the place of the last."""

    def key(entry: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(entry[name] for name in ("model", "weights", "steps", "guidance"))

    known = json.loads(path.read_text(encoding="utf-8"))["evaluations"] if path.exists() else []
    entries = {key(entry): entry for entry in [*known, *(report.to_json() for report in reports)]}
    text = json.dumps({"evaluations": list(entries.values())}, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
