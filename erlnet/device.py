"""Which device renderers are trained on and rendered with; importing this imports no torch."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from erlnet.errors import UserError

VARIABLE = "ERLNET_DEVICE"
SLOT = "ERLNET_JOB_SLOT"  # set for jobs that run beside each other: 0, 1, ..., to share out several devices


def chosen_device(environment: Mapping[str, str] = os.environ) -> str:
    """`cpu` where nothing is said, `cuda` or `cuda:N`; UserError for any other word."""
    text = environment.get(VARIABLE) or "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", text):
        raise UserError(f"{VARIABLE}={text}: expected cpu, cuda or cuda:N")
    return text


def device_type(device: str) -> str:
    """What keys hold of it: which of several equal devices it was makes no difference."""
    return device.partition(":")[0]


def usable_device(device: str, environment: Mapping[str, str] = os.environ) -> str:
    """The device's word, once torch has been asked for it; UserError where there is none.

    Plain `cuda` in jobs that run beside each other is a device for each, in turns.
    """
    if device == "cpu":
        return device
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(device.partition(":")[2] or 0) >= count:
        raise UserError(
            f"{VARIABLE}={device}: torch {torch.__version__} sees {count} CUDA devices here; "
            f"unset {VARIABLE} to work on the CPU, or install a torch with CUDA"
        )
    torch.backends.cudnn.allow_tf32 = False  # keys say float32, and that is not what it would be
    slot = environment.get(SLOT)
    return f"cuda:{int(slot) % count}" if device == "cuda" and slot else device
