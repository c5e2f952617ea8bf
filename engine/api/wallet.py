"""Signing in by a wallet, as the API tells it."""

from typing import Annotated

from pydantic import Field

from engine.api.model import Asked, EthereumAddress, Told

MAX_MESSAGE_CHARACTERS = 8_000
MAX_SIGNATURE_CHARACTERS = 2 + 2 * 4_096


class SignInWanted(Asked):
    """``address`` is the wallet's account; with it the answer holds the whole message to sign."""

    address: EthereumAddress | None = None


class SignInTerms(Told):
    """What a sign-in message (EIP-4361) has to say here. It is used once, before ``expires_at``."""

    nonce: str
    domain: str
    scheme: str
    uri: str
    version: str
    chain_id: int
    statement: str
    issued_at: str
    expires_at: str
    message: str | None


class Login(Asked):
    """The message as it was signed, to the last character, and the signature in hexadecimal."""

    message: Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE_CHARACTERS, pattern=r"^[^\x00]*$")]
    signature: Annotated[
        str, Field(max_length=MAX_SIGNATURE_CHARACTERS, pattern=r"^0x([0-9a-fA-F]{2})*$", examples=["0x00"])
    ]


class Logout(Asked):
    """``everywhere`` ends the player's sessions on all devices."""

    everywhere: bool = False


class PlayerSession(Told):
    """Who is signed in, and until when if nothing more is asked."""

    player: str
    address: str
    expires_at: str
