"""ERC-7007: whose word binds a recipe and its content to a token, once, and whose does not."""

import dataclasses
import hashlib
from typing import Any

import pytest
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.asset_contract import PROVER_ROLE
from chain.errors import TransactionRejected
from chain.provenance import Provenance, binding_transaction, proof_holds, sign_provenance
from chain.transactions import next_nonce

FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TOKEN = 256
RECIPE = b'{"kind":"item","prompt":"red potion","seed":7}'
DIGESTS = st.binary(min_size=32, max_size=32).filter(any)


def digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@pytest.fixture
def prover(collection: Any) -> Any:
    signer = collection.node.account()
    collection.do(collection.admin, "grantRoles", signer.address, PROVER_ROLE)
    collection.mint(digest_of("metadata 0"), digest_of("metadata 1"))
    return signer


def provenance(**fields: Any) -> Provenance:
    wanted: dict[str, Any] = {
        "token_id": TOKEN,
        "recipe": RECIPE,
        "content_digest": digest_of("content"),
        "model_digest": digest_of("model"),
        **fields,
    }
    return Provenance(**wanted)


def proof_of(collection: Any, signer: Any, statement: Provenance) -> bytes:
    chain_id = collection.node.web3.eth.chain_id
    return sign_provenance(signer, statement, chain_id=chain_id, contract=collection.contract.address)


def bind(collection: Any, by: Any, statement: Provenance, proof: bytes) -> Any:
    nonce = next_nonce(collection.node.web3, by.address)
    call = binding_transaction(collection.contract, statement, proof, sender=by.address, nonce=nonce)
    return collection.node.send(by, call)


def test_a_recipe_is_bound_to_its_token(collection: Any, prover: Any) -> None:
    statement = provenance()
    assert collection.contract.recipe_hash(TOKEN) is None
    proof = proof_of(collection, prover, statement)
    receipt = bind(collection, collection.player, statement, proof)
    assert collection.contract.recipe_hash(TOKEN) == hashlib.sha256(RECIPE).digest()
    assert collection.contract.view("tokenOfRecipe", statement.recipe_hash) == TOKEN
    log = collection.node.web3.eth.get_transaction_receipt(receipt.tx_hash)["logs"][0]
    assert [bytes(topic) for topic in log["topics"]] == [
        keccak(text="AigcData(uint256,bytes,bytes,bytes)"),
        TOKEN.to_bytes(32, "big"),
        keccak(RECIPE),
        keccak(statement.content_digest),
    ]
    assert proof in bytes(log["data"])


@FEW
@given(recipe=st.binary(max_size=300), content=DIGESTS, model=DIGESTS, token=st.integers(0, 2**256 - 1))
def test_a_provers_signature_is_a_proof(
    collection: Any, prover: Any, recipe: bytes, content: bytes, model: bytes, token: int
) -> None:
    statement = provenance(recipe=recipe, content_digest=content, model_digest=model, token_id=token)
    assert proof_holds(collection.contract, statement, proof_of(collection, prover, statement))


@pytest.mark.parametrize(
    "field", [{"recipe": b"{}"}, {"content_digest": digest_of("x")}, {"recipe": RECIPE + b" "}]
)
def test_a_proof_is_for_its_recipe_and_content(
    collection: Any, prover: Any, refused: Any, field: dict[str, Any]
) -> None:
    proof = proof_of(collection, prover, provenance())
    other = provenance(**field)
    assert not proof_holds(collection.contract, other, proof)
    with refused("InvalidProof"):
        bind(collection, collection.player, other, proof)


def test_a_proof_with_any_part_changed_proves_nothing(collection: Any, prover: Any) -> None:
    statement = provenance()
    proof = proof_of(collection, prover, statement)
    assert len(proof) == 32 + 32 + 20 + 65
    # the token's id, the model's digest, the prover's address, and r and s
    for place in (31, 63, 83, 90, 130):
        changed = bytearray(proof)
        changed[place] ^= 1
        assert not proof_holds(collection.contract, statement, bytes(changed))
    for length in (0, 31, 32, 83, 84, 85, 147):
        assert not proof_holds(collection.contract, statement, proof[:length])


def test_content_that_is_no_digest_proves_nothing(collection: Any, prover: Any) -> None:
    proof = proof_of(collection, prover, provenance())
    for content in (b"", digest_of("content")[:31], digest_of("content") + b"\0"):
        assert collection.contract.view("verify", RECIPE, content, proof) is False
    with pytest.raises(TransactionRejected):
        provenance(model_digest=b"short")


def test_a_proof_holds_in_one_collection_on_one_chain(collection: Any, prover: Any) -> None:
    chain_id = collection.node.web3.eth.chain_id
    for domain in (
        {"chain_id": chain_id + 1, "contract": collection.contract.address},
        {"chain_id": chain_id, "contract": collection.player.address},
    ):
        assert not proof_holds(
            collection.contract, provenance(), sign_provenance(prover, provenance(), **domain)
        )


def test_only_provers_prove_and_only_while_they_are(collection: Any, prover: Any, refused: Any) -> None:
    for other in (collection.admin, collection.minter, collection.player):
        assert not proof_holds(collection.contract, provenance(), proof_of(collection, other, provenance()))
    proof = proof_of(collection, prover, provenance())
    collection.do(collection.admin, "revokeRoles", prover.address, PROVER_ROLE)
    with refused("InvalidProof"):
        bind(collection, collection.player, provenance(), proof)


def test_who_may_move_a_token_or_mint_binds_and_nobody_else(
    collection: Any, prover: Any, refused: Any
) -> None:
    statement = provenance()
    proof = proof_of(collection, prover, statement)
    for other in (collection.admin, collection.stranger, collection.house, prover):
        with refused("Unauthorized"):
            bind(collection, other, statement, proof)
    bind(collection, collection.minter, statement, proof)
    second = provenance(token_id=TOKEN + 1, recipe=b'{"seed":8}')
    collection.do(collection.player, "approve", collection.stranger.address, TOKEN + 1)
    bind(collection, collection.stranger, second, proof_of(collection, prover, second))


def test_a_proof_that_was_seen_is_of_no_use_to_another(collection: Any, prover: Any, refused: Any) -> None:
    collection.mint_to(collection.stranger.address, digest_of("the thief's own token"))
    seen = proof_of(collection, prover, provenance())
    stolen = provenance(token_id=2 * TOKEN)
    for proof in (seen, (2 * TOKEN).to_bytes(32, "big") + seen[32:]):
        with refused("InvalidProof"):
            bind(collection, collection.stranger, stolen, proof)
    bind(collection, collection.player, provenance(), seen)


def test_a_recipe_and_a_token_are_bound_once(collection: Any, prover: Any, refused: Any) -> None:
    first = provenance()
    bind(collection, collection.player, first, proof_of(collection, prover, first))
    again = dataclasses.replace(first, recipe=b'{"seed":9}')
    with refused("AigcDataIsBound"):
        bind(collection, collection.player, again, proof_of(collection, prover, again))
    other = dataclasses.replace(first, token_id=TOKEN + 1)
    with refused("RecipeIsBound"):
        bind(collection, collection.player, other, proof_of(collection, prover, other))
    unknown = provenance(token_id=7, recipe=b"{}")
    with refused("TokenDoesNotExist"):
        bind(collection, collection.player, unknown, proof_of(collection, prover, unknown))


@pytest.mark.needs_npm
def test_a_contract_proves_too(collection: Any, prover: Any, compiled: Any) -> None:
    wallet = collection.node.deploy(compiled("ContractWallet"), prover.address)
    proof = proof_of(collection, prover, provenance())
    by_wallet = proof[:64] + bytes.fromhex(wallet.address[2:]) + proof[84:]
    assert not proof_holds(collection.contract, provenance(), by_wallet)
    collection.do(collection.admin, "grantRoles", wallet.address, PROVER_ROLE)
    assert proof_holds(collection.contract, provenance(), by_wallet)


@pytest.mark.needs_npm
def test_a_verifier_takes_the_place_of_signatures(
    collection: Any, prover: Any, compiled: Any, refused: Any
) -> None:
    statement = provenance()
    signed = proof_of(collection, prover, statement)
    judge = collection.node.deploy(compiled("ProofJudge"))
    collection.do(collection.admin, "setAigcVerifier", judge.address)
    assert collection.contract.view("aigcVerifier") == judge.address
    assert not proof_holds(collection.contract, statement, signed)
    proof = TOKEN.to_bytes(32, "big") + statement.recipe_hash + statement.content_digest
    assert proof_holds(collection.contract, statement, proof)
    elsewhere = (TOKEN + 1).to_bytes(32, "big") + proof[32:]
    with refused("InvalidProof"):
        bind(collection, collection.player, statement, elsewhere)
    bind(collection, collection.player, statement, proof)
    collection.do(collection.admin, "setAigcVerifier", "0x" + "00" * 20)
    assert proof_holds(collection.contract, statement, signed)
    assert collection.contract.recipe_hash(TOKEN) == statement.recipe_hash
