"""``/v1/models``: what can be drawn with, in a shape that OpenAI's clients read too."""

from fastapi import APIRouter
from fastapi.responses import Response

from engine.api.account import Model, Models
from engine.errors import UnknownRecord
from engine.server.caller import App, Reader
from engine.server.once import told

router = APIRouter(tags=["models"])


@router.get("/models", response_model=Models)
def list_models(caller: Reader, application: App) -> Response:
    """The models that a creation may name: bundled ones, and those of the server and its workers."""
    with application.records.database.reading() as connection:
        return told(Models(data=application.catalogue.models(connection)))


@router.get("/models/{model_id:path}", response_model=Model)
def read_model(caller: Reader, model_id: str, application: App) -> Response:
    """One of them. Ids hold slashes."""
    with application.records.database.reading() as connection:
        found = {model.id: model for model in application.catalogue.models(connection)}
    if model_id not in found:
        raise UnknownRecord(f"There is no model {model_id[:80]!r}; list the models to see those there are.")
    return told(found[model_id])
