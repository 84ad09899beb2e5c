"""`python -m erlnet prepare`: videos -> clips, with progress on stderr; one bad input does not stop the others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from erlnet import registry
from erlnet.interfaces import SLOTS
from erlnet.runs.progress import Display


class DisplayProgress:
    """An `erlnet.interfaces.Progress` that shows itself through a Display."""

    def __init__(self, display: Display):
        self._display, self._started = display, time.monotonic()
        display.event("prepare", {"event": "start", "label": "videos"})

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        self._display.event("prepare", {"event": "step", "step": step, "total": total, "loss": loss})

    def note(self, text: str) -> None:
        self._display.line(text)


def prepare_inputs(inputs: Sequence[Path], out: Path, size: int) -> int:
    """0 all prepared, 1 some failed: each is named with its reason on stderr and in OUT/failed.json."""
    from erlnet.data.prepare import prepare_videos

    tracker = registry.load("tracker", SLOTS["tracker"])()
    head_model = registry.load("head_model", SLOTS["head_model"])()
    display = Display()
    result = prepare_videos(list(inputs), out, tracker, head_model, DisplayProgress(display), size)
    display.close()
    print(f"{len(result.done)} clips in {out}" + (f", {len(result.failed)} inputs failed" if result.failed else ""))
    return 1 if result.failed else 0
