"""The sound that SyncNet hears: 13 MFCCs every 10 ms, exactly as the package python_speech_features makes them.

Its defaults, which the weights were trained with: pre-emphasis .97, rectangular windows of 25 ms, spectrum of 512
points, 26 triangles from 0 to 8 kHz in O'Shaughnessy's mel, log, orthonormal DCT-II, lifter 22, and the frame's log
energy in the first coefficient's place. Samples are 16-bit numbers, so loudness matters.
"""

import numpy as np
from jaxtyping import Float
from scipy.fft import dct

SAMPLE_RATE = 16_000
SAMPLES = SAMPLE_RATE // 25  # of a video frame
_WINDOW, _HOP, _N_FFT = 400, 160, 512
_FILTERS, _COEFFICIENTS, _LIFTER = 26, 13, 22
_PRE_EMPHASIS = 0.97
_LEAST = np.finfo(float).eps  # in place of 0 before a logarithm


def mfcc(samples: Float[np.ndarray, " N"]) -> Float[np.ndarray, "13 M"]:
    """(N,) mono at 16 kHz in [-1,1] -> M = 1 + ceil((N - 400) / 160) columns (1 for shorter sound), 100 a second.

    Column m sees samples 160 m to 160 m + 399; silence past the end. ValueError for no sample.
    """
    if not len(samples):
        raise ValueError("the sound is empty")
    scaled = np.asarray(samples, np.float64) * 32768
    emphasised = np.append(scaled[0], scaled[1:] - _PRE_EMPHASIS * scaled[:-1])
    columns = 1 + max(0, -(-(len(scaled) - _WINDOW) // _HOP))
    padded = np.pad(emphasised, (0, max(0, (columns - 1) * _HOP + _WINDOW - len(scaled))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[: columns * _HOP : _HOP]
    power = np.abs(np.fft.rfft(windows, _N_FFT)) ** 2 / _N_FFT
    bands = _logarithm(power @ _triangles().T)
    coefficients = dct(bands, type=2, axis=1, norm="ortho")[:, :_COEFFICIENTS]
    coefficients *= 1 + _LIFTER / 2 * np.sin(np.pi * np.arange(_COEFFICIENTS) / _LIFTER)
    coefficients[:, 0] = _logarithm(power.sum(axis=1))
    return coefficients.T


def _logarithm(values: np.ndarray) -> np.ndarray:
    return np.log(np.where(values == 0, _LEAST, values))


def _triangles() -> Float[np.ndarray, "26 257"]:
    """Corners on whole bins, evenly spaced in mel = 2595 log10(1 + Hz / 700)."""
    mel = np.linspace(0, 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700), _FILTERS + 2)
    corners = np.floor((_N_FFT + 1) * 700 * (10 ** (mel / 2595) - 1) / SAMPLE_RATE)
    bins = np.arange(_N_FFT // 2 + 1)
    low, centre, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    # The published loops fill [low, centre) and [centre, high): corners lie apart, so the two meet at 1.
    return np.where(bins < centre, rising, falling).clip(0)
