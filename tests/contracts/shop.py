"""What tests of vouchers share: a collection whose vouchers one contract redeems."""

import hashlib
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings

from chain.signer import EnvironmentSigner
from chain.transactions import next_nonce
from chain.voucher import SignedVoucher, Voucher, VoucherContract, sign_voucher

FEW = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FAR_S = 2**40
TOKEN = 256


def digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True)
class Shop:
    """A collection whose vouchers one contract redeems, and the studio that signs them."""

    collection: Any
    contract: VoucherContract
    studio: EnvironmentSigner

    @property
    def node(self) -> Any:
        return self.collection.node

    def voucher(self, nonce: int = 0, **fields: Any) -> Voucher:
        wanted: dict[str, Any] = {
            "collection": self.collection.contract.address,
            "digest": digest_of(f"asset {nonce}"),
            "nonce": nonce,
            "deadline_s": FAR_S,
            **fields,
        }
        return Voucher(**wanted)

    def signed(self, nonce: int = 0, **fields: Any) -> SignedVoucher:
        return self.sign(self.voucher(nonce, **fields))

    def sign(self, voucher: Voucher, signer: Any = None) -> SignedVoucher:
        chain_id, contract = self.node.web3.eth.chain_id, self.contract.address
        return sign_voucher(signer or self.studio, voucher, chain_id=chain_id, contract=contract)

    def claim(self, signed: SignedVoucher, by: Any = None, **more: Any) -> Any:
        sender = by or self.collection.player
        nonce = next_nonce(self.node.web3, sender.address)
        return self.node.send(
            sender, self.contract.claim_transaction(signed, sender=sender.address, nonce=nonce, **more)
        )

    def claim_many(self, signed: list[SignedVoucher], by: Any = None, **more: Any) -> Any:
        sender = by or self.collection.player
        nonce = next_nonce(self.node.web3, sender.address)
        return self.node.send(
            sender, self.contract.claim_many_transaction(signed, sender=sender.address, nonce=nonce, **more)
        )

    def cancel(self, by: Any, *nonces: int) -> None:
        nonce = next_nonce(self.node.web3, by.address)
        self.node.send(by, self.contract.cancel_transaction(nonces, sender=by.address, nonce=nonce))

    def withdraw(self, by: Any, to: str) -> Any:
        nonce = next_nonce(self.node.web3, by.address)
        address = self.collection.contract.address
        return self.node.send(
            by, self.contract.withdraw_transaction(address, to, sender=by.address, nonce=nonce)
        )

    def balance_wei(self, address: str) -> int:
        return int(self.node.web3.eth.get_balance(address))

    def paid_wei(self, receipt: Any, sender: str, before_wei: int) -> int:
        """What a transaction cost its sender, but for its gas."""
        price = self.node.web3.eth.get_transaction_receipt(receipt.tx_hash)["effectiveGasPrice"]
        return before_wei - self.balance_wei(sender) - int(price) * int(receipt.gas_used)
