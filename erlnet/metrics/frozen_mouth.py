"""The control `frozen_mouth`: true frames into which one shut mouth is pasted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from erlnet.metrics.face import interocular
from erlnet.metrics.pairs import FrameSource
from erlnet.metrics.protocol import MOUTH_BOX

_ALIGN = slice(27, 48)  # nose and eyes: where the head is, whatever the mouth does
_FEATHER = 0.15  # interocular, width of the blend, inside the box


@dataclass(frozen=True)
class FrozenMouthFrames:
    """Nothing outside the mouth box changes; a frame without landmarks is left as it is."""

    test: FrameSource
    landmarks: np.ndarray  # (T,68,2) px of the test clip
    shut: np.ndarray  # (3,H,W) uint8, the frame with the shut mouth
    shut_landmarks: np.ndarray  # (68,2) px

    def __len__(self) -> int:
        return len(self.test)

    def frames(self, start: int, stop: int) -> np.ndarray:
        frames = self.test.frames(start, stop)
        return np.stack([self._paste(f, p) for f, p in zip(frames, self.landmarks[start:stop], strict=True)])

    def _paste(self, frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        if not np.isfinite(landmarks).all():
            return frame
        weight = mouth_weight(landmarks, *frame.shape[1:])
        rows, columns = np.nonzero(weight)
        if not len(rows):
            return frame
        to_shut = similarity(landmarks[_ALIGN], self.shut_landmarks[_ALIGN])
        points = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))])
        x, y = to_shut @ points - 0.5  # pixel centres lie at +0.5
        mouth = np.stack([map_coordinates(c.astype(np.float32), (y, x), order=1, mode="nearest") for c in self.shut])
        alpha = weight[rows, columns]
        pasted = frame.copy()
        blended = alpha * mouth + (1 - alpha) * frame[:, rows, columns]
        pasted[:, rows, columns] = blended.round().clip(0, 255).astype(np.uint8)
        return pasted


def mouth_weight(landmarks: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H,W) in [0,1]: 0 at and beyond the mouth box's edge, 1 inside it, linear over the feather."""
    scale = float(interocular(landmarks))
    centre = landmarks[48:68].mean(axis=0)
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    inside_x = MOUTH_BOX[0] / 2 * scale - np.abs(x - centre[0])  # px from the nearer edge
    inside_y = MOUTH_BOX[1] / 2 * scale - np.abs(y - centre[1])
    return np.clip(np.minimum(inside_y[:, None], inside_x[None]) / (_FEATHER * scale), 0, 1)


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(2,3): the rotation, scale and shift that take points (N,2) nearest to others in least squares (Umeyama 1991)."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a = (source - source_mean).astype(np.float64) @ [1, 1j]
    b = (target - target_mean).astype(np.float64) @ [1, 1j]
    # In the complex plane a similarity without reflection is one complex factor.
    turn = np.vdot(a, b) / np.vdot(a, a)
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.concatenate([linear, (target_mean - linear @ source_mean)[:, None]], axis=1)
