"""Clips without pictures: motion, and sound where there is some."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np

from erlnet.data.clip import Camera, ClipFacts, Coefficients, Labels, described, write_coefficients, write_sound

NO_CAMERA = Camera(0.0, 0.0, 0.0, 0.0, 0, 0)  # of motion that nobody knows the camera of
_NOTHING = ClipFacts()


def write_motion_clip(
    folder: Path,
    name: str,
    labels: Labels,
    camera: Camera,
    coefficients: Coefficients,
    audio: np.ndarray | None,
    facts: ClipFacts = _NOTHING,
    head_model: str = "none",
) -> None:
    """Writes `folder` whole: it is there with all that belongs in it, or not at all.

    `audio` (N,) float32 in [-1,1] at 16 kHz on the motion's clock, None: the clip has no sound. `head_model`: the
    component whose coefficients these are, "none" where they fit no head model here. OSError where `folder` holds
    something already.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(scratch, ignore_errors=True)  # of a process that was killed
    scratch.mkdir()
    try:
        write_coefficients(scratch / "coefficients.npz", coefficients)
        if audio is not None:
            write_sound(scratch / "audio.wav", audio)
        text = described(name, len(coefficients), labels, camera, facts)
        text |= {"has_frames": False, "has_sound": audio is not None, "head_model": head_model}
        (scratch / "clip.json").write_text(json.dumps(text, indent=1))
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
