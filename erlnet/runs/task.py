"""What one stage body is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from erlnet import registry
from erlnet.interfaces import Component, Progress


@dataclass(frozen=True)
class Task:
    """One stage to carry out: reads `inputs`, writes files into `out`, returns figures for metrics.json."""

    out: Path  # unfinished folder, renamed when the body returns
    inputs: Mapping[str, Path]  # role -> finished folder
    config: Mapping[str, Any]  # the stage's config section, as in its key
    data: Path | None  # what `data=` named; only `prepare` looks at it
    seed: int
    threads: int
    progress: Progress
    store: Path  # prepared clips of all sweeps; only `prepare` writes there
    checkpoints: Path  # this stage's own, not made yet; outlives a killed job and goes when the stage is done

    def component(self, slot: str) -> Component:
        """The slot's component with its options, rebuilt from the config."""
        return component_of(self.config[slot], slot)


def component_of(described: Mapping[str, Any], slot: str) -> Component:
    """A component from what `Choice.described` gave; JSON turns tuples into lists, so they are turned back."""
    kind = registry.load(slot, described["name"])
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in described["options"].items()}
    return kind(**options)


def read_config(folder: Path) -> dict[str, Any]:
    """The config section that a finished stage was made with."""
    return json.loads((folder / "config.json").read_text())["config"]
