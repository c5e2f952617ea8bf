"""From a request to recipes: what a creation draws, made in one way for the API and the command line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from assets.asset import Asset
from assets.blockstore import BlockStore
from assets.cid import Cid
from chain.errors import ChainError
from engine.api.creation import Controls, CreationRequest
from engine.asset_files import read_whole
from engine.clips import default_action, moving_fields, source_size_px
from engine.errors import EngineError, InvalidField
from engine.start_picture import start_fields
from engine.style_folder import StyleFolder
from generators.bundle import SIZES_PX
from generators.errors import GeneratorError, InvalidPalette, InvalidRecipe
from generators.named_palettes import PALETTE_NAMES, named_palette
from generators.palette_choice import chosen_colour, chosen_outline
from generators.prompt_weights import parse_prompt
from generators.recipe import Kind, Recipe, check_request
from generators.style import Style

if TYPE_CHECKING:  # it imports torch, which takes seconds
    from generators.picture_generator import PictureGenerator

Palette = int | tuple[str, ...] | None  # as a recipe has it
# Where a field of a recipe stands in the request that it comes from.
_POINTERS: Final = {name: f"/{name}" for name in ("kind", "prompt", "seed", "count")} | {
    name: f"/controls/{name}"
    for name in ("negative_prompt", "steps", "guidance", "palette", "outline", "background", "strength")
}


def check_creation(request: CreationRequest, style: Style | None) -> None:
    """Says at once what no model can draw; loads none. The request's seed is filled in.

    Raises InvalidField, which names the field; GeneratorError where it is no single field.
    """
    _wanted(request, style)


class Planner:
    """Makes recipes. ``generator`` loads no weights for that, but torch."""

    def __init__(
        self, generator: "Callable[[], PictureGenerator]", blocks: BlockStore, styles: StyleFolder
    ) -> None:
        self._generator, self._blocks, self._styles = generator, blocks, styles

    def style_names(self) -> list[str]:
        return self._styles.names()

    def style(self, request: CreationRequest) -> Style | None:
        """The style that the request names. Raises InvalidField."""
        with pointing("/controls/style"):
            return None if request.controls.style is None else self._styles.read(request.controls.style)

    def recipes(
        self,
        request: CreationRequest,
        source: Asset | Path | None = None,
        mask: Asset | Path | None = None,
    ) -> list[Recipe]:
        """One recipe for each asset, of seeds one after another.

        ``source`` and ``mask`` are the pictures that the request names. Raises as ``check_creation``, and where the
        installed models cannot draw it or a picture cannot be used.
        """
        controls, style, generator = request.controls, self.style(request), self._generator()
        wanted, moving = _wanted(request, style)
        size = controls.size or (style.size_for(request.kind) if style else None)
        if source is not None and request.kind is Kind.CLIP and generator.is_bundled(request.model):
            own = source_size_px(source, lambda cid: read_whole(Cid.parse(cid), self._blocks))
            if size not in (None, own):
                raise InvalidField(
                    f"{controls.source} is set in motion at its own {own} px, not at {size}; leave the size out.",
                    "/controls/size",
                )
            size = own
            wanted |= start_fields(self._blocks, source, own, 1.0, None)
            if isinstance(source, Asset):
                moving["action"] = controls.action or default_action(source)
        elif source is not None:
            px = generator.start_px(request.kind, request.model, size)
            strength = 1.0 if request.kind is Kind.CLIP else controls.strength
            start = start_fields(self._blocks, source, px, strength, mask)
            # Within a mask the palette must hold what stays, unless one is wished for.
            wanted = (start | wanted) if "palette" in wanted else (wanted | start)
        assert request.seed is not None, "whoever takes the request fills its seed in"
        return [
            generator.recipe(
                **wanted,
                **moving,
                model=request.model,
                size=size,
                cutout=controls.cutout,
                quality=controls.quality,
                steps=controls.steps,
                guidance=controls.guidance,
                seed=request.seed + index,
            )
            for index in range(request.count)
        ]


def _wanted(request: CreationRequest, style: Style | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of a recipe that need no model to be known: of any drawing, and of a clip's movement."""
    controls = request.controls
    wanted: dict[str, Any] = {
        "prompt": request.prompt,
        "kind": request.kind,
        "negative_prompt": controls.negative_prompt,
        "seamless": controls.seamless,
    }
    with pointing("/controls/outline"):
        wanted["outline"] = None if controls.outline is None else chosen_outline(controls.outline)
    with pointing("/controls/background"):
        wanted["background"] = None if controls.background is None else chosen_colour(controls.background)
    if controls.palette is not None:
        with pointing("/controls/palette"):
            wanted["palette"] = _palette(controls.palette)
    if style is not None:
        _refuse_twice(style, controls)
        with _at_its_field():
            by_style = style.fields_for(request.kind, request.prompt, controls.negative_prompt)
        wanted |= {name: value for name, value in by_style.items() if value}
    moving = moving_fields(
        request.kind,
        action=controls.action,
        frames=controls.frames,
        fps=controls.fps,
        direction=controls.direction,
    )
    with pointing("/prompt"):
        parse_prompt(request.prompt)
    assert request.seed is not None, "whoever takes the request fills its seed in"
    with _at_its_field():
        check_request(
            **wanted,
            seed=request.seed,
            steps=controls.steps,
            guidance=controls.guidance,
            count=request.count,
            strength=controls.strength,
        )
    if request.model is None and controls.size not in (None, *SIZES_PX):
        raise InvalidField(
            f"The bundled models draw at {' or '.join(map(str, SIZES_PX))} px, not at {controls.size}; "
            "use one of these.",
            "/controls/size",
        )
    if controls.mask is not None and request.kind is Kind.CLIP:
        raise InvalidField("A clip moves the whole picture; leave the mask out.", "/controls/mask")
    if controls.mask is not None and controls.source is None:
        raise InvalidField(
            "A mask needs the picture that it belongs to; name that one as the source.", "/controls/source"
        )
    return wanted, moving


def _palette(wished: str | int | tuple[str, ...]) -> Palette:
    """Raises InvalidPalette."""
    if isinstance(wished, int):
        return wished
    if isinstance(wished, tuple):
        return tuple(dict.fromkeys(map(chosen_colour, wished)))
    if wished.lower() == "none":
        return None
    named = named_palette(wished)
    if named is None:
        raise InvalidPalette(f"There is no palette {wished[:80]!r}; use one of {', '.join(PALETTE_NAMES)}.")
    return named


def _refuse_twice(style: Style, controls: Controls) -> None:
    for name in ("palette", "outline", "background"):
        if getattr(controls, name) is not None and getattr(style, name) is not None:
            raise InvalidField(
                f"The style {style.name} sets the {name}; leave the {name} out, or draw without the style.",
                f"/controls/{name}",
            )


@contextmanager
def pointing(pointer: str) -> Iterator[None]:
    """What goes wrong inside is the fault of the field at ``pointer``."""
    try:
        yield
    except InvalidField:
        raise
    except (GeneratorError, EngineError, ChainError) as error:
        raise InvalidField(str(error), pointer) from error


@contextmanager
def _at_its_field() -> Iterator[None]:
    """Gives the error of a recipe the pointer of the request's field, where one field is at fault."""
    try:
        yield
    except InvalidRecipe as error:
        pointer = _pointer(error)
        if pointer is None:
            raise
        raise InvalidField(str(error), pointer) from error


def _pointer(error: InvalidRecipe) -> str | None:
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        place = cause.errors(include_url=False)[0]["loc"]
        return _POINTERS.get(str(place[0])) if place else None
    return None
