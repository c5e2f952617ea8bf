"""Who holds an asset in the game, and vouchers, as the API tells them."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

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
    """``to`` gets the token; in its place ``bearer`` makes the voucher a bank note, claimed by whoever has it.
    ``price_wei`` is paid with the claim, for the collection's owner. ``force`` promises an asset that fails the quality
    gate, and says so. Studios alone may ask for these three."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"to": "0x" + "12" * 20}]})

    to: EthereumAddress | None = None
    price_wei: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,77})$", examples=["0"])] = "0"
    valid_s: Annotated[int, Field(ge=LEAST_VALID_S, le=MOST_VALID_S)] = USUAL_VALID_S
    force: bool = False
    bearer: bool = False

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if (self.to is None) != self.bearer:
            raise ValueError(
                "A voucher is for an account, or for whoever has it; give `to`, or `bearer`: true"
            )
        return self


class TransactionRequest(Told):
    """What anybody sends to claim the voucher, as wallets take it (eth_sendTransaction); numbers are hexadecimal.
    ``value`` is the price in wei."""

    to: str
    data: str
    value: str
    chainId: str  # noqa: N815  the wallets' own spelling


class SignedPromise(Told):
    """``typed_data`` is what the signer signed (EIP-712), as JSON for eth_signTypedData_v4. There is no ``transaction``
    of a voucher for whoever has it until it is asked for with an account."""

    typed_data: dict[str, Any]
    signer: str
    signature: str
    transaction: TransactionRequest | None


class Voucher(Told):
    """A promise that the asset can be claimed on the chain: prepared, signed, and then claimed, cancelled, expired, or
    failed with the reason. ``promise`` is there while it holds, in the answer to its own id. Without ``to`` it is for
    whoever has it."""

    id: str
    asset: str
    to: str | None
    price_wei: str  # decimal
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


class WalletVoucher(Told):
    """What there is to know of a voucher beside an asset."""

    id: str
    to: str | None
    price_wei: str  # decimal
    status: str
    expires_at: str


class WalletToken(Told):
    """The token that an asset became."""

    chain_id: int
    contract: str
    token_id: str  # decimal


class WalletAsset(Told):
    """An asset that a player holds in the game. ``claimable`` says that a claim would be taken now; ``voucher`` is the
    one that promises it, ``mint`` how far its way onto the chain is, and ``token`` what it became there."""

    id: str
    kind: str
    name: str
    media_cid: str
    image_cid: str
    metadata_cid: str
    owner: str | None  # who the chain says
    token: WalletToken | None
    mint: str | None  # its state
    voucher: WalletVoucher | None
    claimable: bool
    created_at: str
    links: dict[str, str]
