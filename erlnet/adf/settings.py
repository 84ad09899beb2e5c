"""How the stages `codec` and `motion` train; torch-free. Steps, never seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CodecSettings:
    """Stage `codec`: the motion codecs."""

    steps: int = 300  # for each codec
    batch: int = 8  # windows a step
    window: int = 64  # frames; a shorter clip is taken whole
    lr: float = 4e-3
    jitter: float = 0.3  # training sds by which windows are moved and scaled at random


@dataclass(frozen=True)
class MotionSettings:
    """Stage `motion`: style encoder and mapper. The mapper belongs to no slot, so its sizes stand here."""

    steps: int = 500
    batch: int = 8  # windows a step
    window: int = 64  # frames; a shorter clip is taken whole
    lr: float = 4e-3
    weight_decay: float = 1.0  # for a minute of training motion or less; n minutes take 1/n of it
    width: int = 64
    layers: int = 1
    heads: int = 4
    reach: int = 6  # frames of sound and of motion that a layer sees to either side
    style_width: int = 32
    dropout: float = 0.2  # of what is heard of the sound
    face_energy: float = 0.6  # energy score of the expression beside its error
    head_energy: float = 1.0  # energy score of the head pose, which nothing else trains
    code_weight: float = 0.1  # cross-entropy of the codes beside the error of the decoded motion
    label_smoothing: float = 0.1
    lookahead: int = -1  # frames of sound that the mapper sees ahead; -1: as far as its attention reaches

    def __post_init__(self) -> None:
        if self.head_energy <= 0 or self.face_energy < 0:
            raise ValueError("head_energy must be above 0, nothing else trains the head pose; face_energy at least 0")
