"""What fills the slot `audio`; torch-free and numpy-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from erlnet.audio.logmel import LogMelEncoder
    from erlnet.audio.wav2vec2 import Wav2Vec2Encoder
    from erlnet.audio.whisper import WhisperFeatures


@dataclass(frozen=True)
class LogMel:
    """Log-mel spectrogram at a 10 ms hop, four columns stacked to each video frame; learns nothing."""

    VERSION: ClassVar[int] = 1

    n_mels: int = 80
    f_min: float = 0.0  # Hz
    f_max: float = 8000.0  # Hz
    floor_db: float = -80.0  # quieter than this reads as this; dB below a full-scale sine

    def build(self) -> LogMelEncoder:
        """UserError where the options make no filter bank."""
        from erlnet.audio.logmel import LogMelEncoder

        return LogMelEncoder(self.n_mels, self.f_min, self.f_max, self.floor_db)


@dataclass(frozen=True)
class Wav2Vec2:
    """One hidden state of a frozen wav2vec2, HuBERT or WavLM model (extra: speech)."""

    VERSION: ClassVar[int] = 1

    model: str = "facebook/wav2vec2-base-960h"  # a folder in transformers' format, or a hub name that is in its cache
    layer: int = -1  # which hidden state: 0 goes into the first transformer layer, 1 comes out of it, -1 is the last

    def build(self) -> Wav2Vec2Encoder:
        """AssetMissing without the package transformers or the model; UserError where it is another kind of model."""
        from erlnet.audio.wav2vec2 import Wav2Vec2Encoder

        return Wav2Vec2Encoder(self.model, self.layer)


@dataclass(frozen=True)
class Whisper:
    """The last hidden state of a frozen Whisper encoder (extra: speech; asset: whisper)."""

    VERSION: ClassVar[int] = 1

    model: str = ""  # "": the asset, tiny.en; else a folder or a hub name, as of Wav2Vec2

    def build(self) -> WhisperFeatures:
        """AssetMissing without the package transformers or the model; UserError where it is another kind of model."""
        from erlnet.audio.whisper import WhisperFeatures

        return WhisperFeatures(self.model)
