"""Prompts -> token states: all new ones in one pass over the encoder's weights, known ones from memory."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor
from transformers import BertModel, PreTrainedTokenizerBase

from generators.recipe import MAX_TOKENS

MAX_KEPT = 64  # prompts whose token states are kept, 50 KB each; the empty one is in every guided picture


class PromptReader:
    """Token states of prompts, padded with zeros to the ``MAX_TOKENS`` that the network reads.

    ``dtype`` is what the encoder multiplies in. In bfloat16 all prompts go together; in float32, where a CPU would
    round them by their number, one by one.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, encoder: BertModel, dtype: torch.dtype = torch.float32
    ) -> None:
        self._tokenizer, self._encoder, self._dtype = tokenizer, encoder, dtype
        self._packed = PackedText(encoder, dtype)
        self._kept: dict[str, tuple[Tensor, Tensor]] = {}  # least recently used first

    def reads_with(self, encoder: BertModel, dtype: torch.dtype) -> bool:
        return encoder is self._encoder and dtype == self._dtype

    def __call__(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Token states (b 32 c, float32) of ``prompts`` and their mask (b 32, int64); tokens past the 32nd are cut."""
        wanted = dict.fromkeys(prompts)
        found = {prompt: self._kept.pop(prompt) for prompt in wanted if prompt in self._kept}
        new = [prompt for prompt in wanted if prompt not in found]
        together = len(new) if self._dtype != torch.float32 else 1
        for begin in range(0, len(new), max(together, 1)):
            some = new[begin : begin + together]
            found |= zip(some, self._read(some), strict=True)
        self._kept |= found
        for oldest in list(self._kept)[:-MAX_KEPT]:
            del self._kept[oldest]
        states, masks = zip(*(found[prompt] for prompt in prompts), strict=True)
        return torch.stack(states), torch.stack(masks)

    def _read(self, prompts: list[str]) -> list[tuple[Tensor, Tensor]]:
        device = self._encoder.device
        # Cut here and not by the tokenizer, which would change its settings under a thread that counts tokens.
        tokens = [
            ids if len(ids) <= MAX_TOKENS else [*ids[: MAX_TOKENS - 1], ids[-1]]
            for ids in self._tokenizer(prompts)["input_ids"]
        ]
        states = self._packed([torch.tensor(ids, device=device) for ids in tokens])
        return [
            (
                F.pad(each, (0, 0, 0, MAX_TOKENS - len(each))),
                (torch.arange(MAX_TOKENS, device=device) < len(each)).long(),
            )
            for each in states
        ]


class PackedText:
    """Runs a BERT encoder (Devlin et al. 2018, arXiv:1810.04805) over prompts laid end to end, without padding.

    Each prompt attends only to itself, and every other layer works on single tokens. So the states do not depend on
    the other prompts, wherever a matrix product gives the same bits whatever the number of its rows: in bfloat16
    on a CPU. In float32 it does not, and prompts have to be given one by one.
    """

    def __init__(self, model: BertModel, dtype: torch.dtype) -> None:
        self._embeddings, self._heads, self._dtype = model.embeddings, model.config.num_attention_heads, dtype
        self._layers = []
        for layer in model.encoder.layer:
            own = layer.attention.self
            inward = torch.cat([part.weight for part in (own.query, own.key, own.value)]).to(dtype)
            inward_bias = torch.cat([part.bias for part in (own.query, own.key, own.value)]).to(dtype)
            outward, wider, narrower = layer.attention.output, layer.intermediate.dense, layer.output
            dense = [
                (part.weight.to(dtype), part.bias.to(dtype))
                for part in (outward.dense, wider, narrower.dense)
            ]
            self._layers.append(((inward, inward_bias), *dense, outward.LayerNorm, narrower.LayerNorm))

    @torch.inference_mode()
    def __call__(self, prompts: Sequence[Tensor]) -> list[Tensor]:
        """Token ids of each prompt (n, int64) -> its token states (n c, float32)."""
        lengths = [len(prompt) for prompt in prompts]
        places = torch.cat([torch.arange(length, device=prompts[0].device) for length in lengths])
        words = self._embeddings
        states = words.word_embeddings(torch.cat(list(prompts))) + words.position_embeddings(places)
        states = words.LayerNorm(states + words.token_type_embeddings.weight[0])
        for inward, outward, wider, narrower, attention_norm, output_norm in self._layers:
            mixed = self._attention(F.linear(states.to(self._dtype), *inward), lengths)
            states = attention_norm(states + F.linear(mixed, *outward))
            hidden = F.gelu(F.linear(states.to(self._dtype), *wider))
            states = output_norm(states + F.linear(hidden, *narrower))
        return list(states.split(lengths))

    def _attention(self, projected: Tensor, lengths: list[int]) -> Tensor:
        parts = []
        for own in projected.split(lengths):
            query, key, value = own.unflatten(1, (3, self._heads, -1)).permute(1, 2, 0, 3).unsqueeze(1)
            parts.append(F.scaled_dot_product_attention(query, key, value)[0].transpose(0, 1).flatten(1))
        return torch.cat(parts)
