"""Where a token's content comes from (ERC-7007): the proof that a prover signs, and its way to the chain."""

import hashlib
from dataclasses import dataclass
from typing import Any

from chain.address import parse_recipient
from chain.asset_contract import AssetContract, checked_digest
from chain.signer import TypedDataSigner

_TYPES = {
    "AigcProof": [
        {"name": "tokenId", "type": "uint256"},
        {"name": "recipeHash", "type": "bytes32"},
        {"name": "contentDigest", "type": "bytes32"},
        {"name": "modelDigest", "type": "bytes32"},
    ]
}


@dataclass(frozen=True)
class Provenance:
    """The statement that a model drew a content from a recipe, for one token.

    recipe is canonical JSON (RFC 8785); the digests are sha2-256, 32 bytes.
    """

    token_id: int
    recipe: bytes
    content_digest: bytes
    model_digest: bytes

    def __post_init__(self) -> None:
        """Raises TransactionRejected for a digest that is none."""
        checked_digest(self.content_digest)
        checked_digest(self.model_digest)

    @property
    def recipe_hash(self) -> bytes:
        """The recipe's sha2-256, 32 bytes."""
        return hashlib.sha256(self.recipe).digest()


def sign_provenance(
    signer: TypedDataSigner, provenance: Provenance, *, chain_id: int, contract: str
) -> bytes:
    """A proof for one collection on one chain, as the contract's `verify` takes it.

    It proves that the signer said so, no more; it counts while the signer has the prover role. Raises
    InvalidAddress.
    """
    domain = {
        "name": "Lorespark Assets",
        "version": "1",
        "chainId": chain_id,
        "verifyingContract": parse_recipient(contract),
    }
    message = {
        "tokenId": provenance.token_id,
        "recipeHash": provenance.recipe_hash,
        "contentDigest": provenance.content_digest,
        "modelDigest": provenance.model_digest,
    }
    signature = signer.sign_typed_data(domain, _TYPES, message)
    prover = bytes.fromhex(signer.address[2:])
    return provenance.token_id.to_bytes(32, "big") + provenance.model_digest + prover + signature


def binding_transaction(
    contract: AssetContract, provenance: Provenance, proof: bytes, *, sender: str, nonce: int
) -> dict[str, Any]:
    """The unsigned transaction that binds a recipe and its content to a token, once for ever.

    The token's owner and minters may send it. Raises as `AssetContract.transaction`.
    """
    arguments = (provenance.token_id, provenance.recipe, provenance.content_digest, proof)
    return contract.transaction("addAigcData", *arguments, sender=sender, nonce=nonce)


def proof_holds(contract: AssetContract, provenance: Provenance, proof: bytes) -> bool:
    """What the contract's `verify` says of a proof. Raises TransactionReverted and node errors."""
    return bool(contract.view("verify", provenance.recipe, provenance.content_digest, proof))
