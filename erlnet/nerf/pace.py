"""Rendering a film faster than scoring renders it: the upsampler in bfloat16, the fields compiled.

Scores are taken on frames of `float32` and eager code, so that no number depends on a processor's extras; films, where
a level or two of 255 do not show, take what the machine has. docs/render.md has what each gains.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from erlnet.errors import UserError
from erlnet.nerf.model import DbfNerf

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class Pace:
    """How a film is rendered."""

    precision: Precision = "auto"  # of the upsampler; auto: bfloat16 where the processor multiplies it natively
    compile: bool = False  # half a minute at first, a tenth less afterwards: for thousands of frames

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise UserError(f"--precision {self.precision}: expected {', '.join(get_args(Precision))}")


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 itself; emulated it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    found: dict[str, object] = getattr(
        torch.cpu, "get_capabilities", dict
    )()  # not in torch before 2.11: then float32 it is
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


class LowPrecision(nn.Module):
    """A decoder computed in bfloat16: float32 features in, float32 image out.

    Of the whole renderer only this: sample points and depths need more than its 8 bits (all of it in bfloat16 reads
    39 dB against float32 on a real face, the upsampler alone 53 dB).
    """

    def __init__(self, decoder: nn.Module):
        super().__init__()
        self.decoder = copy.deepcopy(decoder).to(dtype=torch.bfloat16)
        for kernel in self.decoder.parameters():
            if kernel.ndim == 4:
                kernel.data = kernel.data.contiguous(memory_format=torch.channels_last)

    def forward(self, features: Tensor) -> Tensor:
        narrow = features.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
        return self.decoder(narrow).float()


def quicken(model: DbfNerf, pace: Pace) -> DbfNerf:
    """A model that renders the same pictures at that pace; `model` itself stays as it is.

    UserError where bfloat16 is asked for and the device has none.
    """
    device = model.plate.device
    native = has_bfloat16(device)
    if pace.precision == "bfloat16" and not native:
        raise UserError(f"--precision bfloat16: this {device.type} does not multiply it natively; leave it at auto")
    fast = copy.deepcopy(model).eval().requires_grad_(False)
    if native and pace.precision != "float32":
        fast.upsampler = LowPrecision(fast.upsampler)
    if pace.compile:
        for branch in fast.branches.each():  # how many rays meet the person changes from frame to frame
            for part in (branch.field, getattr(branch, "deform", None)):
                if part is not None:
                    part.compile(dynamic=True)
        if device.type == "cuda":
            fast.upsampler.compile(mode="reduce-overhead")  # its shape is fixed: a CUDA graph; the fields' is not
    return fast
