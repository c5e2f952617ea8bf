"""The clip network: the sprite network with layers that look along time, and a way to move what a picture shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from diffusers import ConfigMixin, ModelMixin, UNet2DConditionModel
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from generators.motion import ACTIONS, Action, Direction

ACTION_SLOTS = 24  # more than there are actions, so that new ones can be learnt by the same network
# Left is drawn as the mirror image of right, so the network knows three ways of facing.
FACINGS = (Direction.RIGHT, Direction.DOWN, Direction.UP)
PLACE_WIDTH = 8  # numbers that say where in its action a frame is
SCENE_WIDTH = ACTION_SLOTS + len(FACINGS) + PLACE_WIDTH + 3
HEADS = 4
STILL_BIAS = 6.0  # of "not moved", at first: it has nine tenths of the weight among twenty-one moves
NOISE = 0.5  # on the picture that a clip begins from. Change it only with a network trained on another
LEAST_TIME = 0.02  # below it the noise hides nothing and the division means nothing
CELL_PX = 4  # canvas pixels a side that one cell of the latents stands for


def frame_phases(action: Action, frames: int) -> Tensor:
    """Where in its action each frame is (f, in [0, 1]): a loop ends one frame before it begins again."""
    return torch.arange(frames, dtype=torch.float32) / (frames if action.loops else max(1, frames - 1))


def places(phases: Tensor, loops: bool) -> Tensor:
    """Phases (f) as waves (f 8): around the circle for a loop, along the line from 0 to 1 for anything else."""
    order = torch.arange(1, PLACE_WIDTH // 2 + 1)
    if loops:
        angles = 2 * torch.pi * phases[:, None] * order
        return torch.cat([angles.sin(), angles.cos()], -1)
    return (torch.pi * phases[:, None] * torch.arange(1, PLACE_WIDTH + 1)).cos()


def scene(action: Action, facing: Direction | None, phases: Tensor, art_px: int) -> Tensor:
    """What the network is told of each frame (f SCENE_WIDTH): the action, where the figure faces, the phase, how many
    frames there are and how many canvas pixels a pixel of the art takes a side."""
    told = torch.zeros(len(phases), SCENE_WIDTH)
    told[:, list(ACTIONS).index(action.name)] = 1
    if facing is not None:
        told[:, ACTION_SLOTS + FACINGS.index(facing)] = 1
    told[:, -3 - PLACE_WIDTH : -3] = places(phases, action.loops)
    told[:, -3:] = torch.tensor([float(action.loops), len(phases) / 16, art_px / 4])
    return told


class MotionLayer(nn.Module):
    """Mixes each place of the picture along time; added to what it is given, and nothing at first.

    Two convolutions over neighbouring frames; with ``attention`` every frame then attends to all of them, as in
    AnimateDiff's motion modules (Guo et al. 2023, arXiv:2307.04725, section 4.2). The frames of a loop are a circle:
    the last one's next is the first.
    """

    def __init__(self, channels: int, attention: bool) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(16, channels)
        self.first = nn.Conv2d(channels, channels, (3, 1))
        self.second = nn.Conv2d(channels, channels, (3, 1))
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)
        self.attention = attention
        if attention:
            self.attention_norm = nn.LayerNorm(channels)
            self.place = nn.Linear(PLACE_WIDTH, channels)
            self.inward = nn.Linear(channels, 3 * channels)
            self.outward = nn.Linear(channels, channels)
            nn.init.zeros_(self.outward.weight)
            nn.init.zeros_(self.outward.bias)
        self.timing: tuple[Tensor, Tensor] | None = (
            None  # places (b f 8) and loops (b 1 1 1), set for each pass
        )

    def forward(self, hidden: Tensor) -> Tensor:
        """``hidden``: (b f) c h w, the frames of a clip one after another; so is the result."""
        assert self.timing is not None, "the network sets the timing before each pass"
        where, loops = self.timing
        clips, frames = where.shape[:2]
        _, channels, height, width = hidden.shape
        mixed = self.norm(hidden).contiguous(memory_format=torch.channels_last)
        cells = mixed.permute(0, 2, 3, 1).reshape(clips, frames, height * width, channels)
        cells = self._convolved(self.first, cells, loops)
        added = self._convolved(self.second, F.silu(cells), loops)
        if self.attention:
            own = hidden.permute(0, 2, 3, 1).reshape(clips, frames, height * width, channels) + added
            added = added + self._attended(self.attention_norm(own), where)
        return hidden + added.reshape(clips * frames, height, width, channels).permute(0, 3, 1, 2)

    def _convolved(self, layer: nn.Conv2d, cells: Tensor, loops: Tensor) -> Tensor:
        """A convolution over b f n c along f. In channels-last memory this is a picture f high and n wide."""
        first, last = cells[:, :1], cells[:, -1:]
        before, after = torch.where(loops, last, first), torch.where(loops, first, last)
        padded = torch.cat([before, cells, after], 1)
        return layer(padded.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    def _attended(self, cells: Tensor, where: Tensor) -> Tensor:
        clips, frames, count, channels = cells.shape
        projected = self.inward(cells + self.place(where)[:, :, None])
        query, key, value = (
            projected.view(clips, frames, count, 3, HEADS, channels // HEADS)
            .permute(3, 0, 2, 4, 1, 5)
            .reshape(3, clips * count * HEADS, frames, channels // HEADS)
        )
        scores = torch.bmm(query * (channels // HEADS) ** -0.5, key.transpose(1, 2)).softmax(-1)
        joined = torch.bmm(scores, value).view(clips, count, HEADS, frames, channels // HEADS)
        return self.outward(joined.permute(0, 3, 1, 2, 4).reshape(clips, frames, count, channels))


class WithMotion(nn.Module):
    """A layer of the sprite network, and the motion layer behind it."""

    def __init__(self, spatial: nn.Module, motion: MotionLayer) -> None:
        super().__init__()
        self.spatial, self.motion = spatial, motion

    def forward(self, *args: Any, **options: Any) -> Any:
        out = self.spatial(*args, **options)
        return (self.motion(out[0]), *out[1:]) if isinstance(out, tuple) else self.motion(out)


class Shifts:
    """How a picture's cells look after it moved by up to ``reach_px`` pixels in each direction.

    Latents have cells of four pixels, so of a picture moved by one pixel all cells differ. But the encoder is a
    convolution: moved by four pixels, the cells are the same ones, one place further. So the latents of the picture
    moved by 0 to 3 pixels each way hold those of every other move.
    """

    def __init__(self, reach_px: int, side: int) -> None:
        moves = torch.arange(-reach_px, reach_px + 1)
        self.count = len(moves)
        self.border = -(-reach_px // CELL_PX)
        whole, rest = torch.div(moves, CELL_PX, rounding_mode="floor"), moves % CELL_PX
        padded = side + 2 * self.border
        places = torch.arange(side)
        # Where, in a picture with a border, a cell comes from that has moved so far (side moves).
        origin = self.border + places[:, None] - whole[None]
        rows = rest[None] * CELL_PX * padded * padded + origin * padded
        columns = rest[None] * padded * padded + origin
        index = rows[:, None, :, None] + columns[None, :, None, :]
        self._index = index.reshape(side * side, self.count**2)

    def candidates(self, latents: Tensor, wraps: Tensor) -> Tensor:
        """What each cell may show (b cells moves c), moves down counting before moves right.

        ``latents``: b 16 c h w, of the picture moved down and right by 0 to 3 pixels, moves down counting first.
        ``wraps`` (b): whether what leaves the picture comes in on the other side, or more of its edge does.
        """
        border = [self.border] * 4
        moved = latents.flatten(1, 2)
        padded = F.pad(moved, border, mode="replicate")
        if wraps.any():
            padded = torch.where(wraps[:, None, None, None], F.pad(moved, border, mode="circular"), padded)
        padded = padded.unflatten(1, latents.shape[1:3]).permute(0, 1, 3, 4, 2)
        return padded.flatten(1, 3)[:, self._index.to(latents.device)]


@dataclass(frozen=True)
class ClipAnswers:
    """``moved``: the picture moved (b f c h w), ``redrawn``: the frames as drawn (b f c h w), ``keeping``: how much of
    the first a cell takes (b f 1 h w), ``at``: t of each clip (b 1 1 1 1); all float32."""

    moved: Tensor
    redrawn: Tensor
    keeping: Tensor
    at: Tensor

    def velocity(self, noisy: Tensor) -> Tensor:
        """Where x_t (b f c h w) is to go."""
        clip = self.keeping * self.moved + (1 - self.keeping) * self.redrawn
        return (noisy - clip) / self.at


class ClipNetwork(ModelMixin, ConfigMixin):
    """The sprite network over the frames of clips, each beside the picture that moves.

    It answers twice for each cell of a frame: by drawing it, as the sprite network does, and by saying how far the
    picture has moved there (one distribution over moves down, one over moves right), as in the dynamic filters of Finn
    et al. 2016 (arXiv:1605.07157, section 3); a gate chooses. So what only moves keeps every pixel, and only what
    changes has to be drawn. The picture's own latents are further input channels of every frame, and ``scene`` is added
    to the embedding of the time step.

    A clip's flow does not begin at noise but at the picture with a little noise on it, in every frame: a coupling that
    depends on the data, as in Albergo et al. 2023 (arXiv:2310.03725, section 3). ``x_t = (1 - t) clip + t (picture +
    NOISE noise)``, and the velocity is ``picture + NOISE noise - clip``. The sprite network denoises it as what it is:
    a picture under noise of level ``t NOISE``.
    """

    @register_to_config
    def __init__(
        self,
        sample_size: int = 16,
        channels: int = 16,
        block_out_channels: Sequence[int] = (96, 192),
        cross_attention_dim: int = 384,
        attention_head_dim: int = 6,
        norm_num_groups: int = 16,
        reach_px: int = 10,
    ) -> None:
        super().__init__()
        self.shifts = Shifts(reach_px, sample_size)
        self.unet = UNet2DConditionModel(
            sample_size=sample_size,
            in_channels=2 * channels,
            out_channels=channels + 2 * self.shifts.count + 1,
            block_out_channels=tuple(block_out_channels),
            layers_per_block=1,
            norm_num_groups=norm_num_groups,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            mid_block_type="UNetMidBlock2DCrossAttn",
            cross_attention_dim=cross_attention_dim,
            attention_head_dim=attention_head_dim,
            class_embed_type="projection",
            projection_class_embeddings_input_dim=SCENE_WIDTH,
        )
        nn.init.zeros_(self.unet.class_embedding.linear_2.weight)
        nn.init.zeros_(self.unet.class_embedding.linear_2.bias)
        fine, coarse = block_out_channels
        down, middle, up = self.unet.down_blocks, self.unet.mid_block, self.unet.up_blocks
        for layers, index, width in (
            (down[0].resnets, 0, fine),
            (down[1].attentions, 0, coarse),
            (middle.resnets, 1, coarse),
            (up[0].attentions, 0, coarse),
            (up[0].attentions, 1, coarse),
            (up[1].resnets, 0, fine),
            (up[1].resnets, 1, fine),
        ):
            layers[index] = WithMotion(layers[index], MotionLayer(width, attention=width == coarse))

    @classmethod
    def from_sprites(cls, sprites: UNet2DConditionModel, reach_px: int = 10) -> "ClipNetwork":
        """A clip network that draws what a sprite network draws, and at first lets the picture stand still."""
        config = sprites.config
        network = cls(
            config.sample_size,
            config.in_channels,
            config.block_out_channels,
            config.cross_attention_dim,
            config.attention_head_dim,
            config.norm_num_groups,
            reach_px,
        )
        own = {name: name.replace(".spatial.", ".") for name in network.unet.state_dict()}
        known = sprites.state_dict()
        state = {
            name: known[old]
            for name, old in own.items()
            if old in known and not name.startswith(("conv_in.weight", "conv_out."))
        }
        network.unet.load_state_dict(state, strict=False)
        first, last, channels, count = (
            network.unet.conv_in,
            network.unet.conv_out,
            config.in_channels,
            network.shifts.count,
        )
        with torch.no_grad():
            first.weight.zero_()
            first.weight[:, :channels] = known["conv_in.weight"]
            last.weight.zero_()
            last.bias.zero_()
            last.weight[:channels], last.bias[:channels] = known["conv_out.weight"], known["conv_out.bias"]
            for still in (channels + count // 2, channels + count + count // 2):
                last.bias[still] = STILL_BIAS
        return network

    def forward(self, noisy: Tensor, *args: Tensor) -> Tensor:
        """The velocity of each frame (b f c h w, float32); arguments as ``answers`` takes them."""
        return self.answers(noisy, *args).velocity(noisy)

    def answers(
        self,
        noisy: Tensor,
        reference: Tensor,
        candidates: Tensor,
        timestep: Tensor,
        scenes: Tensor,
        encoder_hidden_states: Tensor,
        encoder_attention_mask: Tensor,
    ) -> "ClipAnswers":
        """What each frame shows, by drawing and by moving; ``forward`` gives its velocity.

        ``noisy``: b f c h w, x_t; ``reference``: b c h w; ``candidates``: as ``Shifts.candidates`` gives; ``timestep``:
        b, t from 0 to 1000; ``scenes``: b f SCENE_WIDTH, as ``scene`` gives; ``encoder_hidden_states``: b 32 384 and
        their mask b 32.
        """
        clips, frames, channels = noisy.shape[:3]
        timing = scenes[..., -3 - PLACE_WIDTH : -3], scenes[:, :1, None, -3:-2] > 0.5
        for layer in self.modules():
            if isinstance(layer, MotionLayer):
                layer.timing = timing
        at = (timestep.float() / 1000).clamp(min=LEAST_TIME).expand(clips)
        # The sprite network's own time and picture, whose noise and signal together have the weight one.
        level = at * NOISE / (1 + at * NOISE)
        scaled = noisy * (1 - level).view(-1, 1, 1, 1, 1)
        beside = torch.cat([scaled, reference[:, None].expand_as(noisy)], 2).flatten(0, 1)
        answer = self.unet(
            beside.to(self.dtype).contiguous(memory_format=torch.channels_last),
            (level * 1000).repeat_interleave(frames),
            encoder_hidden_states.repeat_interleave(frames, 0),
            class_labels=scenes.flatten(0, 1),
            encoder_attention_mask=encoder_attention_mask.repeat_interleave(frames, 0),
            return_dict=False,
        )[0].unflatten(0, (clips, frames))
        drawn, down, right, gate = answer.split([channels, self.shifts.count, self.shifts.count, 1], 2)
        moved = self._moved(down, right, candidates)
        redrawn = scaled - level.view(-1, 1, 1, 1, 1) * drawn.float()
        return ClipAnswers(moved, redrawn, gate.float().sigmoid(), at.view(-1, 1, 1, 1, 1))

    def _moved(self, down: Tensor, right: Tensor, candidates: Tensor) -> Tensor:
        """The picture moved (b f c h w, float32), by distributions over moves (b f moves h w each)."""
        clips, frames, _, height, width = down.shape
        weights = down.softmax(2)[:, :, :, None] * right.softmax(2)[:, :, None]
        weights = weights.flatten(2, 3).permute(0, 3, 4, 1, 2).reshape(clips * height * width, frames, -1)
        mixed = torch.bmm(weights.to(candidates.dtype), candidates.flatten(0, 1))
        return mixed.float().view(clips, height, width, frames, -1).permute(0, 3, 4, 1, 2)
