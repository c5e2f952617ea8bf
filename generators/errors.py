"""What can go wrong between a prompt and a finished picture; every message says what to do."""


class GeneratorError(Exception):
    """Base of all errors of this package."""


class InvalidRecipe(GeneratorError):
    """A recipe, or a part of it such as the prompt or the palette, cannot be drawn as asked."""


class InvalidPalette(InvalidRecipe):
    """A palette file or a number of colours cannot be used."""


class InvalidPicture(InvalidRecipe):
    """A picture to start from, or its mask, cannot be read or used."""


class InvalidStyle(GeneratorError):
    """A style, its file or its references cannot be used."""


class WeightsUnavailable(GeneratorError):
    """A model's weights are missing, altered or in a format that is not loaded."""


class TooManyWaiting(GeneratorError):
    """The queue of pictures to draw is full; the same request can be made again later."""


class DrawingCancelled(GeneratorError):
    """The one who asked for the pictures gave them up."""


class DrawingStopped(GeneratorError):
    """The process is ending; pictures that were not done can be asked for again."""


class InvalidModelEntry(GeneratorError):
    """An entry in the list of configured models cannot be used."""


class OutOfMemory(GeneratorError):
    """A picture needs more memory than the device has, however it is drawn."""


class PackageMissing(GeneratorError):
    """An optional package that a request needs is not installed."""


class DrawingFailed(GeneratorError):
    """A model ran and gave no picture that can be used."""
