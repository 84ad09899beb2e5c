"""Presets: sizes and step counts together, never seconds; a word on the command line overrides any of them."""

from __future__ import annotations

from typing import Any

from erlnet.errors import UserError
from erlnet.registry import did_you_mean

PRESETS: dict[str, dict[str, Any]] = {
    "smoke": {},
    "demo": {},
    "study": {},
    "fast": {},
    "full": {},
    "full512": {},
}


def preset_values(name: str) -> dict[str, Any]:
    """Option name -> value; options of components that a variant does not have are passed over."""
    if name not in PRESETS:
        raise UserError(f"preset={name}: {did_you_mean(name, PRESETS)}")
    return PRESETS[name]


def default_preset(dataset: str) -> str:
    return "demo" if dataset == "demo" else "fast"
