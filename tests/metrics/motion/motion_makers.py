"""Motions made of numbers, and the demo's, for tests of motion metrics."""

from functools import lru_cache

import numpy as np
import torch
from scipy.signal import lfilter

from erlnet.data.demo.speech import Performance, perform
from erlnet.head.components import MakeHuman
from erlnet.head.model import HeadModel
from erlnet.metrics.motion.record import Motion


@lru_cache(maxsize=1)
def head_model() -> HeadModel:
    return MakeHuman().build()


@lru_cache(maxsize=200)
def performance(seed: int, speaker: int, style: str, frames: int = 100) -> Performance:
    model = head_model()
    pivot = model.joints(torch.zeros(1, model.n_shape))[0, 1].double().numpy()
    return perform(seed, speaker, style, frames, model.expression_names, pivot)


def demo_motion(seed: int, speaker: int, style: str, frames: int = 100) -> Motion:
    show = performance(seed, speaker, style, frames)
    name = f"{speaker}-{style}-{seed}"
    return Motion(name, str(speaker), style, show.expression, show.jaw, show.lids, show.pose)


def wander(rng: np.random.Generator, frames: int, columns: int, memory: float = 0.8) -> np.ndarray:
    """(frames, columns) smooth noise of sd 1."""
    noise = lfilter([1.0], [1.0, -memory], rng.normal(size=(frames + 50, columns)), axis=0)[50:]
    return noise * np.sqrt(1 - memory**2)


def toy_motion(
    seed: int, frames: int = 100, units: int = 4, name: str = "clip", speaker: str = "a", style: str | None = None
) -> Motion:
    """Smooth random motion of plausible size: 4 units, a jaw, lids and a head that sways by 3 degrees and 2 mm."""
    rng = np.random.default_rng(seed)
    expression, jaw, pose = (wander(rng, frames, n) for n in (units, 3, 6))
    lids = rng.uniform(0, 1, (frames, 2))
    scale = np.r_[np.full(3, np.deg2rad(3)), np.full(3, 0.002)]
    return Motion(name, speaker, style, 0.3 + 0.1 * expression, 0.05 * jaw, lids, pose * scale)
