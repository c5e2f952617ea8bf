"""``/health/{cid}``: a page for anybody that says who holds content which was minted or pinned.

It names services and times, and neither whose the content is nor what went wrong.
"""

from html import escape
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from assets.cid import Cid
from engine.database.pins import PublicHealth, public_health
from engine.errors import UnknownRecord
from engine.server.caller import App

_HEADERS: Final = {
    "Cache-Control": "public, max-age=60",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_STYLE: Final = (
    "body{font:16px system-ui;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "td,th{text-align:left;padding:.3rem 1rem .3rem 0}code{overflow-wrap:anywhere}"
)
_NEVER: Final = "not yet"

router = APIRouter(tags=["ipfs"])


@router.get(
    "/health/{cid}",
    response_class=HTMLResponse,
    responses={404: {"description": "It is neither minted nor pinned from here"}},
)
def health_page(cid: str, application: App) -> Response:
    """Which services hold the content, and when it was last read back, as a page."""
    address = Cid.parse(cid)
    with application.records.database.reading() as connection:
        found = public_health(connection, address)
    if found is None:
        raise UnknownRecord(
            "This content is neither minted nor pinned from here; ask whoever named it to you."
        )
    return HTMLResponse(_page(str(address.as_v1()), found), headers=_HEADERS)


def _page(cid: str, found: PublicHealth) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}<td>{'holds it' if held else 'does not hold it now'}"
        + "".join(f"<td>{_time(when)}" for when in times)
        for name, held, *times in found.services
    )
    table = (
        "<table><tr><th>service<th>state<th>pinned<th>last asked<th>last read back" + rows + "</table>"
        if found.services
        else "<p>No pinning service has held it yet.</p>"
    )
    minted = "<p>A token names this content.</p>" if found.minted else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Who holds this content</title>'
        f"<style>{_STYLE}</style><h1>Who holds this content</h1><p><code>{escape(cid)}</code></p>{minted}{table}"
        "<p>“Last read back” is when every block of it was fetched from the service and hashed.</p></html>"
    )


def _time(when: str | None) -> str:
    return _NEVER if when is None else f'<time datetime="{escape(when)}">{escape(when)}</time>'
