"""What the chain says of tokens, as the API tells it."""

from engine.api.model import Told


class Transfer(Told):
    """One change of a token's owner: a mint has no ``sender``, a burn no ``receiver``."""

    chain_id: int
    contract: str
    token_id: str  # decimal
    sender: str | None
    receiver: str | None
    block_number: int
    log_index: int  # within the block
    tx_hash: str
    at: str  # by the block


class OwnedToken(Told):
    """``owner`` is None once it is burned, ``asset`` unless it is one of the tenant's own."""

    chain_id: int
    contract: str
    token_id: str  # decimal
    owner: str | None
    metadata_digest: str | None  # sha256, in hex
    metadata_cid: str | None
    frozen: bool  # the metadata never changes again
    asset: str | None
    minted_block: int
    minted_tx: str
    minted_at: str  # by the block
    links: dict[str, str]


class TokenHistory(OwnedToken):
    """A token with its newest transfers, the newest first."""

    transfers: tuple[Transfer, ...]


class IndexState(Told):
    """How far the chain was read: ``block`` of ``head_block``, both -1 before the first look."""

    chain_id: int
    block: int
    head_block: int
    contracts: dict[str, str]  # kinds by address
