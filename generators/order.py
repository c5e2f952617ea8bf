"""One recipe to draw, with the pictures that it names."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from generators.errors import InvalidPicture
from generators.recipe import Recipe
from generators.source_picture import PictureReader, Source, read_mask, read_picture


@dataclass(frozen=True, eq=False)
class Order:
    """``source``: the picture that the drawing starts from, of the recipe's size; None where it starts from noise."""

    recipe: Recipe
    source: Source | None = None

    @property
    def batch_key(self) -> Hashable:
        """Orders of one key can be drawn in one batch."""
        recipe = self.recipe
        return (
            recipe.model,
            recipe.precision,
            recipe.steps,
            recipe.strength,
            recipe.mask_cid is not None,
            recipe.seamless,
        )


def orders(recipes: Sequence[Recipe], pictures: PictureReader) -> list[Order]:
    """``pictures`` gives the bytes of the source pictures and masks that recipes name by CID; what it raises passes.

    Raises InvalidPicture where one cannot be read or has another size than its recipe.
    """
    return [Order(recipe, _source(recipe, pictures)) for recipe in recipes]


def _source(recipe: Recipe, pictures: PictureReader) -> Source | None:
    if recipe.source_cid is None:
        return None
    pixels = read_picture(pictures(recipe.source_cid), f"The source picture {recipe.source_cid}")
    mask = None
    if recipe.mask_cid is not None:
        mask = read_mask(pictures(recipe.mask_cid), f"The mask {recipe.mask_cid}")
    for name, found in (("source picture", pixels), ("mask", mask)):
        if found is not None and found.shape[:2] != (recipe.size, recipe.size):
            raise InvalidPicture(
                f"The recipe's {name} is {found.shape[1]} x {found.shape[0]} pixels and its size {recipe.size}; "
                "fit it to that size first."
            )
    return Source(pixels, mask)
