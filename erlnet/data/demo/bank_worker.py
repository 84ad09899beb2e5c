"""Makes one clip of the motion bank. Runs in a process of its own and imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from erlnet.data.clip import Camera, Labels
from erlnet.data.demo.bank import BankClip
from erlnet.data.demo.speech import Performance, perform
from erlnet.data.demo.true_motion import true_coefficients
from erlnet.data.motion_clip import write_motion_clip


@dataclass(frozen=True)
class Commission:
    """One clip, with everything of its speaker that it depends on."""

    folder: Path
    clip: BankClip
    source: str
    script: int  # seed of what is said
    expression_names: tuple[str, ...]
    pivot: np.ndarray  # (3,) m
    shape: np.ndarray  # (S,)
    root: np.ndarray  # (4,4)
    camera: Camera


def performed(wanted: Commission) -> Performance:
    clip = wanted.clip
    return perform(wanted.script, clip.speaker, clip.style, clip.n_frames, wanted.expression_names, wanted.pivot)


def make(wanted: Commission) -> str:
    """Writes the clip's folder; gives back its name."""
    clip = wanted.clip
    with threadpool_limits(1):
        performance = performed(wanted)
        write_motion_clip(
            wanted.folder,
            clip.name,
            Labels(clip.label, clip.style, "bank", clip.split, wanted.source),
            wanted.camera,
            true_coefficients(performance, wanted.shape, wanted.root),
            performance.audio,
            head_model="makehuman",
        )
    return clip.name
