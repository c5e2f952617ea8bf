"""Pages: templates filled in, the headers that every page has, and errors as sentences that a person can use."""

import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.exceptions import HTTPException

from engine.errors import KeyRefused
from engine.server.browser import browser_secret, csrf_token
from engine.server.caller import Caller, authenticated
from engine.server.problem_kinds import ROOM_ERRORS
from engine.server.problems import answer_to
from engine.server.web.static_files import bundle
from engine.server.web.wording import FILTERS

# No inline script or style, nothing from another host, nothing that frames the page.
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    # Not `no-referrer`: with it browsers send no Origin with a form.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Cookie",
}
_FRAGMENT: Final = "HX-Request"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("engine.server.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["static"] = lambda name: bundle().url(name)
    environment.filters.update(FILTERS)
    return environment


_templates: Final = _environment()


def is_fragment(request: Request) -> bool:
    """Whether a part of a page is asked for, by htmx, and not a page."""
    return _FRAGMENT in request.headers


def render(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    triggers: dict[str, Any] | None = None,
    **context: Any,
) -> Response:
    """The template as a page or part of one. ``triggers`` are events that htmx tells the page's scripts."""
    secret = browser_secret(request)
    more = {"HX-Trigger": json.dumps(triggers)} if triggers else {}
    text = _templates.get_template(template).render(
        path=request.url.path,
        csrf=csrf_token(secret) if secret else "",
        signed_in=getattr(request.state, "caller", None) is not None,
        **context,
    )
    return HTMLResponse(text, status, {**_HEADERS, **more, **(headers or {})})


def message(text: str, kind: str = "done") -> dict[str, Any]:
    """For ``triggers``: a sentence that the page shows; ``kind`` is done or failed."""
    return {"lorespark:message": {"text": text, "kind": kind}}


def elsewhere(request: Request, path: str) -> Response:
    """Sends the browser to another page, whoever asked: the browser itself, or htmx."""
    if is_fragment(request):
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


class PageRoute(APIRoute):
    """Tells errors in the words of their problem, as a page or, to htmx, as a sentence; who is not signed in may."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_page(request: Request) -> Response:
            try:
                return await handle(request)
            except KeyRefused:
                came_from = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                wanted = came_from if request.method == "GET" and not is_fragment(request) else "/create"
                return elsewhere(request, f"/sign-in?next={quote(wanted, safe='')}")
            except (RequestValidationError, HTTPException, *ROOM_ERRORS) as error:
                return error_page(request, error)

        return handle_page


def error_page(request: Request, error: Exception) -> Response:
    """What an error's problem says, to a person."""
    answer = answer_to(request, error)
    problem: dict[str, Any] = json.loads(bytes(answer.body))
    kept = {name: answer.headers[name] for name in ("Retry-After", "Allow") if name in answer.headers}
    fields = problem.get("errors") or [{}]
    template = "sentence.html" if is_fragment(request) else "problem.html"
    return render(
        request,
        template,
        status=answer.status_code,
        headers=kept,
        problem=problem,
        pointer=str(fields[0].get("pointer", "")).removeprefix("#"),
    )


# What a page asks for in its signature: a creator whose browser is signed in.
Creating = Annotated[Caller, Depends(authenticated)]


async def browser_or_client(request: Request, error: Exception) -> Response:
    """What is nowhere, or not in that way: a page to a browser, the problem to a program."""
    wants_page = "text/html" in request.headers.get("Accept", "")
    own = request.url.path.startswith(("/v1/", "/ipfs/"))
    return error_page(request, error) if wants_page and not own else answer_to(request, error)
