"""Where the clips of one input go: made aside, then put in place one by one, each whole."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from erlnet.data.records import outdate_record


@dataclass(frozen=True)
class Shelf:
    """One input's place in `out`. What lies there already, of the same making, is not made again."""

    out: Path
    scratch: Path  # folders of clips that are not finished
    name: str  # of the input; its clips' folders begin with it
    settings: dict[str, str]  # what its clips depend on

    def holds(self, clip: str, offset: int, n_frames: int) -> bool:
        """Whether the clip of this folder name is there, of these settings and frames (`offset`: as in Clip)."""
        try:
            text = json.loads((self.out / clip / "clip.json").read_text())
        except (OSError, ValueError):
            return False
        same = self.settings.items() <= text.get("sources", {}).items()
        return same and (text.get("offset"), text.get("n_frames")) == (offset, n_frames)

    def put(self, clip: str, offset: int, n_frames: int) -> None:
        """Moves a finished clip from `scratch` into place, unless another process has put the same there meanwhile."""
        with self._locked():
            if self.holds(clip, offset, n_frames):
                return
            outdate_record(self.out, self.name)  # it speaks of the clips that are replaced now
            shutil.rmtree(self.out / clip, ignore_errors=True)
            (self.scratch / clip).rename(self.out / clip)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two commands that share `out` put one after the other; the kernel drops the lock of a killed one."""
        folder = self.out / ".records"
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
