"""What can go wrong on the chain. Every message is one sentence: what failed and what to do."""


class ChainError(Exception):
    """The base of every error this package raises."""


class InvalidSettings(ChainError):
    """A chain setting cannot be used."""


class InvalidAddress(ChainError):
    """A text is not an account address."""


class UnknownToken(ChainError):
    """The contract holds no such token."""


class ContractMissing(ChainError):
    """No contract of ours answers at the address."""


# ------------------------------------------------------------------ the node


class NodeUnreachable(ChainError):
    """The node did not answer."""


class NodeRefused(ChainError):
    """The node answered a request with an error that has no name of its own here."""


class WrongChain(ChainError):
    """The node, or the embedded chain's file, belongs to another chain id."""


class RpcFault(ChainError):
    """What the embedded chain answers in place of a result: a JSON-RPC error.

    code is the number geth uses for the same fault; data is what a contract reverted with.
    """

    def __init__(self, code: int, message: str, data: bytes | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


# ------------------------------------------------------------------ the embedded chain's file


class ChainBusy(ChainError):
    """Another process holds the embedded chain."""


class ChainClosed(ChainError):
    """The embedded chain was closed."""


class StoreDamaged(ChainError):
    """The embedded chain's file cannot be read or written."""


# ------------------------------------------------------------------ keys


class KeyRefused(ChainError):
    """A key, its file or its password cannot be used."""


class WrongPassword(KeyRefused):
    """The password does not open the keystore."""


class SignerUnavailable(ChainError):
    """A remote signer did not answer."""


class SignerRefused(ChainError):
    """A remote signer does not sign, or answered with something else than the signature of its key."""


# ------------------------------------------------------------------ sign-in


class InvalidSignIn(ChainError):
    """A text is no sign-in message (EIP-4361)."""


class SignInRefused(ChainError):
    """A sign-in message does not hold here and now, or its account did not sign it."""


# ------------------------------------------------------------------ transactions


class TransactionRejected(ChainError):
    """The chain did not take a transaction."""


class NonceTaken(TransactionRejected):
    """Another transaction of the same account already used this nonce."""


class NonceAhead(TransactionRejected):
    """An earlier nonce of the same account has not been sent yet."""


class InsufficientFunds(TransactionRejected):
    """The sender cannot pay for the transaction."""


class Underpriced(TransactionRejected):
    """The fee is lower than the chain asks for now."""


class ReceiptTimeout(ChainError):
    """A transaction was not mined in the given time."""


class TransactionReverted(ChainError):
    """A contract refused. reason is the name of its error, or None where it gave none that is known."""

    def __init__(self, message: str, reason: str | None = None, tx_hash: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.tx_hash = tx_hash
