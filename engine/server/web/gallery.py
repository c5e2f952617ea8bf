"""``/gallery``: all assets, found and filtered, and what is done with many of them at once."""

from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from assets.asset import AssetKind
from engine.api.account import Scope
from engine.api.asset import MAX_TAGS, Asset, NewCollection
from engine.api.model import Page
from engine.app import Application
from engine.database.asset_views import asset_views
from engine.database.assets import AssetFilter, own_asset, own_assets, set_tags, tags_of_tenant
from engine.database.collections import (
    NEWEST_FIRST,
    add_assets,
    add_collection,
    collection_view,
    collections_of,
    own_collection,
)
from engine.errors import InvalidField
from engine.server.api.assets import listed_assets
from engine.server.caller import App, Caller
from engine.server.cursor import page
from engine.server.web.page import Creating, PageRoute, is_fragment, message, render
from engine.server.web.plain_tags import plain_tag, plain_tags
from engine.server.web.wording import count

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PAGE: Final = 48
MAX_CHOSEN: Final = 200
_CHOICES: Final = 200  # collections and tags that are offered; the others are typed
_YES: Final = {"yes": True, "no": False}
_NAMES: Final = ("q", "like", "kind", "tag", "chain", "made", "collection", "creation", "favourite")
Text = Annotated[str, Query(max_length=1000)]
Chosen = Annotated[list[str], Form(min_length=1, max_length=MAX_CHOSEN)]


@dataclass(frozen=True)
class Wanted:
    """What the gallery shows, as its form and its address say it; a field that is empty asks nothing."""

    q: str
    like: str
    kind: str
    tag: str
    chain: str
    made: str
    collection: str
    creation: str
    favourite: str

    @property
    def filter(self) -> AssetFilter:
        """Raises InvalidField for a tag that is none."""
        return AssetFilter(
            kind=AssetKind(self.kind) if self.kind in set(AssetKind) else None,
            tag=plain_tag(self.tag, "/tag") if self.tag.strip() else None,
            creation=self.creation or None,
            collection=self.collection or None,
            minted=_YES.get(self.chain),
            uploaded={"uploaded": True, "drawn": False}.get(self.made),
            favourite=_YES.get(self.favourite),
        )

    def address(self, path: str = "/gallery", **more: str) -> str:
        """The path that shows this."""
        told = {name: value for name in _NAMES if (value := getattr(self, name))} | more
        return f"{path}?{urlencode(told)}" if told else path

    @property
    def asks_nothing(self) -> bool:
        return not any(getattr(self, name) for name in _NAMES)


def _wanted(
    q: Text = "",
    like: Text = "",
    kind: Text = "",
    tag: Text = "",
    chain: Text = "",
    made: Text = "",
    collection: Text = "",
    creation: Text = "",
    favourite: Text = "",
) -> Wanted:
    like = "" if q.strip() else like  # who writes words looks for those
    texts = (q, like, kind, tag, chain, made, collection, creation, favourite)
    return Wanted(*("".join(each for each in text if each.isprintable()).strip() for text in texts))


Asked = Annotated[Wanted, Depends(_wanted)]
Cursor = Annotated[str | None, Query(max_length=400)]


@router.get("/gallery")
def gallery(
    request: Request, caller: Creating, application: App, wanted: Asked, cursor: Cursor = None
) -> Response:
    """The page, or to a change of its filters the results alone."""
    listed, like = _listed(application, caller, wanted, cursor)
    found: dict[str, Any] = {
        "wanted": wanted,
        "listed": listed,
        "like": like,
        "continued": cursor is not None,
    }
    if is_fragment(request) and "HX-History-Restore-Request" not in request.headers:
        headers = {"HX-Push-Url": wanted.address()}
        return render(request, "parts/gallery_results.html", headers=headers, **found)
    with application.records.database.reading() as connection:
        choices = _choices(connection, caller)
    return render(
        request,
        "gallery.html",
        kinds=[kind.value for kind in AssetKind],
        may_change=Scope.CREATE in caller.scopes,
        may_mint=Scope.MINT in caller.scopes,
        **found,
        **choices,
    )


@router.get("/gallery/more")
def more(
    request: Request, caller: Creating, application: App, wanted: Asked, cursor: Cursor = None
) -> Response:
    """The cards that follow."""
    listed, _ = _listed(application, caller, wanted, cursor)
    return render(request, "parts/gallery_cards.html", wanted=wanted, listed=listed)


@router.post("/gallery/tag")
def tag(
    request: Request,
    caller: Creating,
    application: App,
    asset: Chosen,
    tags: Annotated[str, Form(max_length=2000)] = "",
    how: Annotated[str, Form(max_length=10)] = "add",
) -> Response:
    """Gives the chosen assets tags, or takes them away."""
    caller.require(Scope.CREATE)
    named = plain_tags(tags)
    if not named:
        raise InvalidField("Write at least one tag.", "/tags")
    with application.records.database.writing() as connection:
        for view in _views(application, connection, caller, asset):
            left = [each for each in view.tags if each not in named]
            changed = [*view.tags, *(each for each in named if each not in view.tags)]
            if how == "add" and len(changed) > MAX_TAGS:
                raise InvalidField(f"{view.name[:60]!r} would have more than {MAX_TAGS} tags.", "/tags")
            set_tags(connection, view.id, left if how == "remove" else changed)
        views = _views(application, connection, caller, asset)
    has = "has" if len(views) == 1 else "have"
    what = f"no longer {has}" if how == "remove" else has
    told = f"{count(len(views), 'asset')} {what}: {', '.join(named)}."
    return render(request, "parts/gallery_changed.html", views=views, removed=(), triggers=_done(told))


@router.post("/gallery/collect")
def collect(
    request: Request,
    caller: Creating,
    application: App,
    asset: Chosen,
    collection: Annotated[str, Form(max_length=128)] = "",
    name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Puts the chosen assets into a collection, or into a new one."""
    caller.require(Scope.CREATE)
    name = " ".join(name.split())
    if not name and not collection:
        raise InvalidField("Choose a collection, or write the name of a new one.", "/name")
    with application.records.database.writing() as connection:
        if name:
            if not name.isprintable():
                raise InvalidField("The name holds characters that cannot be shown; type it anew.", "/name")
            row = add_collection(
                connection, caller.tenant_id, NewCollection(name=name, assets=tuple(dict.fromkeys(asset)))
            )
        else:
            add_assets(connection, caller.tenant_id, collection, list(dict.fromkeys(asset)))
            row = own_collection(connection, caller.tenant_id, collection)
        views = _views(application, connection, caller, asset)
    told = f"{count(len(views), 'asset')} in {row.name}."
    return render(request, "parts/gallery_changed.html", views=views, removed=(), triggers=_done(told))


@router.post("/gallery/delete")
def delete(request: Request, caller: Creating, application: App, asset: Chosen) -> Response:
    """Deletes those of the chosen assets that may go, and says why the others stay."""
    caller.require(Scope.CREATE)
    removal = application.removal.remove_many(caller.tenant_id, asset)
    told = f"{count(len(removal.removed), 'asset')} deleted."
    reasons = list(dict.fromkeys(removal.kept.values()))
    if reasons:
        more = f" ({len(reasons) - 1} more for other reasons)" if len(reasons) > 1 else ""
        told = f"{told if removal.removed else 'Nothing was deleted.'} {reasons[0]}{more}"
    triggers = _done(told, "failed" if reasons else "done")
    return render(request, "parts/gallery_changed.html", views=(), removed=removal.removed, triggers=triggers)


def _listed(
    application: Application, caller: Caller, wanted: Wanted, cursor: str | None
) -> tuple[Page[Asset], Asset | None]:
    """A page of what is wanted, and the asset that it is to be like."""
    like = None
    if wanted.like:
        with application.records.database.reading() as connection:
            row = own_asset(connection, caller.tenant_id, wanted.like)
            like = asset_views(connection, [row], application.files)[0]
    words = None if like is not None else wanted.q or None
    listed = listed_assets(application, caller, wanted.filter, words, wanted.like or None, PAGE, cursor)
    return listed, like


def _choices(connection: Connection, caller: Caller) -> dict[str, Any]:
    rows, _ = page(connection, collections_of(caller.tenant_id), NEWEST_FIRST, _CHOICES, None)
    return {
        "collections": [collection_view(row) for row in rows],
        "tags": tags_of_tenant(connection, caller.tenant_id, _CHOICES),
    }


def _views(
    application: Application, connection: Connection, caller: Caller, asset_ids: list[str]
) -> list[Asset]:
    rows = own_assets(connection, caller.tenant_id, list(dict.fromkeys(asset_ids)))
    return asset_views(connection, rows, application.files)


def _done(text: str, kind: str = "done") -> dict[str, Any]:
    return {**message(text, kind), "lorespark:closes": {}}
