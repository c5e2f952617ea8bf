"""A collection that refuses what it dislikes."""

from typing import Any

from chain.artifact import lorespark_assets, parse_artifact
from chain.collection import CollectionTerms, implementation_transaction
from chain.contract_call import ContractCalls, creation_transaction
from chain.signer import EnvironmentSigner
from chain.transactions import next_nonce, submit, wait_for_receipt
from tools.compile_contracts import compile_contract


def deployed_picky(web3: Any, maker: EnvironmentSigner, minter: str) -> ContractCalls:
    """A collection that refuses what it dislikes, which the account may mint in."""

    def sent(fields: dict[str, Any]) -> Any:
        signed = maker.sign_transaction(fields)
        submit(web3, signed)
        return wait_for_receipt(web3, signed.hash, timeout_s=10, poll_latency_s=0.02)

    me = maker.address
    code = sent(implementation_transaction(web3, sender=me, nonce=next_nonce(web3, me))).contract_address
    terms = CollectionTerms(me, "Picky", "P", "", minter=minter)
    abi = web3.eth.contract(abi=lorespark_assets().abi)
    initialisation = abi.encode_abi("initialise", args=[terms.as_argument()])
    artifact = parse_artifact(compile_contract("PickyAssets", "test"))
    arguments = (code, bytes.fromhex(initialisation[2:]))
    creation = creation_transaction(web3, artifact, arguments, sender=me, nonce=next_nonce(web3, me))
    return ContractCalls(web3, str(sent(creation).contract_address), artifact)
