"""Features of wav2vec2 and its like (HuBERT, WavLM) at the video's frame rate.

Alignment: these models begin with convolutions without padding. With strides s and kernels k, row m hears samples
S m .. S m + R - 1, S the product of the strides and R = 1 + sum (k_i - 1) * (the strides before i); for wav2vec2 S =
320 and R = 400. Row m is centred on sample S m + (R - 1) / 2 = 320 m + 199.5, and `resample` takes it from there. R
more samples follow the last frame (the sound's own, else silence), so that rows cover that frame's end.

Sound of up to 30 s is one window; longer sound is cut as `windows` says, with 5 s shared. Attention hears a whole
window, and so do the first layer's statistics of base models, so no row of a cut sound is exactly what it would be
uncut.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import torch

from erlnet.audio.pretrained import import_transformers, read_config, read_extractor, read_model
from erlnet.audio.resample import frame_means
from erlnet.audio.sound import FPS, FRAME, SAMPLE_RATE, check_sound, stretch
from erlnet.audio.windows import in_windows
from erlnet.errors import UserError

WINDOW = 30 * FPS  # frames
OVERLAP = 5 * FPS
_OPTION = "wav2vec2.model"


class Wav2Vec2Encoder:
    """The callable that `Wav2Vec2` builds; `width` is the model's hidden size."""

    future = math.inf

    def __init__(self, model: str, layer: int, window: int = WINDOW, overlap: int = OVERLAP):
        """`model` as of `Wav2Vec2`; `window` and `overlap` in frames. Errors as of `Wav2Vec2.build`."""
        transformers = import_transformers("audio=wav2vec2")
        config = read_config(transformers, _OPTION, model)
        kernels, strides = getattr(config, "conv_kernel", None), getattr(config, "conv_stride", None)
        if not kernels or not strides:
            raise UserError(f"{_OPTION}={model}: a {config.model_type} model; wav2vec2, HuBERT or WavLM is needed")
        extractor = read_extractor(transformers.Wav2Vec2FeatureExtractor, _OPTION, model)
        if extractor.sampling_rate != SAMPLE_RATE:
            raise UserError(f"{_OPTION}={model}: takes {extractor.sampling_rate} Hz; only {SAMPLE_RATE} Hz is given")
        if not -config.num_hidden_layers - 1 <= layer <= config.num_hidden_layers:
            raise UserError(
                f"wav2vec2.layer={layer}: {model} has layers 0 to {config.num_hidden_layers} (-1 is the last)"
            )
        self.width: int = config.hidden_size
        self.stride, self.receptive = stride_and_receptive_field(kernels, strides)
        self._normalise: bool = extractor.do_normalize
        self._layer, self._window, self._overlap = layer, window, overlap
        self._model = read_model(transformers.AutoModel, _OPTION, model, config)

    def __call__(self, samples: np.ndarray, n_frames: int) -> np.ndarray:
        """(N,) float mono at 16 kHz -> (n_frames, width) float32.

        Shorter sound is padded with silence, longer sound is cut. UserError as of `check_sound`.
        """
        samples = check_sound(samples, n_frames)[: n_frames * FRAME + self.receptive]
        if self._normalise:  # over the whole sound, as the models' own extractor does
            mean, deviation = _statistics(samples)
        else:
            mean, deviation = 0.0, 1.0
        scaled = partial(self._rows, samples, mean, deviation)
        return in_windows(scaled, self.width, n_frames, self._window, self._overlap)

    @torch.inference_mode()
    def _rows(self, samples: np.ndarray, mean: float, deviation: float, start: int, stop: int) -> np.ndarray:
        """Frames [start, stop)."""
        end = stop * FRAME + self.receptive
        kept = (samples[start * FRAME : end] - np.float32(mean)) / np.float32(deviation)
        sound = stretch(kept, 0, end - start * FRAME)  # silence is 0 after the scaling too, as in the models' batches
        rows = self._model(torch.from_numpy(sound)[None], output_hidden_states=True).hidden_states[self._layer][0]
        expected = (len(sound) - self.receptive) // self.stride + 1
        if len(rows) != expected:
            raise UserError(f"{_OPTION}: the model gives {len(rows)} rows where its convolutions make {expected}")
        return frame_means(rows.numpy(), (self.receptive - 1) / 2, self.stride, stop - start)


def stride_and_receptive_field(kernels: Any, strides: Any) -> tuple[int, int]:
    """(samples from row to row, samples that a row hears) of a stack of unpadded convolutions, the first one first."""
    step, heard = 1, 1
    for kernel, stride in zip(kernels, strides):
        heard += (kernel - 1) * step
        step *= stride
    return step, heard


def _statistics(samples: np.ndarray) -> tuple[float, float]:
    """(mean, deviation) of the sound; the 1e-7 is that of transformers' extractor, and keeps silence silent."""
    return float(samples.mean(dtype=np.float64)), math.sqrt(float(samples.var(dtype=np.float64)) + 1e-7)
