"""A training's state on disk, so that one that was killed goes on where it was, to the same bits."""

import io
import json
import math
import os
import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from erlnet.errors import UserError
from erlnet.files import write_whole

FORMAT = 1
EVERY_SECONDS = 60.0
SECONDS_VARIABLE = "ERLNET_CHECKPOINT_SECONDS"  # no setting of a variant: it changes no bit, so it is in no key


class Unusable(Exception):
    """A checkpoint that this training cannot go on from; the message is the reason."""


def seconds_between(environment: Mapping[str, str] = os.environ) -> float:
    """Wall-clock seconds of training from one checkpoint to the next; UserError where the variable is no such thing."""
    text = environment.get(SECONDS_VARIABLE, "")
    try:
        seconds = float(text or EVERY_SECONDS)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise UserError(f"{SECONDS_VARIABLE}={text}: expected seconds from 0, such as {EVERY_SECONDS:g}")
    return seconds


@dataclass(frozen=True)
class Kept:
    """Where one renderer's training keeps what has to outlive its process."""

    folder: Path
    name: str  # what the files' names begin with
    every: float = EVERY_SECONDS  # s from one checkpoint to the next

    @property
    def checkpoint(self) -> Path:
        return self.folder / f"{self.name}.checkpoint"

    @property
    def batch(self) -> Path:
        """The batch that stopped the training."""
        return self.folder / f"{self.name}.batch.json"

    def snapshot(self, share: str) -> Path:
        """The renderer after that share of the steps, a name of erlnet.nerf.settings.SHARES."""
        return self.folder / "budget" / f"{self.name}-{share}.safetensors"


@dataclass
class CheckpointFile:
    """One file, written whole; `identity` says which training it belongs to."""

    path: Path
    identity: Mapping[str, Any]  # JSON-able
    every: float  # s
    _written: float = field(default_factory=time.monotonic)

    def due(self) -> bool:
        return time.monotonic() - self._written >= self.every

    def write(self, state: Mapping[str, Any]) -> None:
        """`state` holds tensors and plain values, nested in dicts and lists. UserError where the disk is full."""
        content = io.BytesIO()
        torch.save({"format": FORMAT, "identity": self._identity, "state": dict(state)}, content)
        write_whole(self.path, content.getvalue())
        self._written = time.monotonic()

    def read(self) -> dict[str, Any] | None:
        """The state, None where nothing was kept. Unusable where the file is cut short or another training's."""
        if not self.path.exists():
            return None
        try:
            found = torch.load(self.path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
            raise Unusable(f"it cannot be read ({type(error).__name__})") from None
        if not isinstance(found, dict) or not {"format", "identity", "state"} <= found.keys():
            raise Unusable("it is no checkpoint of a renderer")
        if found["format"] != FORMAT:
            raise Unusable(f"its format is {found['format']}, this version reads {FORMAT}")
        if found["identity"] != self._identity:
            theirs, ours = json.loads(found["identity"]), json.loads(self._identity)
            other = sorted(k for k in theirs.keys() | ours.keys() if theirs.get(k) != ours.get(k))
            raise Unusable(f"it belongs to a training with other {', '.join(other)}")
        return found["state"]

    def set_aside(self) -> Path:
        """Renames the file, so that it can be looked at and is in nobody's way; its new path."""
        aside = self.path.with_name(f"{self.path.name}.aside")
        self.path.replace(aside)
        return aside

    @property
    def _identity(self) -> str:
        return json.dumps(self.identity, sort_keys=True)
