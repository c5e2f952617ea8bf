"""The HTTP server over one application: routers, counters, and errors as problems."""

from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from engine.app import Application
from engine.server.api.event_feed import EventFeed
from engine.server.api.openai_images import IMAGES_PATH, as_openai
from engine.server.api.routers import API_ROUTERS
from engine.server.backends import backends_of, pinning_backends
from engine.server.bounded import BoundedRequests
from engine.server.document import Document
from engine.server.document import router as docs
from engine.server.gateway import gateway_router
from engine.server.health import router as health
from engine.server.health_page import router as health_page
from engine.server.job_metrics import JobMetrics
from engine.server.metrics import CountedRequests, Metrics
from engine.server.metrics import router as counters
from engine.server.problems import add_problems
from engine.server.rate import RateHeaders, RateLimits
from engine.server.web.page import browser_or_client
from engine.server.web.routers import WEB_ROUTERS


def server(application: Application) -> FastAPI:
    """Serves ``application``, which stays open for as long as the server runs and is closed by who opened it.

    Raises InvalidSettings where requests cannot be counted as the settings want it.
    """
    # The pages that FastAPI draws of the document load scripts from another host.
    app = FastAPI(
        title="Lorespark", version=_version(), docs_url=None, redoc_url=None, redirect_slashes=False
    )
    # Routes find what is the server's own in its state: FastAPI remembers each function that it has called, and one
    # that closed over an application would keep it, and all that it has open, as long as the process.
    app.state.application, app.state.blocks = application, application.blocks
    app.state.backends, app.state.pinning = backends_of(application), pinning_backends(application)
    app.state.rates = RateLimits.open(application.settings.rate_limit_url)
    app.state.event_feed = EventFeed(application.records.database)
    application.creation_job.told = app.state.event_feed.wake
    app.state.metrics = metrics = Metrics()
    metrics.registry.register(JobMetrics(application.records.database))
    app.add_middleware(BoundedRequests, forms={f"/v1{IMAGES_PATH}": as_openai})
    add_problems(app)
    app.add_exception_handler(HTTPException, browser_or_client)
    app.add_middleware(RateHeaders)
    app.add_middleware(CountedRequests, metrics=metrics)  # added last, so it sees what all others answer
    app.include_router(health)
    app.include_router(counters)
    app.include_router(gateway_router())
    app.include_router(health_page)
    for router in API_ROUTERS:
        app.include_router(router, prefix="/v1")
    for router in WEB_ROUTERS:
        app.include_router(router)
    app.openapi = Document(app)  # type: ignore[method-assign]
    app.include_router(docs)
    return app


def _version() -> str:
    try:
        return version("lorespark")
    except PackageNotFoundError:  # run from its folder without having been installed
        return "0"
