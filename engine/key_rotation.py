"""One signer in another's place: first the new one may do all that the old one may, then the old one nothing."""

from uuid import uuid4

from chain.address import parse_address
from chain.asset_contract import MINTER_ROLE, PROVER_ROLE, VOUCHER_ROLE, AssetContract
from chain.signer import AccountSigner
from engine.app import Application
from engine.database.vouchers import fail_vouchers_of, living_vouchers_of
from engine.errors import Conflict
from engine.jobs.delivered import delivered
from engine.jobs.mint_contract import FUNDS_WEI
from engine.jobs.outbox import Outbox
from engine.wiring import sending_terms

_ROLES = (MINTER_ROLE, PROVER_ROLE, VOUCHER_ROLE)


class Rotation:
    """To ``new``. Each part looks at the chain first, so all of it may be done again after it broke off."""

    def __init__(self, application: Application, new: AccountSigner) -> None:
        self._application, self._new = application, new
        self._connection = application.connection
        self._chain_id = self._connection.settings.chain_id

    def hand_over(self, old: AccountSigner) -> list[str]:
        """Gives the new signer the old one's roles and, where it has it, the collection; tells what was done.

        Raises Conflict while mints are on their way, InsufficientFunds where the new signer cannot pay for its part,
        and what the chain raises.
        """
        if waiting := self._application.records.unfinished_mints(self._chain_id):
            raise Conflict(
                f"{len(waiting)} mints of the old key are on their way; let them end, and rotate then."
            )
        contract = self._contract()
        if contract is None:
            return []
        done, new = [], self._new.address
        roles = sum(role for role in _ROLES if contract.has_roles(old.address, role))
        if roles and not contract.has_roles(new, roles):
            self._send(old, contract, "grantRoles", new, roles)
            done.append(f"{new} has the roles that {old.address} has in {contract.address}.")
        if parse_address(contract.view("owner")) == old.address:
            if self._connection.embedded is not None:
                self._connection.embedded.fund(new, FUNDS_WEI)
            self._send(self._new, contract, "requestOwnershipHandover")
            self._send(old, contract, "completeOwnershipHandover", new)
            done.append(f"{new} owns the collection {contract.address}.")
        return done

    def take_back(self, old: str, leaked: bool) -> list[str]:
        """Takes the roles of ``old``; tells what was done, and what is left to do.

        What it signed and others hold stays good, unless the key ``leaked``: then those vouchers end at once.
        """
        contract = self._contract()
        if contract is None:
            return []
        with self._application.records.database.reading() as connection:
            promised = living_vouchers_of(connection, old, self._chain_id)
        kept = VOUCHER_ROLE if promised and not leaked else 0
        roles = sum(role for role in _ROLES if role != kept and contract.has_roles(old, role))
        done = []
        if roles:
            self._send(self._new, contract, "revokeRoles", old, roles)
            done.append(f"{old} lost its roles in {contract.address}.")
        if kept:
            done.append(
                f"{old} may still sign vouchers, because {promised} of its own can be claimed; rotate once more when "
                "they have ended, or with --leaked to end them now."
            )
        elif promised:
            self._settle_claims()
            with self._application.records.database.writing() as connection:
                fail_vouchers_of(connection, old, self._chain_id)
            done.append(f"{promised} vouchers of {old} can no longer be claimed.")
        return done

    def _settle_claims(self) -> None:
        """What was claimed before the role was taken is a token, and its asset must not be promised again."""
        follower = self._application.follower
        if follower is not None:
            head_block = follower.follow().head_block
            while self._application.claims.settle(head_block):
                pass

    def _contract(self) -> AssetContract | None:
        address = self._application.settings.contract or self._application.records.contract(self._chain_id)
        return None if address is None else AssetContract(self._connection.web3, address)

    def _send(
        self, signer: AccountSigner, contract: AssetContract, function: str, *arguments: object
    ) -> None:
        """Sends a call and waits until it is confirmed."""
        outbox = Outbox(
            self._application.records.database,
            self._connection.web3,
            (signer,),
            sending_terms(self._application.settings),
        )
        delivered(
            outbox,
            self._connection,
            f"rotate {uuid4().hex}",
            lambda nonce: contract.transaction(function, *arguments, sender=signer.address, nonce=nonce),
        )
