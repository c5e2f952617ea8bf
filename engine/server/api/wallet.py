"""``/v1/wallet``: players sign in with their wallets (EIP-4361). None of it needs an API key."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from chain.address import parse_recipient
from chain.errors import SignInRefused
from chain.siwe import SignInMessage
from chain.wallet_signature import key_signed_text, signed_text
from engine.api.wallet import Login, Logout, PlayerSession, SignInTerms, SignInWanted
from engine.app import Application
from engine.database.players import (
    NONCE_LIFE_S,
    Session,
    add_nonce,
    add_session,
    end_session,
    player_at,
    use_nonce,
)
from engine.server.caller import App
from engine.server.once import told
from engine.server.player import PLAYER_COOKIE, Anybody, SignedIn, keep_signed_in
from engine.server.site import check_origin, site_of

router = APIRouter(prefix="/wallet", tags=["wallet"])
STATEMENT: Final = "Sign in to play. This costs nothing and moves nothing."


@router.post("/nonce", response_model=SignInTerms, dependencies=[Anybody])
def give_nonce(request: Request, wanted: SignInWanted, application: App) -> Response:
    """What the sign-in message has to say; with an address, the message itself. Good for 5 minutes and one login."""
    site = site_of(application.settings, request)
    check_origin(site, request, required=False)
    account = None if wanted.address is None else parse_recipient(wanted.address)
    with application.records.database.writing() as connection:
        nonce = add_nonce(connection)
    issued = datetime.now(UTC).replace(microsecond=0)
    expires = issued + timedelta(seconds=NONCE_LIFE_S)
    terms = SignInTerms(
        nonce=nonce,
        domain=site.authority,
        scheme=site.scheme,
        uri=f"{site.origin}/",
        version="1",
        chain_id=application.settings.chain_id,
        statement=STATEMENT,
        issued_at=_text(issued),
        expires_at=_text(expires),
        message=None,
    )
    if account is None:
        return told(terms)
    message = SignInMessage(
        domain=terms.domain,
        address=account,
        uri=terms.uri,
        chain_id=terms.chain_id,
        nonce=nonce,
        issued_at=terms.issued_at,
        statement=STATEMENT,
        expiration_time=terms.expires_at,
    )
    return told(terms.model_copy(update={"message": message.text()}))


@router.post("/login", response_model=PlayerSession, dependencies=[Anybody])
def log_in(request: Request, wanted: Login, application: App) -> Response:
    """Begins a session of the account that signed, in a cookie. A nonce that reaches the signature's check is used up.

    A contract's signature (ERC-1271) is asked of the contract, at the newest block.
    """
    site = site_of(application.settings, request)
    check_origin(site, request, required=False)
    message = SignInMessage.parse(wanted.message)
    message.check(
        scheme=site.scheme,
        domain=site.authority,
        chain_id=application.settings.chain_id,
        now=datetime.now(UTC),
        max_age_s=NONCE_LIFE_S,
    )
    database = application.records.database
    with database.writing() as connection:
        if not use_nonce(connection, message.nonce):
            raise SignInRefused(
                "The message's nonce was not given out here, was used or has expired; ask for a new one."
            )
    signature = bytes.fromhex(wanted.signature[2:])
    if not _is_signed(application, message, wanted.message, signature):
        raise SignInRefused(
            "The signature is not that of the message's account; sign with the wallet that it names."
        )
    with database.writing() as connection:
        secret, session = add_session(connection, player_at(connection, message.address))
    answer = told(_view(session))
    PLAYER_COOKIE.set(answer, site, secret)
    return answer


@router.get("/session", response_model=PlayerSession)
def read_session(request: Request, session: SignedIn) -> Response:
    """Who is signed in. Each day of use moves the session's end to 30 days later."""
    return keep_signed_in(request, told(_view(session)))


@router.post("/logout", response_model=PlayerSession)
def log_out(request: Request, session: SignedIn, application: App, wanted: Logout | None = None) -> Response:
    """Ends the session, or all of the player's."""
    with application.records.database.writing() as connection:
        end_session(connection, session, wanted is not None and wanted.everywhere)
    answer = told(_view(replace(session, expires_at_ms=int(datetime.now(UTC).timestamp() * 1000))))
    PLAYER_COOKIE.forget(answer, site_of(application.settings, request))
    return answer


def _is_signed(application: Application, message: SignInMessage, text: str, signature: bytes) -> bool:
    """Contracts are asked only where the chain can be opened here without keeping another process from it."""
    if application.chain_is_elsewhere:
        return key_signed_text(message.address, text, signature)
    return signed_text(lambda: application.connection.web3, message.address, text, signature)


def _view(session: Session) -> PlayerSession:
    return PlayerSession(
        player=session.player.id,
        address=session.player.address,
        expires_at=_text(datetime.fromtimestamp(session.expires_at_ms // 1000, UTC)),
    )


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
