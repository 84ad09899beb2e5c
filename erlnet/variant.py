"""One frozen variant: which component fills each slot, with which options, trained by which settings."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from erlnet.adf.settings import CodecSettings, MotionSettings
from erlnet.interfaces import Component
from erlnet.nerf.settings import RendererSettings

GIVEN = "@"  # in the name of a split that the user gave as a file: STEM@HASH

STAGE_SETTINGS: dict[str, type] = {"codec": CodecSettings, "motion": MotionSettings, "renderer": RendererSettings}


@dataclass(frozen=True)
class Choice:
    """One slot filled."""

    name: str
    component: Component

    def described(self) -> dict[str, Any]:
        """What a key reads of it: name, version, options."""
        return {"name": self.name, "version": self.component.VERSION, "options": asdict(self.component)}  # type: ignore[call-overload]


@dataclass(frozen=True)
class Variant:
    """A variant excludes the seed."""

    name: str
    choices: Mapping[str, Choice]  # slot -> choice, every slot
    settings: Mapping[str, Any]  # "codec", "motion", "renderer" -> its settings
    data: str | None
    preset: str
    split: str
    threads: int

    @property
    def config(self) -> dict[str, str]:
        """Slot -> component name, flat."""
        return {slot: choice.name for slot, choice in self.choices.items()}

    @property
    def options(self) -> dict[str, Any]:
        """The rest, flat: `fusion.rule`, `renderer.steps`, data, preset, split, threads."""
        flat = {f"{slot}.{k}": v for slot, c in self.choices.items() for k, v in asdict(c.component).items()}  # type: ignore[call-overload]
        flat |= {f"{stage}.{k}": v for stage, s in self.settings.items() for k, v in asdict(s).items()}
        return flat | {"data": self.data, "preset": self.preset, "split": self.split, "threads": self.threads}

    @property
    def has_frames(self) -> bool:
        """Whether the data set's clips have pictures; without them there is no renderer."""
        return getattr(self.choices["dataset"].component, "FRAMES", True)

    @property
    def has_sound(self) -> bool:
        return getattr(self.choices["dataset"].component, "SOUND", True)

    @property
    def has_codes(self) -> bool:
        """Whether motion can be encoded; without codes there is nothing to reconstruct from."""
        return getattr(self.choices["vq"].component, "CODES", True)

    @property
    def renders_sound(self) -> bool:
        """Whether sound itself and the tracked head pose drive the renderer, and no coefficients."""
        signal = getattr(self.choices["conditioning"].component, "SIGNAL", "expression")
        return self.has_frames and signal == "sound"

    @property
    def hash(self) -> str:
        """12 hex digits over everything that makes this variant, its display name excluded."""
        described = {slot: choice.described() for slot, choice in self.choices.items()}
        rest = {k: v for k, v in self.options.items() if k != "preset"}  # a preset is only a name for its values
        return digest({"components": described, "options": rest})


def digest(content: Any) -> str:
    """12 hex digits over JSON-able content, the same for the same content."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=list)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def physical_cores() -> int:
    """The default of `threads`: physical cores that this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return allowed
    cores = set()
    for block in text.split("\n\n"):
        entry = {k.strip(): v for k, _, v in (line.partition(":") for line in block.splitlines())}
        if "core id" in entry:
            cores.add((entry.get("physical id"), entry["core id"]))
    return min(allowed, len(cores)) if cores else allowed
