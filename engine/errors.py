"""What can go wrong above the rooms; every message says what to do."""


class EngineError(Exception):
    """Base of this package's own errors."""


class InvalidSettings(EngineError):
    """An environment variable cannot be used."""


class DataFolderUnusable(EngineError):
    """The data folder cannot be written, is full, or belongs to a running process."""


class DatabaseUnusable(EngineError):
    """A database of the data folder cannot be read or written, or is from a newer version."""


class UnknownAsset(EngineError):
    """No asset has this id."""


class UnknownStyle(EngineError):
    """No style has this name."""


class ExportFailed(EngineError):
    """A file outside the data folder cannot be written."""


class InvalidRequest(EngineError):
    """A request asks for something that cannot be done."""


class InvalidField(InvalidRequest):
    """One field of a request cannot be used; ``pointer`` says which (a JSON pointer, RFC 6901)."""

    def __init__(self, message: str, pointer: str) -> None:
        super().__init__(message)
        self.pointer = pointer


class QualityRefused(EngineError):
    """An asset's picture fails the quality gate; the message names the checks."""


class WrongChain(EngineError):
    """A mint belongs to another chain than the settings name."""


class InvalidStoryboard(EngineError):
    """A storyboard cannot be filmed as it is written; the message names the line and the field."""


class WriterFailed(EngineError):
    """The configured language model gave no storyboard."""


class JobFailed(EngineError):
    """A durable job ended without what it was asked for; the reason is in the message."""


class AddressUnusable(EngineError):
    """The server cannot listen where it was told to."""


class NotHeld(EngineError):
    """A block that a request needs is not in this store."""


class NotCached(NotHeld):
    """The same, where the request asked for nothing but what is there already."""


class NotServed(EngineError):
    """What is held here has no such form as the request asks for."""


class UnsatisfiableRange(EngineError):
    """A range of bytes lies outside a content of ``size`` bytes."""

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size


class KeyRefused(EngineError):
    """A request carries no API key, or one that is not known or was revoked."""


class ScopeMissing(EngineError):
    """A key may not be used for what was asked."""


class UnknownRecord(EngineError):
    """No record of the caller's has this id."""


class Conflict(EngineError):
    """The state that a record is in allows no such change."""


class KeyReused(EngineError):
    """An Idempotency-Key came with another request than the first time."""


class InvalidBody(EngineError):
    """A request's body cannot be read as what it must be."""


class BodyTooLarge(EngineError):
    """A request's body is larger than is read."""


class BodyTooSlow(EngineError):
    """A request's body does not arrive in the time that it gets."""


class PromptRefused(EngineError):
    """A prompt asks for what this server does not draw."""


class ModerationUnavailable(EngineError):
    """The configured classifier of prompts gave no answer, so nothing was let through."""


class TargetRefused(EngineError):
    """A webhook's URL leads nowhere, or to where this server sends nothing."""


class DeliveryFailed(EngineError):
    """A webhook's receiver did not take what was sent; the message is for its tenant to read."""


class SignatureRefused(EngineError):
    """A delivery is not signed with a receiver's secret, or was signed too long ago."""


class LimitReached(EngineError):
    """A rate, a quota or a queue is full; the same request can be made again after ``retry_after_s`` seconds."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateExceeded(LimitReached):
    """A key made more requests than it may in a minute."""


class QuotaExceeded(LimitReached):
    """A key asked for more than it may have in a day, or at once."""


class QueueFull(LimitReached):
    """More work waits already than the server lets wait."""


class CreationEnded(EngineError):
    """A creation that is being drawn was cancelled, or ended otherwise."""


class StillRunning(EngineError):
    """What a request waits for takes longer than it can wait."""


class HoldLost(EngineError):
    """A job that this worker was doing is in another's hands."""


class SignInUnavailable(EngineError):
    """Nobody can sign in here, because the server does not know its own address."""


class NotSignedIn(EngineError):
    """A request carries no living session of a player."""


class OriginRefused(EngineError):
    """A request that changes something comes from another site's page."""
