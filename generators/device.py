"""Which device draws, in which precision, and with which attention kernels."""

import importlib.util
from dataclasses import dataclass
from typing import Literal

import torch

from generators.recipe import Precision

AMPERE = (8, 0)  # the first compute capability that flash attention is compiled for
TORCH_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
# Pictures drawn together by a large model. A GPU is full at a few; a CPU at one, and there its kernels round by the
# size of the batch, so drawing alone also keeps a picture independent of its neighbours.
GPU_BATCH, CPU_BATCH = 4, 1

Attention = Literal["xformers", "SDPA"]


@dataclass(frozen=True)
class AttentionChoice:
    """Which kernels, and why these."""

    name: Attention
    reason: str

    def __str__(self) -> str:
        return f"{self.name} attention ({self.reason})"


def best_device() -> torch.device:
    """CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def sprite_device() -> torch.device:
    """Where the bundled models draw: CUDA or the CPU, whose pixels are the ones that recipes promise."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def best_precision(device: torch.device) -> Precision:
    """bf16 where the processor multiplies it natively, float32 elsewhere."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type != "cpu":
        return "fp32"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "fp32"


def large_precision(device: torch.device) -> Precision:
    """For models of gigabytes: half precision on every GPU, else as ``best_precision``."""
    best = best_precision(device)
    return "fp16" if device.type != "cpu" and best == "fp32" else best


def batch_size(device: torch.device) -> int:
    return CPU_BATCH if device.type == "cpu" else GPU_BATCH


def attention(device: torch.device) -> AttentionChoice:
    """The kernels for this device; what ``lorespark doctor`` says."""
    cuda = device.type == "cuda"
    return choose_attention(
        capability=torch.cuda.get_device_capability(device) if cuda else None,
        flash=cuda and torch.backends.cuda.is_flash_attention_available(),
        xformers=importlib.util.find_spec("xformers") is not None,
    )


def choose_attention(capability: tuple[int, int] | None, flash: bool, xformers: bool) -> AttentionChoice:
    """xformers where it is installed and torch's own flash kernel cannot run, SDPA elsewhere.

    ``capability`` is None where the device is no CUDA GPU; ``flash`` says whether torch was built with the kernel.
    """
    if capability is None:
        return AttentionChoice("SDPA", "torch's own, the only one without CUDA")
    if flash and capability >= AMPERE:
        return AttentionChoice("SDPA", "torch's flash kernel runs on this GPU")
    why = "the GPU is older than Ampere" if capability < AMPERE else "this torch has no flash kernel"
    if xformers:
        return AttentionChoice("xformers", why)
    return AttentionChoice("SDPA", f"{why}; `pip install xformers` is faster there if it supports this GPU")
