"""What a person sees while a study runs: a live line on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any, TextIO


def format_seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


@dataclass
class Display:
    """Shows the events of jobs; everything goes to stderr, so that stdout ends with the report's path."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _started: dict[str, tuple[str, float]] = field(default_factory=dict)
    _live: bool = False

    def __post_init__(self) -> None:
        self.terminal = self.stream.isatty()

    def line(self, text: str) -> None:
        """A line that stays."""
        self._clear()
        print(text, file=self.stream, flush=True)

    def event(self, job: str, event: dict[str, Any]) -> None:
        """One event of the job named `job`."""
        kind = event["event"]
        if kind == "start":
            self._started[job] = (event["label"], time.monotonic())
            if self.terminal:
                self._overwrite(f"{job}: {event['label']}")
            else:
                self.line(f"{job}: {event['label']} ...")
        elif kind == "step" and self.terminal and job in self._started:
            self._overwrite(self._step_text(job, event))
        elif kind == "note":
            self.line(f"{job}: {event['text']}")
        elif kind == "done":
            self.line(f"{job}: {event['label']} done in {event['seconds']:.1f} s")

    def live(self, text: str) -> None:
        """The terminal's one changing line; nothing in a log."""
        if self.terminal:
            self._overwrite(text)

    def close(self) -> None:
        self._clear()

    def _step_text(self, job: str, event: dict[str, Any]) -> str:
        label, since = self._started[job]
        step, total = event["step"], max(event["total"], 1)
        elapsed = time.monotonic() - since
        left = elapsed / step * (total - step) if step else 0.0
        bar = "#" * (20 * step // total)
        loss = f"  loss {event['loss']:.4f}" if event.get("loss") is not None else ""
        return f"{job}: {label} [{bar:<20}] {step}/{total}{loss}  {format_seconds(left)} left"

    def _overwrite(self, text: str) -> None:
        self.stream.write("\r\x1b[K" + text[:150])
        self.stream.flush()
        self._live = True

    def _clear(self) -> None:
        if self._live:
            self.stream.write("\r\x1b[K")
            self._live = False
