"""Has a picture the colour that its prompt names? Measured in pixels, without the judge."""

from tools.evaluation.drawing import Drawer
from tools.sprites.colours import colour_words

COLOURS = {
    "red": {"red", "dark red", "pink", "magenta"},
    "blue": {"blue", "dark blue", "light blue", "cyan"},
    "green": {"green", "dark green", "light green", "teal"},
    "golden": {"golden", "yellow", "orange", "tan", "brown"},
    "purple": {"purple", "dark purple", "magenta"},
    "white": {"white", "silver", "light blue"},
}
NOUNS = {
    32: ("potion bottle", "dragon monster", "robe armour", "gem", "slime monster", "floor tile"),
    64: ("knight", "dragon", "golem", "wizard in a robe", "beast", "demon"),
}
SEEDS = 4


def colour_adherence(drawer: Drawer) -> float:
    """The share of "COLOUR NOUN" prompts whose finished picture has that colour among its three commonest."""
    hits, total = 0, 0
    for colour, names in COLOURS.items():
        prompts = [f"{colour} {noun}" for noun in NOUNS[drawer.size_px] for _ in range(SEEDS)]
        for pixels in drawer.draw(prompts, list(range(len(prompts))), "item"):
            hits += not names.isdisjoint(colour_words(pixels, most=3))
            total += 1
    return hits / total
