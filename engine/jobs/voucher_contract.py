"""The contract in which vouchers are claimed: deployed once, with the roles that a claim needs."""

from collections.abc import Callable

from chain.asset_contract import MINTER_ROLE, VOUCHER_ROLE, AssetContract
from chain.errors import ContractMissing, TransactionRejected
from chain.signer import TypedDataSigner
from chain.transactions import Receipt
from chain.voucher import VoucherContract, vouchers_transaction
from engine.database.records import Records
from engine.database.vouchers import set_voucher_contract, voucher_contract
from engine.jobs.delivered import delivered
from engine.jobs.hold import Hold
from engine.jobs.mint_contract import ChainAccess
from engine.jobs.outbox import Build


class ClaimContract:
    """``configured`` is its address from the settings; None is one that is deployed at the first voucher."""

    def __init__(
        self,
        records: Records,
        chain: Callable[[], ChainAccess],
        signer: Callable[[], TypedDataSigner],
        configured: str | None,
    ) -> None:
        self._records, self._chain, self._signer, self._configured = records, chain, signer, configured

    def ensure(self, collection: AssetContract, hold: Hold | None = None) -> VoucherContract:
        """The voucher contract, with the roles that a claim needs. Deployed where there is none.

        Raises ContractMissing, TransactionRejected and TransactionReverted where the chain refuses, and node errors.
        """
        chain = self._chain()
        web3, chain_id, sender = (
            chain.connection.web3,
            chain.connection.settings.chain_id,
            chain.signer.address,
        )
        with self._records.database.reading() as connection:
            address = self._configured or voucher_contract(connection, chain_id)
        if address is None:
            address = self._delivered(
                "vouchers", lambda nonce: vouchers_transaction(web3, sender=sender, nonce=nonce), hold
            ).contract_address
            assert address is not None, "a deployment's receipt names its contract"
            with self._records.database.writing() as connection:
                set_voucher_contract(connection, chain_id, address)
        contract = VoucherContract(web3, address)
        if not contract.is_deployed():
            raise ContractMissing(
                f"The voucher contract {address} is not on the chain {chain_id}; restore chain.db from the backup that "
                "records.db came from, or set LORESPARK_VOUCHERS or LORESPARK_CHAIN_ID."
            )
        self._ensure_role(collection, contract.address, MINTER_ROLE, hold)
        self._ensure_role(collection, self._signer().address, VOUCHER_ROLE, hold)
        return contract

    def _ensure_role(self, collection: AssetContract, account: str, role: int, hold: Hold | None) -> None:
        if collection.has_roles(account, role):
            return
        chain = self._chain()
        sender = chain.signer.address
        self._delivered(
            f"grant {role} {account} {collection.address[:22]}",  # each collection gives its own
            lambda nonce: collection.transaction("grantRoles", account, role, sender=sender, nonce=nonce),
            hold,
        )
        if not collection.has_roles(account, role):
            raise TransactionRejected(
                f"The role {role} of {account} in {collection.address} was taken back; the contract's owner grants it "
                "again with grantRoles."
            )

    def _delivered(self, purpose: str, build: Build, hold: Hold | None) -> Receipt:
        chain = self._chain()
        return delivered(chain.outbox, chain.connection, purpose, build, hold)
