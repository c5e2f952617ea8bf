"""The form's fields as a creation's request: read, and said in words where one cannot be."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from pydantic import ValidationError

from engine.api.creation import CreationRequest
from engine.errors import InvalidField, InvalidRequest
from generators.recipe import (
    MAX_COUNT,
    MAX_FRAMES,
    MAX_GUIDANCE,
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    MAX_SIZE_PX,
    MAX_STEPS,
    MIN_SIZE_PX,
)

_MAX_FIELDS: Final = 200
# Fields that a request has under "controls" and takes as they are.
_CHOICES: Final = ("quality", "style", "action", "direction", "source", "mask")
_SPOKEN: Final = {"negative_prompt": "negative prompt", "fps": "number of frames a second"}

Form = Mapping[str, str]


async def _fields(request: Request) -> Form:
    # Read from the body, which the Idempotency-Key is compared with as well.
    try:
        text = (await request.body()).decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidRequest("The form cannot be read; reload the page and try again.") from error
    if any("\0" in value for _, value in pairs):
        raise InvalidRequest("A text of the form holds a null character; remove it.")
    return dict(pairs)


FormFields = Annotated[Form, Depends(_fields)]


def creation_request(form: Form, *, dry_run: bool = False) -> CreationRequest:
    """The request that a form makes; fields that were not sent are the model's own choice.

    Raises InvalidField, whose pointer ends in the field's name.
    """
    prompt = form.get("prompt", "").strip()
    _check_text("prompt", prompt, "/prompt")
    if not prompt:
        raise InvalidField(
            "The prompt is empty; say what to draw, for example a red potion bottle.", "/prompt"
        )
    negative = form.get("negative_prompt", "").strip()
    _check_text("negative_prompt", negative, "/controls/negative_prompt")
    controls: dict[str, Any] = {name: form[name] for name in _CHOICES if form.get(name)}
    controls |= {
        "negative_prompt": negative,
        "size": _either(form, "size", "size_px", MIN_SIZE_PX, MAX_SIZE_PX, "size in pixels"),
        "steps": _whole(form, "steps", 1, MAX_STEPS, "number of steps"),
        "frames": _either(form, "frames", "frames_own", 1, MAX_FRAMES, "number of frames"),
        "guidance": _number(form, "guidance", 0, MAX_GUIDANCE),
        "fps": _number(form, "fps", 1, 100),
        "palette": _palette(form),
        "outline": _colour(form, "outline"),
        "background": _colour(form, "background"),
        "seamless": bool(form.get("seamless")),
        "cutout": bool(form.get("cutout")),
    }
    if controls.get("source") and form.get("strength"):
        controls["strength"] = _number(form, "strength", 0.01, 1)
    if not controls.get("source"):
        controls.pop("mask", None)  # of a picture that was taken away
    locked = form.get("seed_mode") == "locked"
    wanted = {
        "kind": form.get("kind", "character"),
        "prompt": prompt,
        "count": _whole(form, "count", 1, MAX_COUNT, "number of pictures", "/count") or 1,
        "seed": _seed(form) if locked else None,
        "model": form.get("model") or None,
        "controls": controls,
        "dry_run": dry_run,
    }
    try:
        return CreationRequest.model_validate(wanted)
    except ValidationError as error:
        place = [str(part) for part in error.errors(include_url=False)[0]["loc"]]
        name = place[-1] if place else "form"
        raise InvalidField(
            f"The {_SPOKEN.get(name, name)} cannot be used as it is; choose another.", "/" + "/".join(place)
        ) from error


def _check_text(name: str, text: str, pointer: str) -> None:
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise InvalidField(
            f"The {_SPOKEN.get(name, name)} has {len(text):,d} characters; shorten it to {MAX_PROMPT_CHARACTERS:,d} "
            "or fewer.",
            pointer,
        )


def _seed(form: Form) -> int:
    seed = _whole(form, "seed", 0, MAX_SEED, "seed", "/seed")
    if seed is None:
        raise InvalidField("A locked seed needs its number; write one, or let it be random.", "/seed")
    return seed


def _either(form: Form, bundled: str, own: str, least: int, most: int, spoken: str) -> int | None:
    """A number that is chosen from a list for the bundled models, and written for one of the user's own."""
    return _whole(form, bundled if form.get(bundled) else own, least, most, spoken)


def _whole(
    form: Form, name: str, least: int, most: int, spoken: str, pointer: str | None = None
) -> int | None:
    text = form.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 20 or not least <= int(text) <= most:
        raise InvalidField(
            f"The {spoken} must be a whole number from {least} to {most:,d}, not {text[:30]!r}.",
            pointer or f"/controls/{name}",
        )
    return int(text)


def _number(form: Form, name: str, least: float, most: float) -> float | None:
    text = form.get(name, "").strip().replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise InvalidField(
            f"The {_SPOKEN.get(name, name)} must be a number from {least:g} to {most:g}, not {text[:30]!r}.",
            f"/controls/{name}",
        )
    return value


def _palette(form: Form) -> str | int | tuple[str, ...] | None:
    """What is told of the palette: nothing, "none", a number, a list of colours, or a palette's name."""
    chosen = form.get("palette", "")
    if chosen == "number":
        number = _whole(form, "colours", 2, 256, "number of colours")
        if number is None:
            raise InvalidField(
                "Say how many colours the picture may have, from 2 to 256.", "/controls/colours"
            )
        return number
    if chosen == "own":
        own = tuple(form.get("own_colours", "").replace(",", " ").split())
        if len(own) < 2:
            raise InvalidField(
                "A palette of your own needs two colours or more, for example #1a1c2c #f4f4f4.",
                "/controls/own_colours",
            )
        return own
    return chosen or None


def _colour(form: Form, name: str) -> str | None:
    chosen = form.get(name, "")
    return form.get(f"{name}_colour", "") if chosen == "colour" else chosen or None
