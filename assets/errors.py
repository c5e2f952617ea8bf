"""Everything that can go wrong with an asset, its address or its blocks, under one base class."""

import errno


class AssetsError(Exception):
    """Base of every error this package raises; its text says what failed and what to do."""


class InvalidCid(AssetsError):
    """A text or byte string is not a content identifier that this package supports."""


class InvalidJson(AssetsError):
    """A value or a text cannot be written as canonical JSON (RFC 8785)."""


class InvalidMetadata(AssetsError):
    """Token metadata breaks ERC-721, the marketplace conventions, or the size of one block."""


class InvalidAsset(AssetsError):
    """A field of an asset record is missing or malformed."""


class InvalidUnixFs(AssetsError):
    """A block is not the dag-pb or UnixFS node it claims to be, or an entry cannot be stored as one."""


class InvalidCar(AssetsError):
    """A CAR file is malformed, cut short, too large, or carries a block that does not match its CID."""


class InvalidPackage(AssetsError):
    """A directory or CAR file is sound but is not the package of one asset."""


class BlockMissing(AssetsError):
    """A block is not in the store."""


class BlockDamaged(AssetsError):
    """The bytes of a block do not hash to its CID."""


class BlockTooLarge(AssetsError):
    """A block is larger than peers on the network would exchange."""


class EntryMissing(AssetsError):
    """A path names nothing in a directory."""


class StorageFailed(AssetsError):
    """The disk under a block store refused an operation."""


class StorageFull(StorageFailed):
    """The disk under a block store is full, or its quota is used up."""


class InvalidPinning(AssetsError):
    """The list of pinning services cannot be used."""


class PinningFailed(AssetsError):
    """Base of what goes wrong with a pinning service; the message names it, and never its URL or token."""


class ServiceUnavailable(PinningFailed):
    """A pinning service cannot be reached, is late, or fails; this says nothing of what it holds."""


class ServiceSilent(ServiceUnavailable):
    """A pinning service took a question, and said nothing more in the time that is borne."""


class ServiceRefused(PinningFailed):
    """A pinning service does not take what it is asked to pin."""


class ServiceFull(ServiceRefused):
    """A pinning service has no space left, or its account no funds."""


class PinLost(PinningFailed):
    """A pinning service does not hold, or does not give back, what it was to keep."""


class WrongContent(PinningFailed):
    """A pinning service answered about other content than it was asked for, or with damaged blocks."""


def storage_error(action: str, cause: OSError) -> StorageFailed:
    """The error to raise from ``cause``: StorageFull for ENOSPC and EDQUOT, else StorageFailed.

    ``action`` completes the sentence "Could not …".
    """
    if cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(f"Could not {action}: the disk is full. Free some space and try again.")
    reason = cause.strerror or type(cause).__name__
    return StorageFailed(f"Could not {action}: {reason}. Check the disk and the folder's permissions.")
