"""``/v1/arena``: how strong the models are that drew against each other."""

from fastapi import APIRouter
from fastapi.responses import Response

from engine.api.arena import Ranking
from engine.server.arena_desk import ArenaDesk
from engine.server.caller import App, Reader
from engine.server.once import told
from generators.recipe import Kind

router = APIRouter(tags=["models"])


@router.get("/arena/ranking", response_model=Ranking)
def read_ranking(caller: Reader, application: App, kind: Kind | None = None) -> Response:
    """By the tenant's decided duels (Bradley-Terry on Elo's scale; 1000 is a model that nobody knows)."""
    with application.records.database.reading() as connection:
        return told(ArenaDesk(application, caller).ranking(connection, kind))
