"""Layers of the networks, computed the way that a CPU is fastest at."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn


class Float32GroupNorm(nn.GroupNorm):
    """Group norm (Wu & He 2018, arXiv:1803.08494, eq. 1) of b c h w in float32, whatever the input's type.

    torch 2.13 normalises channels-last bfloat16 three times slower than it converts it, normalises float32 and
    converts back; the statistics are taken in float32 either way.
    """

    def forward(self, input: Tensor) -> Tensor:
        weight, bias = self.weight.float(), self.bias.float()
        return F.group_norm(input.float(), self.num_groups, weight, bias, self.eps).to(input.dtype)


class MatrixAttention:
    """Attention (Vaswani et al. 2017, eq. 1) as two batched matrix products.

    For the few dozen tokens of a sprite this takes half the time of torch's fused kernel, which is made for
    thousands. Fits diffusers' ``Attention`` layers of a plain transformer block.
    """

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """``hidden_states`` b n c attend to ``encoder_hidden_states`` b m c' (themselves where None);
        ``attention_mask`` b 1 m is added to the scores."""
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        heads = attn.heads
        query, key, value = (
            projected.unflatten(-1, (heads, -1)).transpose(1, 2).flatten(0, 1)
            for projected in (attn.to_q(hidden_states), attn.to_k(source), attn.to_v(source))
        )
        key = key.transpose(1, 2)
        if attention_mask is None:
            scores = torch.bmm(query * attn.scale, key)
        else:
            scores = torch.baddbmm(attention_mask.repeat_interleave(heads, 0), query, key, alpha=attn.scale)
        mixed = torch.bmm(scores.softmax(-1), value)
        joined = mixed.unflatten(0, (-1, heads)).transpose(1, 2).flatten(2)
        return attn.to_out[0](joined)


def fit_to_cpu(network: UNet2DConditionModel) -> None:
    """Puts these layers into ``network``, which keeps its weights; on a GPU torch's own are faster."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if type(child) is nn.GroupNorm:
                norm = Float32GroupNorm(child.num_groups, child.num_channels, child.eps)
                norm.weight, norm.bias = child.weight, child.bias
                setattr(module, name, norm.train(child.training))
    network.set_attn_processor(MatrixAttention())
