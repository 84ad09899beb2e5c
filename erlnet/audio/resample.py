"""A model's rows, at a rate and offset of its own -> one row a video frame.

Between rows a feature is taken to run straight; before the first and after the last it stands still. Row t of the
result is the mean of that line over frame t, which lasts from sample 640 t to 640 (t + 1), so it is centred on
(t + 0.5) / 25 s. Taking the mean and not the value at the centre lets every row count: Whisper's odd rows lie on the
frames' centres, and its even ones would be thrown away.
"""

from __future__ import annotations

import numpy as np

from erlnet.audio.sound import FRAME


def frame_means(rows: np.ndarray, first: float, stride: float, n_frames: int) -> np.ndarray:
    """(M,W) rows, row m centred on sample first + stride * m -> (n_frames,W) float32.

    A constant stays what it is, a ramp in time is met at the frames' centres, and rows that are 640 samples later are
    met one frame later.
    """
    edges = np.arange(n_frames) * FRAME - first  # samples from the first row's centre to each frame's start
    near = np.floor(edges / stride).astype(int)  # the last row at or before it
    means = np.zeros((n_frames, rows.shape[1]), np.float32)
    for step in range(int(np.ceil(FRAME / stride)) + 2):
        row = near + step
        left = edges / stride - row
        weight = (_hat_area(left + FRAME / stride) - _hat_area(left)) * stride / FRAME
        means += weight[:, None].astype(np.float32) * rows[np.clip(row, 0, len(rows) - 1)]
    return means


def _hat_area(x: np.ndarray) -> np.ndarray:
    """The area left of x under a row's share of the line: 1 at the row, falling straight to 0 at both neighbours."""
    x = np.clip(x, -1, 1)
    return np.where(x < 0, (x + 1) ** 2 / 2, 1 - (1 - x) ** 2 / 2)
