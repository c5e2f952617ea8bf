"""Which status and which problem type each error has (RFC 9457, section 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from assets.errors import (
    AssetsError,
    BlockDamaged,
    BlockMissing,
    EntryMissing,
    InvalidCid,
    InvalidUnixFs,
    PinningFailed,
    StorageFailed,
)
from chain.errors import (
    ChainBusy,
    ChainError,
    InvalidAddress,
    InvalidSignIn,
    NodeUnreachable,
    SignerUnavailable,
    SignInRefused,
)
from engine.errors import (
    BodyTooLarge,
    BodyTooSlow,
    Conflict,
    DatabaseUnusable,
    DataFolderUnusable,
    EngineError,
    InvalidBody,
    InvalidField,
    InvalidRequest,
    JobFailed,
    KeyRefused,
    KeyReused,
    ModerationUnavailable,
    NotCached,
    NotHeld,
    NotServed,
    NotSignedIn,
    OriginRefused,
    PromptRefused,
    QualityRefused,
    QueueFull,
    QuotaExceeded,
    RateExceeded,
    ScopeMissing,
    SignInUnavailable,
    StillRunning,
    TargetRefused,
    UnknownAsset,
    UnknownRecord,
    UnsatisfiableRange,
)
from generators.errors import GeneratorError

# Before the name of a kind of problem; clients compare the whole, so it never changes.
TYPE_PREFIX: Final = "urn:lorespark:problem:"
ROOM_ERRORS: Final = (EngineError, GeneratorError, AssetsError, ChainError)
UNTOLD: Final = "Something failed inside the server; its log says what. Try again later."


@dataclass(frozen=True)
class ProblemKind:
    """``told`` replaces the error's own sentence where that one is for the operator alone."""

    status: int
    name: str
    title: str
    told: str | None = None


UNEXPECTED: Final = ProblemKind(500, "internal", "The server failed", UNTOLD)
NOT_READY: Final = ProblemKind(503, "not-ready", "A back end does not answer")
UNKNOWN_PATH: Final = ProblemKind(404, "unknown-path", "Nothing is served here")
WRONG_METHOD: Final = ProblemKind(405, "method-not-allowed", "The method is not allowed here")
INVALID_FIELDS: Final = ProblemKind(422, "invalid-fields", "Fields of the request cannot be used")
_CHAIN_AWAY: Final = ProblemKind(
    503,
    "chain-unreachable",
    "The chain does not answer",
    "The chain cannot be asked at this moment; try again later.",
)
_UNUSABLE: Final = ProblemKind(503, "storage-unusable", "The server's storage cannot be used", UNTOLD)

# An error of none of these classes is UNEXPECTED, as are all that are no error of ours.
KINDS: Final[Mapping[type[Exception], ProblemKind]] = {
    InvalidCid: ProblemKind(400, "invalid-cid", "Not a content identifier"),
    InvalidField: INVALID_FIELDS,
    InvalidRequest: ProblemKind(400, "invalid-request", "The request cannot be fulfilled"),
    UnknownAsset: ProblemKind(404, "unknown-asset", "No such asset"),
    PinningFailed: ProblemKind(502, "pinning-failed", "A pinning service failed"),
    BlockMissing: ProblemKind(404, "not-held", "The content is not held here"),
    NotHeld: ProblemKind(404, "not-held", "The content is not held here"),
    EntryMissing: ProblemKind(404, "unknown-entry", "The path leads nowhere"),
    InvalidUnixFs: ProblemKind(404, "invalid-node", "The content is no sound file or directory"),
    NotServed: ProblemKind(406, "not-served", "The content has no such form"),
    InvalidBody: ProblemKind(400, "invalid-body", "The body cannot be read"),
    KeyRefused: ProblemKind(401, "key-refused", "An API key is needed"),
    ScopeMissing: ProblemKind(403, "scope-missing", "The API key may not do this"),
    UnknownRecord: ProblemKind(404, "unknown-record", "No such thing"),
    Conflict: ProblemKind(409, "conflict", "Not in this state"),
    BodyTooSlow: ProblemKind(408, "body-too-slow", "The body does not arrive"),
    BodyTooLarge: ProblemKind(413, "body-too-large", "The body is too large"),
    KeyReused: ProblemKind(422, "idempotency-key-reused", "The Idempotency-Key was used for another request"),
    PromptRefused: ProblemKind(422, "prompt-refused", "The prompt is refused"),
    ModerationUnavailable: ProblemKind(503, "moderation-unavailable", "Prompts cannot be checked"),
    TargetRefused: ProblemKind(422, "webhook-url-refused", "Nothing is sent to that URL"),
    JobFailed: ProblemKind(422, "job-failed", "The job ended without what it was asked for"),
    StillRunning: ProblemKind(504, "still-running", "It takes longer than a request may"),
    QualityRefused: ProblemKind(409, "quality-refused", "The asset fails the quality gate"),
    GeneratorError: ProblemKind(422, "not-drawable", "It cannot be drawn as asked"),
    NotSignedIn: ProblemKind(401, "not-signed-in", "A player has to be signed in"),
    OriginRefused: ProblemKind(403, "origin-refused", "The request comes from another site"),
    InvalidSignIn: ProblemKind(422, "invalid-sign-in", "Not a sign-in message"),
    SignInRefused: ProblemKind(403, "sign-in-refused", "The sign-in is refused"),
    SignInUnavailable: ProblemKind(503, "sign-in-unavailable", "Nobody can sign in here"),
    NodeUnreachable: _CHAIN_AWAY,
    ChainBusy: _CHAIN_AWAY,
    SignerUnavailable: ProblemKind(
        503,
        "signer-unreachable",
        "The signer does not answer",
        "Nothing can be signed at this moment; try again later.",
    ),
    InvalidAddress: ProblemKind(422, "invalid-address", "Not an account's address"),
    RateExceeded: ProblemKind(429, "rate-exceeded", "Too many requests"),
    QuotaExceeded: ProblemKind(429, "quota-exceeded", "The quota is used up"),
    QueueFull: ProblemKind(429, "queue-full", "Too much work waits"),
    NotCached: ProblemKind(412, "not-cached", "The content is not held here"),
    UnsatisfiableRange: ProblemKind(416, "unsatisfiable-range", "The range lies outside the content"),
    BlockDamaged: ProblemKind(500, "block-damaged", "A block is damaged"),
    StorageFailed: ProblemKind(500, "storage-failed", "The block store failed"),
    DatabaseUnusable: _UNUSABLE,
    DataFolderUnusable: _UNUSABLE,
}
