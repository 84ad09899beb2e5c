"""Features of Whisper's encoder at the video's frame rate.

Alignment: mel column j is a 25 ms window centred on sample 160 j (the sound is mirrored at its ends). The first
convolution (kernel 3, padding 1) keeps the columns' places, the second (stride 2) keeps every other one, so row i is
centred on sample 320 i, and the odd rows lie on the frames' centres 640 t + 320. `resample` takes the mean over the
frame: 1/4, 1/2, 1/4 of rows 2t, 2t + 1, 2t + 2.

Whisper hears exactly 30 s: shorter sound is followed by silence and the rows of that silence are dropped, longer sound
is cut as `windows` says, with 5 s shared. Each window is scaled by its own loudest moment, as Whisper's own is.
"""

from __future__ import annotations

import math
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import torch

from erlnet.assets import asset_path
from erlnet.audio.pretrained import import_transformers, read_config, read_model
from erlnet.audio.resample import frame_means
from erlnet.audio.sound import FPS, FRAME, SAMPLE_RATE, check_sound
from erlnet.audio.whisper_weights import encoder_from_ct2
from erlnet.audio.windows import in_windows
from erlnet.errors import UserError

WINDOW = 30 * FPS  # frames
OVERLAP = 5 * FPS
STRIDE = 320  # samples from row to row
_ROWS = WINDOW * FRAME // STRIDE
_OPTION = "whisper.model"


class WhisperFeatures:
    """The callable that `Whisper` builds; `width` is the model's (tiny.en: 384)."""

    future = math.inf

    def __init__(self, model: str):
        """`model` as of `Whisper`. Errors as of `Whisper.build`."""
        self._encoder = _asset_or_model(import_transformers("audio=whisper"), model)
        from transformers import WhisperFeatureExtractor

        config = self._encoder.config
        if config.max_source_positions != _ROWS:
            raise UserError(f"{_OPTION}={model}: hears {config.max_source_positions / 50:g} s; 30 s is needed")
        self.width: int = config.d_model
        self._mel = WhisperFeatureExtractor(feature_size=config.num_mel_bins)

    def __call__(self, samples: np.ndarray, n_frames: int) -> np.ndarray:
        """(N,) float mono at 16 kHz -> (n_frames, width) float32.

        Shorter sound is padded with silence, longer sound is cut. UserError as of `check_sound`.
        """
        samples = check_sound(samples, n_frames)[: n_frames * FRAME]
        return in_windows(partial(self._rows, samples), self.width, n_frames, WINDOW, OVERLAP)

    @torch.inference_mode()
    def _rows(self, samples: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Frames [start, stop), at most 30 s."""
        rows = self._encoder(torch.from_numpy(self.mel(samples[start * FRAME : stop * FRAME]))).last_hidden_state[0]
        needed = 2 * (stop - start) + 1
        return frame_means(rows[:needed].numpy(), 0, STRIDE, stop - start)

    def mel(self, sound: np.ndarray) -> np.ndarray:
        """(N,) up to 30 s -> (1,n_mels,3000) float32: log-mel as Whisper wants it, silence to the end."""
        padded = np.zeros(WINDOW * FRAME, np.float32)
        padded[: len(sound)] = sound
        return self._mel(padded, sampling_rate=SAMPLE_RATE, return_tensors="np").input_features


def _asset_or_model(transformers: ModuleType, model: str) -> Any:
    """The encoder alone, without the decoder."""
    if not model:
        return encoder_from_ct2(transformers, asset_path("whisper", "audio=whisper"))
    config = read_config(transformers, _OPTION, model)
    if config.model_type != "whisper":
        raise UserError(f"{_OPTION}={model}: a {config.model_type} model; a Whisper model is needed")
    return read_model(transformers.WhisperModel, _OPTION, model, config).encoder
