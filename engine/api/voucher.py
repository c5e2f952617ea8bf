"""Who holds an asset in the game, and vouchers, as the API tells them."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from engine.api.model import Asked, EthereumAddress, Told

LEAST_VALID_S = 300
MOST_VALID_S = 365 * 24 * 3600
USUAL_VALID_S = 7 * 24 * 3600
MAX_REFERENCE_CHARACTERS = 200


class Holder(Told):
    """One of the two: a player who signs in by a wallet, or the studio's own name for somebody."""

    player: str | None = None
    reference: str | None = None


class HolderChange(Asked):
    """At most one of the two; neither: nobody holds it."""

    player: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00]+$")] | None = None
    reference: (
        Annotated[
            str, Field(min_length=1, max_length=MAX_REFERENCE_CHARACTERS, pattern=r"^[^\x00-\x1f\x7f]+$")
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.player is not None and self.reference is not None:
            raise ValueError("An asset has one holder; give a player or a reference")
        return self


class ClaimRequest(Asked):
    """``to`` gets the token. ``force`` promises an asset that fails the quality gate, and says so; a studio may."""

    to: EthereumAddress
    valid_s: Annotated[int, Field(ge=LEAST_VALID_S, le=MOST_VALID_S)] = USUAL_VALID_S
    force: bool = False


class TransactionRequest(Told):
    """What anybody sends to claim the voucher, as wallets take it (eth_sendTransaction); numbers are hexadecimal."""

    to: str
    data: str
    value: str
    chainId: str  # noqa: N815  the wallets' own spelling


class SignedPromise(Told):
    """``typed_data`` is what the signer signed (EIP-712), as JSON for eth_signTypedData_v4."""

    typed_data: dict[str, Any]
    signer: str
    signature: str
    transaction: TransactionRequest


class Voucher(Told):
    """A promise that the asset can be claimed on the chain: prepared, signed, and then claimed, cancelled, expired, or
    failed with the reason. ``promise`` is there while it holds, in the answer to its own id."""

    id: str
    asset: str
    to: str
    chain_id: int
    status: str
    expires_at: str
    contract: str | None
    collection: str | None
    nonce: str | None  # decimal
    token_id: str | None
    error: str | None
    promise: SignedPromise | None
    created_at: str
    links: dict[str, str]
