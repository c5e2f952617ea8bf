"""Assets, their mints and collections, as the API tells them."""

from typing import Annotated, Any

from pydantic import Field

from engine.api.model import Asked, EthereumAddress, Tag, Told
from engine.api.voucher import Holder

MAX_BATCH_MINT = 256
MAX_TAGS = 20
MAX_NAME_CHARACTERS = 200
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS, pattern=r"^[^\x00-\x1f\x7f]+$")]
AssetId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00]+$")]
Description = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")]


class File(Told):
    """``url`` is the path below the server; ``cid`` the content's address on IPFS."""

    url: str
    cid: str
    type: str  # media type


class Token(Told):
    chain_id: int
    contract: str
    token_id: str  # decimal


class Asset(Told):
    """A finished thing. ``prompt`` and ``model`` are None of an upload, ``token`` until it is minted.

    ``owner`` is who the chain says, ``holder`` whose it is within the game.
    """

    id: str
    kind: str
    name: str
    prompt: str | None
    model: str | None
    seed: int | None
    size: int  # pixels, of the longer side
    tags: tuple[str, ...]
    favourite: bool = False
    creation: str | None
    collections: tuple[str, ...]
    owner: str | None
    holder: Holder | None
    token: Token | None
    parents: tuple[str, ...]
    media: File
    image: File
    files: dict[str, File]  # what a clip comes in beside its media
    metadata_cid: str
    recipe_hash: str
    uploaded: bool
    quality: dict[str, Any] | None
    created_at: str
    links: dict[str, str]


class AssetChange(Asked):
    """What may be changed of an asset; what is left out stays."""

    tags: Annotated[tuple[Tag, ...], Field(max_length=MAX_TAGS)] | None = None
    favourite: bool | None = None


class AssetCheck(Told):
    """One check of a verification, and what was found."""

    name: str
    ok: bool
    detail: str


class Verification(Told):
    """The newest verification of an asset: queued, running, done, or failed where it could not be checked, with the
    ``error``. ``ok`` says that every check held, None until it is done; ``differing`` of ``total`` pixels differ."""

    asset: str
    status: str
    ok: bool | None
    checks: tuple[AssetCheck, ...]
    error: str | None
    total: int | None
    differing: int | None
    visible: int | None
    largest: int | None  # difference of a channel, of 255
    frame: int | None  # of a clip: which one the pictures show
    created_at: str
    finished_at: str | None
    links: dict[str, str]


class MintEstimate(Told):
    """What minting ``assets`` in one transaction would take at this moment. ``gas`` is the node's estimate with a fifth
    of room; ``deploys`` says that the collection is deployed first, which ``gas`` includes. ``cost_wei`` is the most
    it may cost, ``balance_wei`` what the paying account has; ``embedded`` says that the chain is the server's own,
    where gas costs nothing and the account is kept filled. The numbers of wei are decimal texts."""

    assets: tuple[str, ...]
    to: str
    chain_id: int
    embedded: bool
    contract: str | None
    deploys: bool
    gas: int
    max_fee_per_gas_wei: str
    cost_wei: str
    balance_wei: str
    payer: str


class MintRequest(Asked):
    """``to`` left out: the server's own account. ``force`` mints one that fails the quality gate, and says so,
    and waits for no pinning service."""

    to: EthereumAddress | None = None
    force: bool = False


class BatchMintRequest(MintRequest):
    assets: Annotated[tuple[AssetId, ...], Field(min_length=1, max_length=MAX_BATCH_MINT)]


class MintChange(Told):
    """A status that a mint got, when, and why where there was a reason."""

    status: str
    reason: str | None
    tx_hash: str | None
    block_number: int | None
    at: str


class Mint(Told):
    """One asset's way onto the chain: prepared, signed, sent, mined, confirmed, or failed with the reason.

    ``history`` is told where one mint is asked for."""

    id: str
    asset: str
    to: str
    chain_id: int
    status: str
    contract: str | None
    token_id: str | None
    tx_hash: str | None
    block_number: int | None
    error: str | None
    created_at: str
    history: tuple[MintChange, ...] | None = None
    links: dict[str, str]


class Mints(Told):
    data: tuple[Mint, ...]


class NewCollection(Asked):
    name: Name
    description: Description = ""
    assets: Annotated[tuple[AssetId, ...], Field(max_length=256)] = ()


class CollectionChange(Asked):
    """What may be changed of a collection; what is left out stays."""

    name: Name | None = None
    description: Description | None = None


class Collection(Told):
    id: str
    name: str
    description: str
    asset_count: int
    created_at: str
    links: dict[str, str]
