"""Every page there is, for the tests that ask all of them the same; whoever makes a page adds it here."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PageCase:
    """``path`` may name what ``tests.browser.furnished`` makes, as in ``/assets/{asset}``. ``action`` are the role and
    the name of the main thing to do there, which the keyboard must reach. ``is_open``: nobody needs to sign in."""

    name: str
    path: str
    action: tuple[str, str]
    is_open: bool = False


PAGES: Final = (
    PageCase("sign-in", "/sign-in", ("button", "Sign in"), is_open=True),
    PageCase("nowhere", "/nowhere", ("link", "To the first page")),
    PageCase("create", "/create", ("button", "Create")),
    PageCase("create-remix", "/create?from={asset}", ("button", "Create")),
    PageCase("gallery", "/gallery", ("searchbox", "Search by words")),
    PageCase("gallery-nothing", "/gallery?q=zzz&kind=clip", ("searchbox", "Search by words")),
    PageCase("asset", "/assets/{asset}", ("button", "Mint…")),
    PageCase("collections", "/collections", ("link", "New collection")),
    PageCase("collection-new", "/collections/new", ("button", "Draw the collection")),
    PageCase("collection", "/collections/{collection}", ("button", "Rename or describe")),
    PageCase("drop", "/drops/{drop}", ("button", "Connect a wallet and claim"), is_open=True),
    PageCase("wallet", "/wallet", ("button", "Change between light and dark")),
    PageCase("wallet-player", "/wallet", ("button", "Change between light and dark"), is_open=True),
    PageCase("arena", "/arena", ("button", "Let two models draw it")),
    PageCase("duel", "/arena/{duel}", ("button", "Left is better")),
    PageCase("jobs", "/jobs", ("link", "Failed")),
    PageCase("jobs-empty", "/jobs?kind=voucher&show=failed", ("link", "Every kind")),
    PageCase("account", "/account", ("link", "See the jobs")),
    PageCase("account-keys", "/account/keys", ("button", "Make the key")),
    PageCase("account-usage", "/account/usage", ("link", "90 days")),
    PageCase("account-webhooks", "/account/webhooks", ("button", "Add the webhook")),
    PageCase("account-webhook", "/account/webhooks/{webhook}", ("button", "Send a test event")),
    PageCase("account-settings", "/account/settings", ("button", "Ask again")),
)
