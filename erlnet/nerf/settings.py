"""Sizes and step counts of the renderer; importing this imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

SHARES: dict[str, float] = {"quarter": 0.25, "half": 0.5}
"""Shares of the steps after which a renderer is also kept as it then is, to see how it came to what it is."""


def share_step(name: str, steps: int) -> int:
    """After how many of the steps a share of SHARES is full: a whole number from 1."""
    return max(1, round(SHARES[name] * steps))


def check_least(options: object, least: int, *names: str) -> None:
    """ValueError, before anything trains, where one of the options so named is under `least` or no finite number."""
    for name in names:
        value = getattr(options, name)
        if not least <= value < float("inf"):
            raise ValueError(f"{name}={value}: expected {least} or more")


@dataclass(frozen=True)
class RendererSettings:
    """What a preset sets together (`renderer.NAME=` on the command line)."""

    size: int = 256  # px, height of the image
    factor: int = 4  # image px per feature px
    steps: int = 6000
    channels: int = 48  # of the feature maps; 3 * factor^2 lets a feature hold its pixels
    hidden: int = 64  # width of the fields
    head_samples: tuple[int, ...] = (16, 8)  # a ray, before and after the occupancy is tightened
    static_samples: tuple[int, ...] = (8, 4)
    tighten_after: float = 0.1  # of the steps
    window: int = 16  # feature px, side of a training window
    windows: int = 8  # a step
    mouth_share: float = 0.3  # of the windows, centred on the mouth
    eyes_share: float = 0.1  # of the windows, centred on the eyes
    mouth_weight: float = 1.0  # added to the loss of mouth and eye pixels
    structure_weight: float = 0.2  # of 1 - SSIM beside L1
    opacity_weight: float = 0.05
    spread_weight: float = 0.003  # of the surfaces' thickness in cm (docs/training.md)
    bend_weight: float = 0.002  # of their unevenness in cm
    grid_rate: float = 1e-1  # learning rate of encodings
    rate: float = 5e-3  # of everything else
    render_batch: int = 4  # images at once when rendering

    def __post_init__(self) -> None:
        check_least(self, 1, "size", "factor", "steps", "hidden", "window", "windows", "render_batch")
        check_least(self, 3, "channels")  # a colour for each feature px
        check_least(self, 0, "mouth_weight", "structure_weight", "opacity_weight", "spread_weight", "bend_weight")
        check_least(self, 0, "tighten_after")
        for name in ("head_samples", "static_samples"):
            if len(getattr(self, name)) != 2 or min(getattr(self, name)) < 1:
                raise ValueError(f"{name}={list(getattr(self, name))}: expected two numbers from 1, such as [16,8]")
        for name in ("grid_rate", "rate"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name}={getattr(self, name)}: expected a number above 0")
        if min(self.mouth_share, self.eyes_share) < 0 or not self.mouth_share + self.eyes_share <= 1:
            raise ValueError(
                f"mouth_share={self.mouth_share} eyes_share={self.eyes_share}: expected shares of the windows, from 0, "
                "that add up to at most 1"
            )
