"""Log-mel features at the video's frame rate.

Alignment: mel column m is a 25 ms Hann window centred on (m + 0.5) * 10 ms. Row t stacks columns 4t .. 4t+3, whose
centres are t * 40 + (5, 15, 25, 35) ms, so row t is centred on (t + 0.5) / 25 s and a click at x s lights up row
floor(25 x). Sound before the start and past the end counts as silence.
"""

from __future__ import annotations

import numpy as np

from erlnet.audio.sound import FPS, SAMPLE_RATE, check_sound
from erlnet.errors import UserError

HOP = 160  # samples, 10 ms
WINDOW = 400  # samples, 25 ms
N_FFT = 512
STACK = SAMPLE_RATE // FPS // HOP  # mel columns in a video frame
_BLOCK = 4000  # mel columns transformed at once: 40 s, so that an hour of sound needs no more memory than a minute


class LogMelEncoder:
    """The callable that `LogMel` builds; `width` is 4 * n_mels, laid out as four spectra, the earliest first."""

    future = (WINDOW - HOP) / 2 / SAMPLE_RATE  # s: the last window's end after the frame's

    def __init__(self, n_mels: int, f_min: float, f_max: float, floor_db: float):
        if n_mels < 1:
            raise UserError(f"logmel.n_mels={n_mels}: at least 1 is needed")
        if not 0 <= f_min < f_max <= SAMPLE_RATE / 2:
            raise UserError(f"logmel.f_min={f_min:g}, f_max={f_max:g}: need 0 <= f_min < f_max <= {SAMPLE_RATE // 2}")
        self.width = n_mels * STACK
        self.floor_db = floor_db
        self.filters = mel_filters(n_mels, f_min, f_max)
        if not self.filters.any(axis=1).all():
            raise UserError(f"logmel.n_mels={n_mels}: filters narrower than {SAMPLE_RATE / N_FFT:.0f} Hz; take fewer")
        self.window = np.hanning(WINDOW + 1)[:-1]

    def __call__(self, samples: np.ndarray, n_frames: int) -> np.ndarray:
        """(N,) float mono at 16 kHz -> (n_frames, width) float32, dB over a full-scale sine, in bels (dB / 10).

        Shorter sound is padded with silence, longer sound is cut. UserError as of `check_sound`.
        """
        samples = check_sound(samples, n_frames)
        n_columns = n_frames * STACK
        lead = WINDOW // 2 - HOP // 2  # the first window is centred on half a hop
        padded = np.zeros((n_columns - 1) * HOP + WINDOW)
        kept = samples[: len(padded) - lead]
        padded[lead : lead + len(kept)] = kept
        columns = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
        blocks = [self._bels(columns[start : start + _BLOCK]) for start in range(0, n_columns, _BLOCK)]
        return np.concatenate(blocks).reshape(n_frames, self.width)

    def _bels(self, columns: np.ndarray) -> np.ndarray:
        """(M,400) windows of sound -> (M,n_mels) float32."""
        spectrum = np.fft.rfft(columns * self.window, N_FFT)
        power = (np.abs(spectrum) / (self.window.sum() / 2)) ** 2  # a full-scale sine peaks at 1
        return np.log10(np.maximum(power @ self.filters.T, 10 ** (self.floor_db / 10))).astype(np.float32)


def mel_filters(n_mels: int, f_min: float, f_max: float) -> np.ndarray:
    """(n_mels, N_FFT // 2 + 1): triangles of height 1, corners evenly spaced in Slaney's mel."""
    corners = _mel_to_hz(np.linspace(_hz_to_mel(f_min), _hz_to_mel(f_max), n_mels + 2))
    bins = np.arange(N_FFT // 2 + 1) * SAMPLE_RATE / N_FFT
    low, centre, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    return np.clip(np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)), 0, None)


# Slaney's Auditory Toolbox: 3 mel per 200 Hz up to 1 kHz, 27 mel per factor 6.4 above.
_KNEE_HZ, _KNEE_MEL, _MEL_PER_LOG = 1000.0, 15.0, 27 / np.log(6.4)


def _hz_to_mel(hz: float) -> float:
    return hz * 3 / 200 if hz < _KNEE_HZ else _KNEE_MEL + _MEL_PER_LOG * np.log(hz / _KNEE_HZ)


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    above = _KNEE_HZ * np.exp((np.maximum(mel, _KNEE_MEL) - _KNEE_MEL) / _MEL_PER_LOG)
    return np.where(mel < _KNEE_MEL, mel * 200 / 3, above)
