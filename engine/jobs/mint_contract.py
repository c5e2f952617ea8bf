"""The collection that is minted into: deployed once, with every signer allowed to mint."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chain.asset_contract import MINTER_ROLE, AssetContract
from chain.collection import CollectionTerms, deployment_transaction
from chain.connection import Connection
from chain.errors import ContractMissing, TransactionRejected, TransactionReverted
from chain.signer import Signer
from chain.transactions import reverted
from engine.database.records import Records
from engine.jobs.hold import Hold
from engine.jobs.outbox import Outbox
from engine.jobs.standing import Standing

COLLECTION_NAME: Final = "Lorespark Assets"
COLLECTION_SYMBOL: Final = "LORE"
COLLECTION_URI: Final = (
    'data:application/json;utf8,{"name":"Lorespark Assets","description":"Game assets drawn by Lorespark. Each '
    "token's metadata holds the recipe that draws its picture again.\"}"
)
ROYALTY_BASIS_POINTS: Final = 500
FUNDS_WEI: Final = 10**18  # what the embedded chain's signers are kept at; it costs nothing there


@dataclass(frozen=True)
class ChainAccess:
    """An open chain, who signs on it first, and the transactions of all signers."""

    connection: Connection
    signer: Signer
    outbox: Outbox


class MintContract:
    """``configured`` is the address from the settings; None is one that is deployed at the first mint."""

    def __init__(self, records: Records, chain: Callable[[], ChainAccess], configured: str | None) -> None:
        self._records, self._chain, self._configured = records, chain, configured
        self._minters: set[tuple[str, str]] = set()  # contract and account, known to have the role
        self._refused: set[tuple[str, str]] = set()  # and those that the first signer may not grant it

    def address(self, chain_id: int) -> str | None:
        return self._configured or self._records.contract(chain_id)

    def open(self) -> AssetContract:
        """The collection. Raises ContractMissing where none is deployed yet."""
        connection = self._chain().connection
        address = self.address(connection.settings.chain_id)
        if address is None:
            raise ContractMissing("No contract was deployed yet; mint an asset first.")
        contract = AssetContract(connection.web3, address)
        if not contract.is_deployed():
            raise ContractMissing(
                f"The contract {address} is not on the chain {connection.settings.chain_id}; restore chain.db from "
                "the backup that records.db came from, or set LORESPARK_CONTRACT or LORESPARK_CHAIN_ID."
            )
        return contract

    @staticmethod
    def terms(me: str) -> CollectionTerms:
        """Of the collection that is deployed where there is none, by the first signer's account ``me``."""
        return CollectionTerms(
            admin=me,
            minter=me,
            house=me,
            name=COLLECTION_NAME,
            symbol=COLLECTION_SYMBOL,
            contract_uri=COLLECTION_URI,
            royalty_receiver=me,
            royalty_basis_points=ROYALTY_BASIS_POINTS,
        )

    def ensure(self, hold: Hold | None = None) -> AssetContract | Standing:
        """The collection, deployed where there is none; while its deployment is not confirmed, how that stands.

        Raises TransactionReverted or TransactionRejected where it was refused, and node errors.
        """
        chain = self._chain()
        connection, chain_id = chain.connection, chain.connection.settings.chain_id
        if connection.embedded is not None:
            for address in chain.outbox.addresses:
                connection.embedded.fund(address, FUNDS_WEI)
        # A deep reorganisation may have removed it: then its deployment is under way again.
        if self._configured is None and not (self.address(chain_id) and chain.outbox.is_settled("deploy")):
            me = chain.signer.address
            terms = self.terms(me)
            web3 = connection.web3
            standing = chain.outbox.deliver(
                "deploy", lambda nonce: deployment_transaction(web3, terms, sender=me, nonce=nonce), hold
            )
            if standing.status == "refused":
                chain.outbox.release("deploy")
                raise TransactionRejected(standing.note or "The deployment was refused.")
            if standing.status != "confirmed" or standing.receipt is None:
                return standing
            if standing.receipt.status == 0:
                chain.outbox.release("deploy")
                raise reverted(web3, standing.receipt)
            assert standing.receipt.contract_address is not None, "a deployment's receipt names its contract"
            self._records.set_contract(chain_id, standing.receipt.contract_address)
        return self.open()

    def minters(self, contract: AssetContract, hold: Hold | None = None) -> list[str]:
        """The signers that may mint; those that may not yet are granted the role by the first, the contract's owner.

        The first alone where none may: then the chain says what is wrong. Raises node errors.
        """
        outbox = self._chain().outbox
        able = [address for address in outbox.addresses if self._may_mint(contract, address, hold)]
        return able or [outbox.addresses[0]]

    def is_early(self, contract: AssetContract, address: str) -> bool:
        """Whether the account was refused as no minter and may mint now, or will once its grant is final: a deep
        reorganisation had removed it. Raises node errors."""
        self._minters.discard((contract.address, address))
        return contract.may_mint(address) or not self._chain().outbox.is_settled(_grant(contract, address))

    def _may_mint(self, contract: AssetContract, address: str, hold: Hold | None) -> bool:
        key = (contract.address, address)
        if key in self._minters:
            return True
        outbox, purpose = self._chain().outbox, _grant(contract, address)
        # A reorganisation could still take back a role that was just granted, and what relied on it would fail.
        if outbox.is_settled(purpose) and contract.may_mint(address):
            self._minters.add(key)
            return True
        first = outbox.addresses[0]
        if address == first or key in self._refused:
            return False
        try:
            outbox.deliver(
                purpose,
                lambda nonce: contract.transaction(
                    "grantRoles", address, MINTER_ROLE, sender=first, nonce=nonce
                ),
                hold,
            )
        except TransactionReverted:
            # The first signer is not the owner; whoever is may grant the role before the next start.
            self._refused.add(key)
        return False


def _grant(contract: AssetContract, address: str) -> str:
    """The purpose of the transaction that grants an account the minter's role."""
    return f"grant/{contract.address[2:22]}/{address}"
