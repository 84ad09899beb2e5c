"""A training that must stop: what was not finite, at which step, in which batch."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from erlnet.files import write_whole
from erlnet.nerf.windows import Windows


class NotFinite(RuntimeError):
    """A loss or a gradient that is no number; the message names what, the step and the frames."""


class Batch(NamedTuple):
    """Where a training stands, as much as it takes to make the step again."""

    step: int  # steps done before it
    windows: Windows
    seed: int
    restarts: int

    def described(self) -> dict[str, Any]:
        """JSON-able; corners in feature px."""
        windows = self.windows
        return {
            "step": self.step, "seed": self.seed, "restarts": self.restarts, "frames": windows.frame.tolist(),
            "rows": windows.row.tolist(), "columns": windows.column.tolist(), "window": list(windows.size),
        }  # fmt: skip


def check_losses(terms: Mapping[str, float], batch: Batch, file: Path | None) -> None:
    """NotFinite where a loss term is no number; the batch is written to `file`."""
    for name, value in terms.items():
        if not math.isfinite(value):
            _stop(f"loss term '{name}' is {value}", terms, batch, file)


def check_gradients(model: nn.Module, terms: Mapping[str, float], batch: Batch, file: Path | None) -> None:
    """NotFinite where a gradient is no number, or so large that the square root of its sum of squares is none."""
    named = [(name, p.grad) for name, p in model.named_parameters() if p.grad is not None]
    if math.isfinite(float(nn.utils.get_total_norm([gradient for _, gradient in named]))):
        return
    worst = next((name for name, gradient in named if not torch.isfinite(gradient).all()), "all parameters together")
    _stop(f"the gradient of '{worst}' is not finite", terms, batch, file)


def _stop(what: str, terms: Mapping[str, float], batch: Batch, file: Path | None) -> None:
    where = f"at step {batch.step}, frames {batch.windows.frame.tolist()}"
    if file is not None:
        content = {"what": what} | batch.described() | {"losses": {k: _number(v) for k, v in terms.items()}}
        write_whole(file, json.dumps(content, indent=1, allow_nan=False) + "\n")
        where += f"; the batch is in {file}"
    raise NotFinite(f"renderer training stopped: {what} {where}")


def _number(value: float) -> float | str:
    """JSON knows no NaN."""
    return value if math.isfinite(value) else str(value)
