"""``/collections`` and ``/collections/new``: those there are, and another, empty or drawn by a theme."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from engine.api.asset import MAX_NAME_CHARACTERS, NewCollection
from engine.database.collection_covers import covers
from engine.database.collections import NEWEST_FIRST, add_collection, collections_of
from engine.errors import InvalidField
from engine.server.caller import App, Caller, Creator
from engine.server.creation_desk import CreationDesk
from engine.server.cursor import page
from engine.server.theme_desk import Planned, ThemeDesk
from engine.server.web.page import Creating, PageRoute, elsewhere, is_fragment, render
from engine.server.web.posted import Posted, checked, text
from engine.server.web.theme_form import MOST_TRAITS, at_its_field, theme_of
from engine.server.web.wording import count
from engine.style_folder import StyleFolder
from generators.bundle import SIZES_PX
from generators.collection import SUBJECTS
from generators.named_palettes import PALETTE_NAMES
from generators.recipe import MAX_COUNT, random_seed

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_PAGE: Final = 24
_MOST_SEED: Final = 10**9  # of those that the form proposes: short enough to say to somebody
_SHOWN_PROMPTS: Final = 12


@router.get("/collections")
def list_collections(
    request: Request,
    caller: Creating,
    application: App,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    with application.records.database.reading() as connection:
        rows, following = page(connection, collections_of(caller.tenant_id), NEWEST_FIRST, _PAGE, cursor)
        shown = covers(connection, [row.id for row in rows])
    template = "parts/collection_cards.html" if is_fragment(request) else "collections.html"
    return render(request, template, collections=rows, covers=shown, following=following)


@router.get("/collections/new")
def new_collection(request: Request, caller: Creating, application: App) -> Response:
    styles = StyleFolder(application.folder.root / "styles").names()
    return render(
        request,
        "collection_new.html",
        palettes=PALETTE_NAMES,
        styles=styles,
        sizes=SIZES_PX,
        kinds=[kind.value for kind in SUBJECTS],
        most_traits=MOST_TRAITS,
        most=MAX_COUNT,
        seed=random_seed() % _MOST_SEED,
    )


@router.post("/collections")
def make_empty(
    request: Request,
    caller: Creator,
    application: App,
    name: Annotated[str, Form()] = "",
    description: Annotated[str, Form()] = "",
) -> Response:
    wanted = _named(name.strip(), description.strip())
    with application.records.database.writing() as connection:
        made = add_collection(connection, caller.tenant_id, wanted)
    return elsewhere(request, f"/collections/{made.id}")


@router.post("/collections/theme")
def draw_theme(request: Request, caller: Creator, application: App, form: Posted) -> Response:
    """Makes the collection and queues its assets, all or nothing."""
    planned, desk = _planned(application, caller, form)
    theme = text(form, "theme")
    told = f"{count(len(planned.requests), 'asset')} of {theme}, from the seed {planned.requests[0].seed}."
    wanted = _named(text(form, "name") or (theme[:1].upper() + theme[1:])[:MAX_NAME_CHARACTERS], told)
    with application.records.database.writing() as connection:
        made = add_collection(connection, caller.tenant_id, wanted)
        desk.take_in(connection, planned, made.id)
    return elsewhere(request, f"/collections/{made.id}")


@router.post("/collections/theme/prompts")
def preview_prompts(request: Request, caller: Creator, application: App, form: Posted) -> Response:
    """What the form would draw; nothing is queued."""
    planned, _ = _planned(application, caller, form)
    shown = planned.requests[:_SHOWN_PROMPTS]
    more = len(planned.requests) - len(shown)
    return render(request, "parts/theme_prompts.html", requests=shown, more=more, refusal=planned.refusal)


def _planned(application: App, caller: Caller, form: Posted) -> tuple[Planned, ThemeDesk]:
    desk = ThemeDesk(CreationDesk(application, caller))
    theme = theme_of(form)
    try:
        return desk.prepared(theme), desk
    except InvalidField as error:
        raise at_its_field(error) from error


def _named(name: str, description: str) -> NewCollection:
    if not name:
        raise InvalidField("Give the collection a name.", "/name")
    made = checked(NewCollection, {}, name=name, description=description)
    assert isinstance(made, NewCollection), "it is what was asked for"
    return made
