"""What moves how: the actions that clips show, and the direction that they face."""

from dataclasses import dataclass
from enum import StrEnum

from generators.animation import frame_ms
from generators.errors import InvalidRecipe

FRAME_COUNTS = (8, 16)  # what the bundled clip network was trained on


class Direction(StrEnum):
    """Where a figure faces, as the player sees it."""

    RIGHT = "right"
    LEFT = "left"
    DOWN = "down"
    UP = "up"


@dataclass(frozen=True)
class Action:
    """``words`` follow the prompt, as in the captions that networks were trained on. One that ``loops`` goes over from
    its last frame into its first. ``subject`` is what usually does it: character, item or tile; ``frame_ms`` how long
    each of 16 frames stands when it is shown at its natural speed."""

    name: str
    words: str
    loops: bool
    subject: str
    frame_ms: int


ACTIONS = {
    action.name: action
    for action in (
        Action("idle", "standing", True, "character", 80),
        Action("walk", "walking", True, "character", 60),
        Action("run", "running", True, "character", 40),
        Action("attack", "attacking", False, "character", 70),
        Action("cast", "casting a spell", False, "character", 80),
        Action("hurt", "hurt", False, "character", 40),
        Action("die", "dying", False, "character", 80),
        Action("float", "floating", True, "item", 80),
        Action("spin", "spinning", True, "item", 60),
        Action("burn", "burning", True, "item", 60),
        Action("glow", "glowing", True, "item", 80),
        Action("open", "opening", False, "item", 60),
        Action("water", "flowing water", True, "tile", 100),
        Action("lava", "flowing lava", True, "tile", 120),
    )
}


def action_named(name: str) -> Action:
    """Raises InvalidRecipe with the list of actions where there is none of that name."""
    if name not in ACTIONS:
        raise InvalidRecipe(f"There is no action {name[:40]!r}; use one of {', '.join(ACTIONS)}.")
    return ACTIONS[name]


# What people write for an action, beside its name and its words.
SAID = {
    "walks": "walk",
    "runs": "run",
    "attacks": "attack",
    "casts": "cast",
    "casting": "cast",
    "dies": "die",
    "floats": "float",
    "hovering": "float",
    "spins": "spin",
    "rotating": "spin",
    "burns": "burn",
    "glows": "glow",
    "opens": "open",
}


def action_in(prompt: str) -> Action:
    """The action that a prompt ends in, as in "a knight, running"; idle where it ends in none.

    Only its end counts: a wizard with a glowing staff does not glow.
    """
    text = prompt.lower().rstrip(" .!")
    last = (text.split() or [""])[-1]
    for action in ACTIONS.values():
        if text.endswith(f" {action.words}") or last == action.name or SAID.get(last) == action.name:
            return action
    return ACTIONS["idle"]


def actions_for(subject: str) -> list[str]:
    """The names of what a character, an item or a tile usually does."""
    return [action.name for action in ACTIONS.values() if action.subject == subject]


def natural_frame_ms(action: Action, frames: int) -> int:
    """Milliseconds that each of ``frames`` stands: an action takes as long in 8 frames as in 16."""
    return frame_ms(1000 * frames / (FRAME_COUNTS[-1] * action.frame_ms))
