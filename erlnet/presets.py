"""Presets: sizes and step counts together, never seconds; a word on the command line overrides any of them."""

from __future__ import annotations

from typing import Any

from erlnet.errors import UserError
from erlnet.registry import did_you_mean

_SMOKE = {
    "demo.size": 64, "demo.train_clips": 2, "demo.test_clips": 2, "demo.train_seconds": 0.8, "demo.test_seconds": 0.4,
    "codec.steps": 8, "motion.steps": 8, "renderer.size": 64, "renderer.factor": 4, "renderer.steps": 10,
    "renderer.windows": 2, "triplane.resolution": 16, "triplane.channels": 4,
}  # fmt: skip

_MOUTH = {"renderer.mouth_share": 0.35, "renderer.mouth_weight": 2.0, "renderer.eyes_share": 0.15}
_AT_128 = _MOUTH | {"renderer.size": 128, "renderer.factor": 4, "renderer.window": 8, "renderer.windows": 16}
_AT_256 = _MOUTH | {"renderer.size": 256, "renderer.factor": 4, "renderer.window": 12, "renderer.windows": 14}

PRESETS: dict[str, dict[str, Any]] = {
    "smoke": _SMOKE,
    "demo": _AT_128 | {"renderer.steps": 1350, "renderer.mouth_share": 0.4, "renderer.mouth_weight": 3.0},
    "study": _AT_128 | {"renderer.steps": 2500},
    "fast": _AT_256 | {"renderer.steps": 3000},
    "full": _AT_256 | {"renderer.steps": 9000},
    "full512": _AT_256
    | {"renderer.size": 512, "renderer.factor": 8, "renderer.channels": 192, "renderer.steps": 30000},
}
"""Names are as on the command line: SLOT.OPTION, COMPONENT.OPTION (that component alone) or STAGE.OPTION."""


def preset_values(name: str) -> dict[str, Any]:
    """Option name -> value; options of components that a variant does not have are passed over."""
    if name not in PRESETS:
        raise UserError(f"preset={name}: {did_you_mean(name, PRESETS)}")
    return PRESETS[name]


def default_preset(dataset: str) -> str:
    return "demo" if dataset == "demo" else "fast"
