"""Motions that need no learning, to stand beside a learnt one: how much is a score worth?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from erlnet.metrics.motion.record import Motion

LATE = 5  # frames


def mean_motion(train: Sequence[Motion], clip: Motion) -> Motion:
    """The clip's length of one still pose: the mean frame of the training clips of its speaker in its style.

    Where there are none, of those in its style, else of its speaker, else of all. Head rotations are averaged as
    rotations. ValueError without training clips.
    """
    if not train:
        raise ValueError("a mean motion needs at least one training clip")
    chosen = matching(train, clip)
    stream = np.concatenate([m.stream for m in chosen]).mean(axis=0, dtype=np.float64)
    pose = np.concatenate([m.pose for m in chosen]).astype(np.float64)
    still = np.concatenate([Rotation.from_rotvec(pose[:, :3]).mean().as_rotvec(), pose[:, 3:].mean(axis=0)])
    rows = (np.repeat(row[None].astype(np.float32), len(clip), axis=0) for row in (stream, still))
    return clip.with_streams(*rows)


def matching(train: Sequence[Motion], clip: Motion) -> list[Motion]:
    """The training clips most like the clip in label: speaker and style, else style, else speaker, else all."""
    both = [m for m in train if (m.speaker, m.style) == (clip.speaker, clip.style)]
    style = [m for m in train if m.style == clip.style]
    speaker = [m for m in train if m.speaker == clip.speaker]
    return both or style or speaker or list(train)


def delayed(clip: Motion, frames: int = LATE) -> Motion:
    """The truth late by that many frames (negative: early), ends held: frame t shows what was true at t - frames."""
    source = (np.arange(len(clip)) - frames).clip(0, len(clip) - 1)
    parts = {field: getattr(clip, field)[source] for field in ("expression", "jaw", "lids", "pose")}
    return replace(clip, **parts)
