"""What a mint would cost, asked of the chain before anything is signed."""

from collections.abc import Sequence
from typing import Any

from assets.asset import Asset
from chain.account import balance_wei
from chain.asset_contract import AssetContract
from chain.collection import deployment_transaction
from chain.errors import TransactionRejected, TransactionReverted
from chain.fees import current_fees
from engine.api.asset import MintEstimate
from engine.errors import Conflict
from engine.jobs.mint_contract import ChainAccess, MintContract

# Of a collection that is not there yet, measured (docs/contracts.md): one token, and each more on its page. Measure
# again when the contract's `mint` or `mintBatch` changes.
_FIRST_TOKEN_GAS = 80_619
_NEXT_TOKEN_GAS = 9_500
_ROOM_PERCENT = 120


def estimate_mint(
    chain: ChainAccess, collection: MintContract, assets: Sequence[Asset], recipient: str
) -> MintEstimate:
    """What minting ``assets`` to ``recipient`` in one transaction takes at this moment. Signs and sends nothing.

    Raises Conflict where the contract would refuse it, NodeUnreachable, ContractMissing.
    """
    connection, payer = chain.connection, chain.signer.address
    web3, chain_id = connection.web3, connection.settings.chain_id
    address = collection.address(chain_id)
    digests = [asset.metadata_cid.digest for asset in assets]
    try:
        if address is None:
            terms = collection.terms(payer)
            deployment = deployment_transaction(web3, terms, sender=payer, nonce=0)
            tokens = _FIRST_TOKEN_GAS + _NEXT_TOKEN_GAS * (len(assets) - 1)
            gas = int(deployment["gas"]) + tokens * _ROOM_PERCENT // 100
        else:
            gas = int(_minting(collection.open(), recipient, digests, payer)["gas"])
    except (TransactionReverted, TransactionRejected) as error:
        raise Conflict(f"The chain would refuse this mint: {error}") from error
    fee_wei = current_fees(web3).capped(chain.outbox.terms.max_fee_wei).max_fee_per_gas_wei
    return MintEstimate(
        assets=tuple(asset.asset_id for asset in assets),
        to=recipient,
        chain_id=chain_id,
        embedded=connection.embedded is not None,
        contract=address,
        deploys=address is None,
        gas=gas,
        max_fee_per_gas_wei=str(fee_wei),
        cost_wei=str(gas * fee_wei),
        balance_wei=str(balance_wei(web3, payer)),
        payer=payer,
    )


def _minting(contract: AssetContract, recipient: str, digests: Sequence[bytes], payer: str) -> dict[str, Any]:
    if len(digests) == 1:
        return contract.mint_transaction(recipient, digests[0], sender=payer, nonce=0)
    return contract.mint_batch_transaction(recipient, digests, sender=payer, nonce=0)
