"""The HTTP server over one application: routers, counters, and errors as problems."""

from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from engine.app import Application
from engine.server.api.routers import API_ROUTERS
from engine.server.backends import backends_of
from engine.server.gateway import gateway_router
from engine.server.health import health_router
from engine.server.job_metrics import JobMetrics
from engine.server.metrics import CountedRequests, Metrics, metrics_router
from engine.server.problems import add_problems


def server(application: Application) -> FastAPI:
    """Serves ``application``, which stays open for as long as the server runs and is closed by who opened it."""
    # The pages that FastAPI draws of the document load scripts from another host.
    app = FastAPI(
        title="Lorespark", version=_version(), docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.state.application = application
    metrics = Metrics()
    metrics.registry.register(JobMetrics(application.records.database))
    add_problems(app)
    app.add_middleware(CountedRequests, metrics=metrics)  # added last, so it sees what all others answer
    app.include_router(health_router(backends_of(application)))
    app.include_router(metrics_router(metrics))
    app.include_router(gateway_router(application.blocks))
    for router in API_ROUTERS:
        app.include_router(router, prefix="/v1")
    return app


def _version() -> str:
    try:
        return version("lorespark")
    except PackageNotFoundError:  # run from its folder without having been installed
        return "0"
