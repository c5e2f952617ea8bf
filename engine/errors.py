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
