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

    def __post_init__(self) -> None:
        _check(self, ("steps", "batch", "window"), ("jitter",))


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
        _check(self, ("steps", "batch", "window", "width", "heads", "style_width"), ("layers", "reach", "weight_decay",
               "code_weight"))  # fmt: skip
        for name in ("dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: expected a share from 0 to less than 1")


def _check(settings: CodecSettings | MotionSettings, from_1: tuple[str, ...], from_0: tuple[str, ...]) -> None:
    """ValueError here, before anything trains, and not from within a network."""
    if not 0 < settings.lr < float("inf"):
        raise ValueError(f"lr={settings.lr}: expected a number above 0")
    for names, least in ((from_1, 1), (from_0, 0)):
        for name in names:
            if not least <= getattr(settings, name) < float("inf"):
                raise ValueError(f"{name}={getattr(settings, name)}: expected {least} or more")
