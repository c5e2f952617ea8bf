"""``/create``: the form that makes pictures, what it would cost, and its sending."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from engine.api.account import Scope
from engine.api.creation import CreationRequest
from engine.database.asset_rows import asset_of
from engine.database.assets import own_asset
from engine.database.creations import own_creation
from engine.database.usage import used_today
from engine.errors import EngineError, InvalidRequest
from engine.server.api.creations import Desk
from engine.server.caller import App, Creator
from engine.server.creation_desk import CreationDesk
from engine.server.once import OnceOnly
from engine.server.web.creation_cards import cards_of, made_id, recent_cards, render_card
from engine.server.web.creation_form import Form, FormFields, creation_request
from engine.server.web.form_filling import BLANK, form_of_asset, form_of_request
from engine.server.web.page import Creating, PageRoute, render
from engine.server.web.prompt_examples import EXAMPLES
from generators.errors import GeneratorError
from generators.motion import ACTIONS, FRAME_COUNTS, Direction
from generators.named_palettes import PALETTE_NAMES, named_palette
from generators.recipe import MAX_TOKENS, Kind, Quality

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Id = Annotated[str | None, Query(max_length=128)]
_KINDS: Final = (Kind.CHARACTER, Kind.ITEM, Kind.TILE, Kind.CLIP, Kind.ILLUSTRATION)
_PALETTES: Final = [(name, named_palette(name) or ()) for name in PALETTE_NAMES]
_SUBJECTS: Final = {
    subject: [action for action in ACTIONS.values() if action.subject == subject]
    for subject in ("character", "item", "tile")
}


@router.get("/create")
def create_page(
    request: Request,
    caller: Creating,
    application: App,
    remixed: Annotated[str | None, Query(alias="from", max_length=128)] = None,
    source: Id = None,
    again: Id = None,
) -> Response:
    """The form. ``from`` fills it with an asset's recipe, ``again`` with a creation's request; ``source`` is an asset
    whose picture it starts from."""
    with application.records.database.reading() as connection:
        filled, note = _filled(connection, application, caller.tenant_id, remixed, again)
        start = None if source is None else asset_of(own_asset(connection, caller.tenant_id, source))
        cards = recent_cards(connection, caller.tenant_id, application)
        models = application.catalogue.models(connection)
    own_models = [model for model in models if not model.bundled]
    return render(
        request,
        "create.html",
        form=filled or BLANK,
        filled=filled is not None,
        note=note,
        start=start,
        cards=cards,
        can_create=Scope.CREATE in caller.scopes,
        kinds=_KINDS,
        examples=EXAMPLES,
        models=own_models,
        illustrates=any(Kind.ILLUSTRATION.value in model.kinds for model in own_models),
        qualities=list(Quality),
        palettes=_PALETTES,
        subjects=_SUBJECTS,
        directions=list(Direction),
        frame_counts=FRAME_COUNTS,
        styles=application.planner.style_names(),
    )


@router.post("/create")
def create(request: Request, caller: Creator, fields: FormFields, once: OnceOnly, desk: Desk) -> Response:
    """Makes the creation; the same Idempotency-Key makes one. Answers with its card."""
    wanted = desk.prepared(creation_request(fields))
    refusal = desk.refusal(wanted)
    answer = once.answer(202, lambda connection: desk.take_in(connection, wanted, refusal))
    with desk.application.records.database.reading() as connection:
        record = own_creation(connection, caller.tenant_id, made_id(answer))
        (card,) = cards_of(connection, [record], desk.application)
    return render_card(request, card)


@router.post("/create/check")
def check(request: Request, caller: Creating, fields: FormFields, desk: Desk) -> Response:
    """How long the prompt is and what the form would cost. What cannot be made is said here, quietly."""
    estimate, fault, left = None, None, 0
    try:
        wanted = desk.prepared(creation_request(fields, dry_run=True))
        with desk.application.records.database.reading() as connection:
            estimate = desk.estimate(connection, wanted)
            left = max(0, caller.limits.per_day - used_today(connection, caller.key_id))
    except (EngineError, GeneratorError) as error:
        fault = str(error)
    return render(
        request,
        "parts/estimate.html",
        estimate=estimate,
        fault=fault if fields.get("prompt", "").strip() else None,
        left=left,
        tokens=_tokens(desk, fields),
        most=MAX_TOKENS,
    )


def _tokens(desk: CreationDesk, fields: Form) -> int | None:
    """Tokens of the prompt; None where a model of the user's own reads it, whose tokenizer is not here."""
    if fields.get("model"):
        return None
    prompt, kind = fields.get("prompt", ""), fields.get("kind", "")
    if not prompt.strip():
        return 0
    asked = Kind(kind) if kind in set(Kind) else Kind.CHARACTER
    return desk.application.prompt_length(prompt, asked, fields.get("action"))


def _filled(
    connection: Connection, application: App, tenant_id: str, remixed: str | None, again: str | None
) -> tuple[Form | None, str]:
    """The form's values, and what has to be said of them; None where nothing fills it."""
    if remixed is not None:
        asset = asset_of(own_asset(connection, tenant_id, remixed))
        masked = asset.recipe.get("mask_cid") is not None
        note = "The mask of this picture is not filled in; paint it again if you want one." if masked else ""
        return form_of_asset(asset, application.catalogue), note
    if again is not None:
        record = own_creation(connection, tenant_id, again)
        if record.request is None:
            raise InvalidRequest(
                "The command line drew this from a recipe; remix one of its pictures instead."
            )
        return form_of_request(CreationRequest.model_validate(record.request)), record.error or ""
    return None, ""
