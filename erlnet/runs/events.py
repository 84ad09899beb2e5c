"""How a job tells the command that started it how far it is: JSON lines through a pipe."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TextIO


@dataclass
class EventWriter:
    """The job's end of the pipe; an `erlnet.interfaces.Progress` for the stage at hand. At most ten lines a second."""

    stream: TextIO
    log: TextIO | None = None
    _last: float = field(default=0.0)

    def send(self, event: str, **content: object) -> None:
        try:
            self.stream.write(json.dumps({"event": event, **content}) + "\n")
            self.stream.flush()
        except BrokenPipeError:  # the command that started this job is gone, so nobody waits for it
            raise SystemExit(1) from None

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        now = time.monotonic()
        if now - self._last >= 0.1 or step >= total:
            self._last = now
            self.send("step", step=step, total=total, loss=loss)

    def note(self, text: str) -> None:
        self.send("note", text=text)
        if self.log:
            self.log.write(text + "\n")
            self.log.flush()
