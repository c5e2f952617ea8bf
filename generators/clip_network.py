"""The clip network: the sprite network with layers that look along time."""

from collections.abc import Sequence
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


class ClipNetwork(ModelMixin, ConfigMixin):
    """The sprite network over the frames of clips, each beside the picture that moves.

    The picture's own latents are further input channels of every frame, so that the network need only say what
    changes; ``scene`` is added to the embedding of the time step. With nothing trained yet it answers each frame as
    the sprite network would.
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
    ) -> None:
        super().__init__()
        self.unet = UNet2DConditionModel(
            sample_size=sample_size,
            in_channels=2 * channels,
            out_channels=channels,
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
    def from_sprites(cls, sprites: UNet2DConditionModel) -> "ClipNetwork":
        """A clip network that starts from what a sprite network knows."""
        config = sprites.config
        network = cls(
            config.sample_size,
            config.in_channels,
            config.block_out_channels,
            config.cross_attention_dim,
            config.attention_head_dim,
            config.norm_num_groups,
        )
        own = {name: name.replace(".spatial.", ".") for name in network.unet.state_dict()}
        known = sprites.state_dict()
        state = {name: known[old] for name, old in own.items() if old in known and name != "conv_in.weight"}
        network.unet.load_state_dict(state, strict=False)
        with torch.no_grad():
            network.unet.conv_in.weight.zero_()
            network.unet.conv_in.weight[:, : config.in_channels] = known["conv_in.weight"]
        return network

    def forward(
        self,
        noisy: Tensor,
        reference: Tensor,
        timestep: Tensor,
        scenes: Tensor,
        encoder_hidden_states: Tensor,
        encoder_attention_mask: Tensor,
    ) -> Tensor:
        """The velocity of each frame (b f c h w).

        ``noisy``: b f c h w; ``reference``: b c h w; ``timestep``: b, 0 to 1000; ``scenes``: b f SCENE_WIDTH, as
        ``scene`` gives; ``encoder_hidden_states``: b 32 384 and their mask b 32.
        """
        clips, frames = noisy.shape[:2]
        timing = scenes[..., -3 - PLACE_WIDTH : -3], scenes[:, :1, None, -3:-2] > 0.5
        for layer in self.modules():
            if isinstance(layer, MotionLayer):
                layer.timing = timing
        beside = torch.cat([noisy, reference[:, None].expand_as(noisy)], 2).flatten(0, 1)
        velocity = self.unet(
            beside.contiguous(memory_format=torch.channels_last),
            timestep.expand(clips).repeat_interleave(frames),
            encoder_hidden_states.repeat_interleave(frames, 0),
            class_labels=scenes.flatten(0, 1),
            encoder_attention_mask=encoder_attention_mask.repeat_interleave(frames, 0),
            return_dict=False,
        )[0]
        return velocity.unflatten(0, (clips, frames))
