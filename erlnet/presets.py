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

PRESETS: dict[str, dict[str, Any]] = {
    "smoke": _SMOKE,
    "demo": {"renderer.size": 128, "renderer.factor": 2, "renderer.steps": 800},
    "study": {"renderer.size": 128, "renderer.factor": 2, "renderer.steps": 3000},
    "fast": {"renderer.size": 256, "renderer.steps": 6000},
    "full": {"renderer.size": 256, "renderer.steps": 18000},
    "full512": {"renderer.size": 512, "renderer.factor": 8, "renderer.steps": 30000},
}
"""Names are as on the command line: SLOT.OPTION, COMPONENT.OPTION (that component alone) or STAGE.OPTION."""


def preset_values(name: str) -> dict[str, Any]:
    """Option name -> value; options of components that a variant does not have are passed over."""
    if name not in PRESETS:
        raise UserError(f"preset={name}: {did_you_mean(name, PRESETS)}")
    return PRESETS[name]


def default_preset(dataset: str) -> str:
    return "demo" if dataset == "demo" else "fast"
