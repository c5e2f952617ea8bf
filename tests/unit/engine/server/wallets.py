"""What tests of players share: browsers, and wallets that sign in with them."""

from dataclasses import dataclass, field
from typing import Any

from eth_account import Account
from eth_account.messages import encode_defunct
from starlette.testclient import TestClient

ORIGIN = "http://localhost:8000"


@dataclass(frozen=True)
class Wallet:
    """An account with its key."""

    account: Any = field(default_factory=Account.create)

    @property
    def address(self) -> str:
        return str(self.account.address)

    def sign(self, message: str) -> str:
        signed = self.account.sign_message(encode_defunct(text=message))
        return "0x" + bytes(signed.signature).hex()


def asked_to_sign(browser: TestClient, address: str) -> str:
    """A sign-in message that the server made for the account."""
    answer = browser.post("/v1/wallet/nonce", json={"address": address})
    assert answer.status_code == 200, answer.text
    message: str = answer.json()["message"]
    return message


def sign_in(browser: TestClient, wallet: Wallet) -> str:
    """Signs the browser in; returns the player's id."""
    message = asked_to_sign(browser, wallet.address)
    answer = browser.post("/v1/wallet/login", json={"message": message, "signature": wallet.sign(message)})
    assert answer.status_code == 200, answer.text
    player: str = answer.json()["player"]
    return player
