"""The video pipelines of diffusers that draw clips: how long, how large and how fast each is at home."""

from dataclasses import dataclass

from generators.errors import InvalidRecipe


@dataclass(frozen=True)
class VideoFamily:
    """What the published models of one pipeline class were trained on, where an entry says nothing else.

    A number of frames is ``frames_step`` times a whole number, and one. ``size_step_px`` is what width and height are
    multiples of. ``from_picture``: the first frame is given.
    """

    frames: int
    frames_max: int
    frames_step: int
    fps: float
    size_step_px: int
    from_picture: bool = False


# The numbers of frames are the pipelines' own defaults. LTX-Video's page names 257 frames as its bound; CogVideoX's
# positions end at 49 (CogVideoX 1.5 has more: its entry says so), and AnimateDiff's motion modules see 32 frames.
# CogVideoX's autoencoder makes four frames of one latent, but decodes two of those at a time: of an even number it
# makes three frames too many, so its step is 8.
VIDEO_FAMILIES = {
    "LTXPipeline": VideoFamily(161, 257, 8, 25, 32),
    "LTXImageToVideoPipeline": VideoFamily(161, 257, 8, 25, 32, from_picture=True),
    "WanPipeline": VideoFamily(81, 121, 4, 16, 16),
    "WanImageToVideoPipeline": VideoFamily(81, 121, 4, 16, 16, from_picture=True),
    "CogVideoXPipeline": VideoFamily(49, 49, 8, 8, 16),
    "AnimateDiffPipeline": VideoFamily(16, 32, 1, 8, 8),
}


@dataclass(frozen=True)
class Video:
    """How one configured model draws clips: its family's numbers, or those of its entry. Sizes in pixels."""

    model: str
    pipeline: str
    frames: int
    frames_max: int
    frames_step: int
    fps: float
    width: int
    height: int
    from_picture: bool

    @property
    def short_px(self) -> int:
        """A side of the square in the middle, which pixel art is made from."""
        return min(self.width, self.height)

    def misfit(self, step_px: int) -> str | None:
        """What is wrong with an entry whose width or height is no multiple of ``step_px``; None where both are."""
        if self.width % step_px == self.height % step_px == 0:
            return None
        width, height = (max(1, round(side / step_px)) * step_px for side in (self.width, self.height))
        return (
            f"has {self.width} x {self.height} px, and draws in steps of {step_px} px; use {width} x {height}"
        )

    def fits(self, frames: int) -> bool:
        return 1 <= frames <= self.frames_max and (frames - 1) % self.frames_step == 0

    def nearest(self, frames: int) -> int:
        """The number of frames that the model draws and that is nearest to ``frames``."""
        whole = round((min(max(frames, 1), self.frames_max) - 1) / self.frames_step)
        return min(whole, (self.frames_max - 1) // self.frames_step) * self.frames_step + 1

    def check(self, frames: int) -> None:
        """Raises InvalidRecipe with the nearest number that fits where ``frames`` does not."""
        if not self.fits(frames):
            steps = f", {self.frames_step} times a number and one," if self.frames_step > 1 else ""
            raise InvalidRecipe(
                f"The model {self.model} draws 1 to {self.frames_max} frames{steps} and not {frames:,d}; ask for "
                f"{self.nearest(frames)}."
            )
