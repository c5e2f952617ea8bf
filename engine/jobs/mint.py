"""Prepare, sign, send, confirm: the durable job that brings one asset onto the chain."""

from collections.abc import Callable
from dataclasses import dataclass

from assets.asset import Asset
from chain.asset_contract import AssetContract
from chain.collection import CollectionTerms, deployment_transaction
from chain.connection import Connection
from chain.errors import ContractMissing
from chain.signer import Signer
from chain.transactions import Receipt, wait_for_receipt
from engine.database.records import MintRecord, Records
from engine.errors import WrongChain
from engine.jobs.hold import Hold
from engine.jobs.outbox import Outbox

COLLECTION_NAME = "Lorespark Assets"
COLLECTION_SYMBOL = "LORE"
COLLECTION_URI = (
    'data:application/json;utf8,{"name":"Lorespark Assets","description":"Game assets drawn by Lorespark. Each '
    "token's metadata holds the recipe that draws its picture again.\"}"
)
FUNDS_WEI = 10**18  # what the embedded chain's signer is kept at; it costs nothing there


@dataclass(frozen=True)
class ChainAccess:
    """An open chain, who signs on it, and the transactions that were signed."""

    connection: Connection
    signer: Signer
    outbox: Outbox


class MintJob:
    """The steps of a mint. Each may run again after a crash: nothing is signed or sent twice for one purpose.

    ``hold`` is the worker's hold on the job, None where no other process can take it over.
    """

    def __init__(
        self, records: Records, chain: Callable[[], ChainAccess], configured_contract: str | None
    ) -> None:
        self._records, self._chain, self._configured = records, chain, configured_contract

    def contract(self) -> AssetContract:
        """The collection that is minted into. Raises ContractMissing where none is deployed yet."""
        connection = self._chain().connection
        address = self._configured or self._records.contract(connection.settings.chain_id)
        if address is None:
            raise ContractMissing("No contract was deployed yet; mint an asset first.")
        contract = AssetContract(connection.web3, address)
        if not contract.is_deployed():
            raise ContractMissing(
                f"The contract {address} is not on the chain {connection.settings.chain_id}; restore chain.db from "
                "the backup that records.db came from, or set LORESPARK_CONTRACT or LORESPARK_CHAIN_ID."
            )
        return contract

    def ensure_contract(self, mint_id: str, hold: Hold | None = None) -> str:
        """Deploys the collection where none is configured or recorded; returns its address.

        Raises WrongChain where the mint was begun on another chain.
        """
        mint, _ = self._mint(mint_id)
        chain = self._chain()
        settings = chain.connection.settings
        if mint.chain_id != settings.chain_id:
            raise WrongChain(
                f"The mint of {mint.asset_id} belongs to chain {mint.chain_id}, not to {settings.chain_id}; set "
                "LORESPARK_CHAIN_ID and LORESPARK_RPC_URL for that chain to finish it."
            )
        return self.ensure_collection(hold).address

    def ensure_collection(self, hold: Hold | None = None) -> AssetContract:
        """The collection that is minted into, deployed where none is configured or recorded."""
        chain = self._chain()
        settings = chain.connection.settings
        if chain.connection.embedded is not None:
            chain.connection.embedded.fund(chain.signer.address, FUNDS_WEI)
        if self._configured is None and self._records.contract(settings.chain_id) is None:
            terms = CollectionTerms(
                admin=chain.signer.address,
                minter=chain.signer.address,
                house=chain.signer.address,
                name=COLLECTION_NAME,
                symbol=COLLECTION_SYMBOL,
                contract_uri=COLLECTION_URI,
                royalty_receiver=chain.signer.address,
                royalty_basis_points=500,
            )
            web3 = chain.connection.web3
            sent = chain.outbox.deliver(
                "deploy",
                lambda nonce: deployment_transaction(web3, terms, sender=chain.signer.address, nonce=nonce),
                hold,
            )
            receipt = self._wait(sent.hash)
            assert receipt.contract_address is not None, "a deployment's receipt names its contract"
            self._records.set_contract(settings.chain_id, receipt.contract_address)
        return self.contract()

    def deliver(self, mint_id: str, hold: Hold | None = None) -> str:
        """Signs, stores and sends the mint's transaction; returns its hash."""
        mint, asset = self._mint(mint_id)
        chain, contract = self._chain(), self.contract()
        digest = asset.metadata_cid.digest
        sent = chain.outbox.deliver(
            mint_id,
            lambda nonce: contract.mint_transaction(
                mint.recipient, digest, sender=chain.signer.address, nonce=nonce
            ),
            hold,
        )
        self._records.update_mint(mint_id, hold, status="sent", tx_hash=sent.hash, contract=contract.address)
        return sent.hash

    def confirm(self, mint_id: str, tx_hash: str, hold: Hold | None = None) -> None:
        """Waits until the transaction is confirmed and records the token."""
        _, asset = self._mint(mint_id)
        receipt, contract = self._wait(tx_hash), self.contract()
        tokens = contract.minted_tokens(receipt)
        if not tokens:
            raise ContractMissing(
                f"The transaction {tx_hash} minted nothing in {contract.address}; set LORESPARK_CONTRACT back to "
                "the contract that this mint began with."
            )
        token = tokens[0]
        self._records.update_mint(
            mint_id,
            hold,
            status="confirmed",
            token_id=str(token.token_id),
            block_number=receipt.block_number,
            error=None,
        )
        self._records.set_owner(asset.asset_id, token.owner)

    def fail(self, mint_id: str, reason: str, hold: Hold | None = None) -> None:
        self._records.update_mint(mint_id, hold, status="failed", error=reason)

    def _wait(self, tx_hash: str) -> Receipt:
        connection = self._chain().connection
        return wait_for_receipt(
            connection.web3,
            tx_hash,
            timeout_s=connection.settings.timeout_s,
            poll_latency_s=connection.settings.poll_latency_s,
            confirmations=connection.settings.confirmations,
        )

    def _mint(self, mint_id: str) -> tuple[MintRecord, Asset]:
        mint = self._records.mint(mint_id)
        assert mint is not None, f"job of an unknown mint {mint_id}"
        asset = self._records.asset(mint.asset_id)
        assert asset is not None, f"mint {mint_id} of an unknown asset"
        return mint, asset
