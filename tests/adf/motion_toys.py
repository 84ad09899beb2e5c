"""Small smooth motions whose jaw can be heard, for the tests of this room."""

import torch
from torch import Tensor

from erlnet.adf.components import Dual, Ema, TransformerStyle
from erlnet.adf.settings import CodecSettings, MotionSettings
from erlnet.adf.train_codec import train_codec
from erlnet.adf.train_mapper import TrainingClip

WIDTH, FEATURES = 9, 12  # expression stream of 4 units, jaw 3, lids 2
JAW = 4
VQ = Dual(width=32, heads=2, reach=4, code_dim=8)
QUANTIZER = Ema(codes=32)
STYLE = TransformerStyle(width=16, heads=2)
CODEC_SETTINGS = CodecSettings(steps=120, batch=4, window=48)
MOTION_SETTINGS = MotionSettings(steps=150, batch=4, window=48, width=32, heads=2, reach=3)


class Silent:
    """A Progress that notes how far it was told to be."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        self.steps.append((step, total))

    def note(self, text: str) -> None:
        pass


def smooth(generator: torch.Generator, length: int, width: int, seconds: float) -> Tensor:
    """(length, width) of variance about 1: white noise through a Gaussian of this sd."""
    offsets = torch.arange(-25, 26) / 25
    kernel = torch.exp(-0.5 * (offsets / seconds) ** 2)
    kernel = kernel / kernel.square().sum().sqrt()
    noise = torch.randn(1, width, length + 50, generator=generator)
    return torch.nn.functional.conv1d(noise.transpose(0, 1), kernel[None, None]).squeeze(1).T


def toy_clip(seed: int, length: int = 80, style: str = "calm") -> TrainingClip:
    """The jaw and the first unit follow the sound; `lively` doubles the jaw's swing and lifts the second unit."""
    generator = torch.Generator().manual_seed(seed)
    voice = smooth(generator, length, 2, 0.08)
    mixing = torch.randn(2, FEATURES, generator=torch.Generator().manual_seed(77))
    features = voice @ mixing + 0.1 * torch.randn(length, FEATURES, generator=generator)
    swing, lift = (0.2, 0.6) if style == "lively" else (0.1, 0.0)
    slow = smooth(generator, length, 3, 0.4)
    expression = torch.zeros(length, WIDTH)
    expression[:, 0] = 0.1 * voice[:, 1]
    expression[:, 1] = lift + 0.05 * slow[:, 0]
    expression[:, JAW] = 0.2 + swing * voice[:, 0]
    expression[:, JAW + 3 :] = 0.3 * slow[:, 1:]
    expression += 0.005 * torch.randn(length, WIDTH, generator=generator)
    pose = 0.05 * smooth(generator, length, 6, 0.4)
    return TrainingClip(features, expression, pose, "somebody", style)


def toy_clips() -> list[TrainingClip]:
    """Six training clips, both styles in turn."""
    return [toy_clip(seed, style=("calm", "lively")[seed % 2]) for seed in range(6)]


def make_codec(seed: int = 0, settings: CodecSettings = CODEC_SETTINGS):
    """(codec, metrics) of a training on the toy clips."""
    clips = toy_clips()
    expression, pose = [c.expression for c in clips], [c.pose for c in clips]
    return train_codec(expression, pose, VQ, QUANTIZER, settings, seed, Silent())
