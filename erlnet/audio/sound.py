"""What every encoder of the slot `audio` takes: mono sound at 16 kHz and a number of frames at 25 a second."""

from __future__ import annotations

import numpy as np

from erlnet.errors import UserError

SAMPLE_RATE = 16_000
FPS = 25
FRAME = SAMPLE_RATE // FPS  # samples


def check_sound(samples: np.ndarray, n_frames: int) -> np.ndarray:
    """(N,) float, as an array.

    UserError where there is no sound, no frame, or a sample that is not finite; ValueError on another shape or type.
    """
    samples = np.asarray(samples)
    if samples.ndim != 1 or not np.issubdtype(samples.dtype, np.floating):
        raise ValueError(f"sound must be (N,) float in [-1,1], not {samples.shape} {samples.dtype}")
    if not len(samples):
        raise UserError("the sound is empty (0 samples at 16 kHz); give a clip with an audio track")
    if n_frames < 1:
        raise UserError(f"sound features for {n_frames} frames were asked for; at least 1 is needed")
    if not np.isfinite(samples).all():
        where = int(np.argmin(np.isfinite(samples)))
        raise UserError(f"the sound has a sample that is no number at {where / SAMPLE_RATE:.3f} s; decode it again")
    return samples


def stretch(samples: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Samples [start, stop), as float32; silence where the sound has ended."""
    kept = np.asarray(samples[start:stop], np.float32)
    return np.pad(kept, (0, stop - start - len(kept)))
