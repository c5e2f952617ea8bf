"""A studio on a chain of the test's own: contracts of every kind, and chance that plays with them."""

import contextlib
import hashlib
import random
import secrets
from collections.abc import Callable
from typing import Any

from web3 import Web3

from chain.asset_contract import MINTER_ROLE, PROVER_ROLE, VOUCHER_ROLE, AssetContract
from chain.collection import (
    CollectionFactory,
    CollectionTerms,
    deployment_transaction,
    factory_transaction,
    implementation_transaction,
)
from chain.errors import UnknownToken
from chain.provenance import Provenance, binding_transaction, sign_provenance
from chain.signer import EnvironmentSigner
from chain.transactions import Receipt, next_nonce, submit, wait_for_receipt
from chain.voucher import Voucher, VoucherContract, sign_voucher, vouchers_transaction

CHAIN_ID = 31_337
FAR_S = 2**40
RICH_WEI = 10**21
PAGE = 256
KINDS = ("mint", "move", "move", "burn", "update", "freeze", "bind", "claim", "cancel", "make")
MOST_AT_ONCE = 4  # tokens that `act` mints


class Studio:
    """Deploys a collection, a factory and a voucher contract. ``collections`` are all the assets' contracts."""

    def __init__(self, web3: Web3, seed: int = 0) -> None:
        self.web3, self.chance = web3, random.Random(seed)
        self.maker, self.player = (EnvironmentSigner(secrets.token_hex(32)) for _ in range(2))
        for signer in (self.maker, self.player):
            self.node("anvil_setBalance", signer.address, hex(RICH_WEI))
        me = self.maker.address
        self.terms = CollectionTerms(me, "Studio", "S", "ipfs://studio", minter=me, house=me)
        made = self.send(lambda nonce: deployment_transaction(web3, self.terms, sender=me, nonce=nonce))
        self.collections = [AssetContract(web3, str(made.contract_address))]
        code = self.send(lambda nonce: implementation_transaction(web3, sender=me, nonce=nonce))
        made = self.send(
            lambda nonce: factory_transaction(web3, str(code.contract_address), sender=me, nonce=nonce)
        )
        self.factory = CollectionFactory(web3, str(made.contract_address))
        made = self.send(lambda nonce: vouchers_transaction(web3, sender=me, nonce=nonce))
        self.vouchers = VoucherContract(web3, str(made.contract_address))
        self.do("grantRoles", self.vouchers.address, MINTER_ROLE)
        self.do("grantRoles", me, VOUCHER_ROLE | PROVER_ROLE)
        self._salt = 0
        self.node("anvil_mine", 8)  # deeper than any reorganisation below

    @property
    def sources(self) -> dict[str, str]:
        return {
            self.collections[0].address: "assets",
            self.factory.address: "collections",
            self.vouchers.address: "vouchers",
        }

    def node(self, method: str, *params: Any) -> Any:
        """Asks the node for what only a development node does."""
        name: Any = method
        answer = self.web3.provider.make_request(name, params)
        assert "error" not in answer, answer
        return answer["result"]

    def reorganise(self, depth: int) -> None:
        """Replaces the newest blocks by as many without transactions."""
        self.node("anvil_reorg", depth, [])

    def send(
        self, build: Callable[[int], dict[str, Any]], signer: EnvironmentSigner | None = None
    ) -> Receipt:
        signer = signer or self.maker
        signed = signer.sign_transaction(build(next_nonce(self.web3, signer.address)))
        submit(self.web3, signed)
        return wait_for_receipt(self.web3, signed.hash, timeout_s=30, poll_latency_s=0.002)

    def do(
        self, function: str, *arguments: Any, of: Any = None, signer: EnvironmentSigner | None = None
    ) -> Receipt:
        contract, sender = of or self.collections[0], (signer or self.maker).address
        return self.send(
            lambda nonce: contract.transaction(function, *arguments, sender=sender, nonce=nonce), signer
        )

    def mint(self, count: int, to: str | None = None, of: AssetContract | None = None) -> None:
        digests = [self.chance.randbytes(32) for _ in range(count)]
        self.do("mintBatch", to or self.chance.choice((self.maker, self.player)).address, digests, of=of)

    def create_collection(self) -> None:
        self._salt += 1
        salt = hashlib.sha256(f"{self.factory.address} {self._salt}".encode()).digest()
        me = self.maker.address
        made = self.send(lambda nonce: self.factory.creation(self.terms, salt, sender=me, nonce=nonce))
        self.collections.append(AssetContract(self.web3, self.factory.created(made)))

    def claim(self) -> None:
        voucher = Voucher(
            self.collections[0].address,
            self.chance.randbytes(32),
            self.chance.getrandbits(64),
            FAR_S,
            recipient=self.player.address,
        )
        signed = sign_voucher(self.maker, voucher, chain_id=CHAIN_ID, contract=self.vouchers.address)
        sender = self.player.address
        self.send(
            lambda nonce: self.vouchers.claim_transaction(signed, sender=sender, nonce=nonce), self.player
        )

    def cancel(self) -> None:
        nonces, me = [self.chance.getrandbits(64)], self.maker.address
        self.send(lambda nonce: self.vouchers.cancel_transaction(nonces, sender=me, nonce=nonce))

    def bind(self, contract: AssetContract, token_id: int) -> None:
        me, random_bytes = self.maker.address, self.chance.randbytes
        self.do("grantRoles", me, PROVER_ROLE, of=contract)
        provenance = Provenance(token_id, random_bytes(40), random_bytes(32), random_bytes(32))
        proof = sign_provenance(self.maker, provenance, chain_id=CHAIN_ID, contract=contract.address)
        self.send(lambda nonce: binding_transaction(contract, provenance, proof, sender=me, nonce=nonce))

    def act(self) -> None:
        """Does anything that the contracts allow."""
        living = self.living()
        kind = self.chance.choice(KINDS)
        contract, token_id = self.chance.choice(living) if living else (self.collections[0], 0)
        if kind in ("mint", "make") or not living:
            of = self.chance.choice([each for each in self.collections if each.is_deployed()])
            if kind == "make":
                self.create_collection()
                of = self.collections[-1]
            self.mint(self.chance.randint(1, MOST_AT_ONCE), of=of)
        elif kind == "claim":
            self.claim()
        elif kind == "cancel":
            self.cancel()
        elif kind == "bind" and contract.recipe_hash(token_id) is None:
            self.bind(contract, token_id)
        else:
            owner = contract.owner_of(token_id)
            signer, other = (
                (self.maker, self.player) if owner == self.maker.address else (self.player, self.maker)
            )
            frozen = contract.metadata_frozen(token_id)
            if kind in ("move", "bind") or frozen:
                self.do("transferFrom", owner, other.address, token_id, of=contract, signer=signer)
            elif kind == "burn":
                self.do("burn", token_id, of=contract, signer=signer)
            elif kind == "update":
                self.do("updateMetadata", token_id, self.chance.randbytes(32), of=contract)
            else:
                self.do("freezeMetadata", token_id, of=contract, signer=signer)

    def truth(self) -> dict[tuple[str, int], tuple[str, bytes, bool]]:
        """Owner, digest and whether it is frozen of every living token, as the contracts themselves say."""
        return {
            (contract.address, token_id): (
                contract.owner_of(token_id),
                contract.metadata_digest(token_id),
                contract.metadata_frozen(token_id),
            )
            for contract, token_id in self.living()
        }

    def living(self) -> list[tuple[AssetContract, int]]:
        """Collections and ids of all living tokens, asked of the chain."""
        found = []
        for contract in self.collections:
            if contract.is_deployed():
                for page in range(1, int(contract.view("totalPages")) + 1):
                    for index in range(MOST_AT_ONCE):
                        with contextlib.suppress(UnknownToken):
                            contract.owner_of(page * PAGE + index)
                            found.append((contract, page * PAGE + index))
        return found
