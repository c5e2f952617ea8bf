"""``/assets/{id}``: one asset, with its recipe, its checks, where it came from and where it is kept."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from sqlalchemy import select

from assets.asset import Asset
from engine.api.account import Scope
from engine.app import Application
from engine.content_health import health
from engine.database.asset_family import children_of, parents_of
from engine.database.asset_rows import asset_of
from engine.database.asset_views import asset_views
from engine.database.assets import own_asset, set_favourite, set_tags, tags_of_tenant
from engine.database.pins import pins_of
from engine.database.tables import collections
from engine.database.verifications import verification_of
from engine.server.caller import App, Caller
from engine.server.web.asset_facts import palette_of, recipe_facts
from engine.server.web.mint_dialog import newest_mints
from engine.server.web.page import Creating, PageRoute, elsewhere, message, render
from engine.server.web.plain_tags import plain_tags
from engine.server.web.verify import verification_context

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_TAGS_OFFERED = 100


@router.get("/assets/{asset_id}")
def asset_page(request: Request, caller: Creating, application: App, asset_id: str) -> Response:
    tenant = caller.tenant_id
    with application.records.database.reading() as connection:
        row = own_asset(connection, tenant, asset_id)
        asset, *relatives = asset_views(
            connection,
            [row, *parents_of(connection, tenant, row.parents), *children_of(connection, tenant, row.id)],
            application.files,
        )
        named = collections.c.id.in_(asset.collections)
        held = connection.execute(select(collections.c.id, collections.c.name).where(named)).all()
        verification = verification_of(connection, asset_id)
        mints = newest_mints(connection, tenant, [asset_id], histories=True)
    parents = [each for each in relatives if each.id in row.parents]
    return render(
        request,
        "asset.html",
        asset=asset,
        facts=recipe_facts(row.recipe),
        palette=palette_of(row.recipe),
        weights=row.recipe.get("weights"),
        source_cid=row.recipe.get("source_cid"),
        parents=parents,
        children=[each for each in relatives if each not in parents],
        collections=held,
        mint=mints.get(asset_id),
        polls=0,
        **verification_context(asset, verification),
        **_rights(caller),
    )


@router.post("/assets/{asset_id}/favourite")
def favourite(
    request: Request,
    caller: Creating,
    application: App,
    asset_id: str,
    marked: Annotated[str, Form(max_length=5)],
) -> Response:
    """Marks the asset, or no longer; answers with the button for the other."""
    caller.require(Scope.CREATE)
    with application.records.database.writing() as connection:
        row = own_asset(connection, caller.tenant_id, asset_id)
        set_favourite(connection, asset_id, marked == "yes")
        asset = asset_views(connection, [row], application.files)[0]
    return render(request, "parts/favourite.html", asset=asset)


@router.get("/assets/{asset_id}/tags")
def tags(request: Request, caller: Creating, application: App, asset_id: str, edit: str = "") -> Response:
    """The tags as they are, or the form that changes them."""
    with application.records.database.reading() as connection:
        row = own_asset(connection, caller.tenant_id, asset_id)
        asset = asset_views(connection, [row], application.files)[0]
        known = tags_of_tenant(connection, caller.tenant_id, _TAGS_OFFERED) if edit else []
    return render(
        request, "parts/tags_form.html" if edit else "parts/tags.html", asset=asset, known=known, focus=True
    )


@router.post("/assets/{asset_id}/tags")
def change_tags(
    request: Request,
    caller: Creating,
    application: App,
    asset_id: str,
    tags: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    caller.require(Scope.CREATE)
    named = plain_tags(tags)
    with application.records.database.writing() as connection:
        row = own_asset(connection, caller.tenant_id, asset_id)
        set_tags(connection, asset_id, named)
        asset = asset_views(connection, [row], application.files)[0]
    return render(request, "parts/tags.html", asset=asset, focus=True, triggers=message("The tags are kept."))


@router.get("/assets/{asset_id}/quality")
def quality(request: Request, caller: Creating, application: App, asset_id: str) -> Response:
    """What the quality gate says of the picture."""
    asset = _record(application, caller, asset_id)
    with application.decoding:
        checks = application.gate.inspect(asset)
    return render(request, "parts/quality.html", checks=checks, forced=asset.quality is not None)


@router.get("/assets/{asset_id}/kept")
def kept(request: Request, caller: Creating, application: App, asset_id: str) -> Response:
    """Whether the content is whole here, and which services hold it."""
    asset = _record(application, caller, asset_id)
    with application.records.database.reading() as connection:
        pins = pins_of(connection, asset_id)
    return render(request, "parts/kept.html", health=health(asset, pins, application.files))


@router.get("/assets/{asset_id}/mint")
def mint_panel(
    request: Request,
    caller: Creating,
    application: App,
    asset_id: str,
    polls: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """The asset's token, or how far its mint is."""
    with application.records.database.reading() as connection:
        row = own_asset(connection, caller.tenant_id, asset_id)
        asset = asset_views(connection, [row], application.files)[0]
        mint = newest_mints(connection, caller.tenant_id, [asset_id], histories=True).get(asset_id)
    return render(
        request, "parts/mint_panel.html", asset=asset, mint=mint, polls=polls + 1, **_rights(caller)
    )


@router.post("/assets/{asset_id}/delete")
def delete(request: Request, caller: Creating, application: App, asset_id: str) -> Response:
    """Deletes the asset and goes back to the gallery."""
    caller.require(Scope.CREATE)
    application.removal.remove(caller.tenant_id, asset_id)
    return elsewhere(request, "/gallery")


def _record(application: Application, caller: Caller, asset_id: str) -> Asset:
    with application.records.database.reading() as connection:
        return asset_of(own_asset(connection, caller.tenant_id, asset_id))


def _rights(caller: Caller) -> dict[str, Any]:
    return {"may_change": Scope.CREATE in caller.scopes, "may_mint": Scope.MINT in caller.scopes}
