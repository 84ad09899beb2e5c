"""What fills the slot `audio`; torch-free and numpy-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from erlnet.audio.logmel import LogMelEncoder


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
