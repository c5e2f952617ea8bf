"""The form of a themed collection: from its fields to a theme."""

from typing import Final, cast

from starlette.datastructures import FormData

from engine.api.creation import Controls
from engine.api.theme import Theme, ThemeTrait, TraitValue
from engine.errors import InvalidField
from engine.server.web.posted import checked, number, text, texts
from generators.named_palettes import PALETTE_NAMES

MOST_TRAITS: Final = 8  # that the form has fields for
_FIELDS: Final = {"traits": "trait-0-values", "controls": "look"}


def theme_of(form: FormData) -> Theme:
    """Raises InvalidField, whose pointer is a field of the form."""
    traits = [trait for place in range(MOST_TRAITS) if (trait := _trait(form, f"trait-{place}")) is not None]
    wanted = checked(
        Theme,
        _FIELDS,
        theme=text(form, "theme"),
        count=number(form, "count", "The number of assets", 12),
        kinds=tuple(texts(form, "kinds")),
        traits=tuple(traits),
        seed=number(form, "seed", "The seed"),
        controls=_controls(form),
    )
    return cast(Theme, wanted)


def at_its_field(error: InvalidField) -> InvalidField:
    """The error of a theme, with the form's field in place of the request's."""
    name = error.pointer.split("/")[1] if "/" in error.pointer else ""
    return InvalidField(str(error), f"/{_FIELDS.get(name, name)}")


def _controls(form: FormData) -> Controls:
    what, _, name = text(form, "look").partition(":")
    if what == "palette" and name not in PALETTE_NAMES:
        raise InvalidField("There is no such palette; choose one of the list.", "/look")
    size = number(form, "size", "The size", 32)
    fields: dict[str, object] = {"size": None if what == "style" else size}
    if what in ("palette", "style"):
        fields[what] = name
    if text(form, "quality"):
        fields["quality"] = text(form, "quality")
    return cast(Controls, checked(Controls, dict.fromkeys(("palette", "style"), "look"), **fields))


def _trait(form: FormData, prefix: str) -> ThemeTrait | None:
    """One value a line, after ``=`` its weight."""
    name, lines = text(form, f"{prefix}-name"), text(form, f"{prefix}-values").splitlines()
    values = [_value(line, name, f"/{prefix}-values") for line in lines if line.strip()]
    if not name and not values:
        return None
    if not name:
        raise InvalidField("A trait has values and no name; name it, as in Hat.", f"/{prefix}-name")
    if not values:
        raise InvalidField(f"The trait {name} has no values; write one a line.", f"/{prefix}-values")
    fields = {"name": f"{prefix}-name", "values": f"{prefix}-values"}
    return cast(ThemeTrait, checked(ThemeTrait, fields, name=name, values=tuple(values)))


def _value(line: str, trait: str, pointer: str) -> TraitValue:
    value, _, weight = (part.strip() for part in line.partition("="))
    if weight and not (weight.isascii() and weight.isdecimal() and len(weight) <= 7):
        raise InvalidField(
            f"{trait or 'A trait'}, {value[:40]!r}: after = comes its weight, a whole number.", pointer
        )
    field = pointer.removeprefix("/")
    made = checked(
        TraitValue, {"value": field, "weight": field}, value=value, weight=int(weight) if weight else 1
    )
    return cast(TraitValue, made)
