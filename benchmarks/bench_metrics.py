"""Scores: frames a second of ours against the references frame by frame.

`pytest benchmarks/bench_metrics.py --benchmark-disable -s` prints the table. Ours and the reference take turns, so that
whatever else the machine does slows both; frames are real ones where ../shared is there. BENCH_FRAMES (500) frames of
512 x 512 are scored, by the references the first BENCH_REFERENCE_FRAMES (50) of them; BENCH_THREADS (1) is the number
of torch's threads. The published CPBD package is called where it is installed, or in the Python that CPBD_PYTHON names.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut
from skimage.metrics import structural_similarity

from erlnet.assets import asset_path
from erlnet.errors import AssetMissing
from erlnet.metrics.cpbd import cpbd, luma
from erlnet.metrics.lpips import Lpips, frame_distance, load_lpips
from erlnet.metrics.ssim import GAUSSIAN, UNIFORM, ssim_map

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "metrics"))

from published_cpbd import published_cpbd  # noqa: E402 - beside the tests that compare values with it

FRAMES = int(os.environ.get("BENCH_FRAMES", "500"))
REFERENCE_FRAMES = min(FRAMES, int(os.environ.get("BENCH_REFERENCE_FRAMES", "50")))
THREADS = int(os.environ.get("BENCH_THREADS", "1"))
SIZE, DISTINCT, BATCH, ROUNDS = 512, 24, 8, 5
REAL = ROOT.parent / "shared" / "data" / "clips" / "dfrf_french.mp4"
WANG = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def film(count: int) -> np.ndarray:
    """(count,3,512,512) uint8: up to 24 different frames, then the same again."""
    if REAL.is_file():
        with av.open(str(REAL)) as container:
            images = [frame.to_image() for frame, _ in zip(container.decode(video=0), range(DISTINCT))]
        distinct = [np.asarray(image.resize((SIZE, SIZE))) for image in images]
    else:
        whole = np.asarray(Image.fromarray(astronaut()).resize((SIZE, SIZE)))
        distinct = [np.roll(whole, k, axis=1) for k in range(DISTINCT)]
    return np.stack([distinct[i % DISTINCT].transpose(2, 0, 1) for i in range(count)])


@dataclass
class Race:
    """Ours and the reference on the same frames, in turns; seconds and values of each."""

    name: str
    ours: Callable[[np.ndarray, np.ndarray], list[float]]
    theirs: Callable[[np.ndarray, np.ndarray], tuple[list[float], float]]
    seconds: list[float] = field(default_factory=lambda: [0.0, 0.0])
    frames: list[int] = field(default_factory=lambda: [0, 0])
    differs: float = 0.0

    def run(self, reference: np.ndarray, rendered: np.ndarray) -> None:
        self.ours(reference[:BATCH], rendered[:BATCH])
        for k in range(ROUNDS):
            bounds = [slice(n * k // ROUNDS, n * (k + 1) // ROUNDS) for n in (FRAMES, REFERENCE_FRAMES)]
            begin = time.perf_counter()
            ours = self.ours(reference[bounds[0]], rendered[bounds[0]])
            self.seconds[0] += time.perf_counter() - begin
            theirs, seconds = self.theirs(reference[bounds[1]], rendered[bounds[1]])
            self.seconds[1] += seconds
            self.frames = [n + m for n, m in zip(self.frames, (len(ours), len(theirs)))]
            if k == 0:  # rounds of both begin with the same frames only here
                n = min(len(ours), len(theirs))
                self.differs = float(np.abs(np.subtract(ours[:n], theirs[:n])).max())

    def line(self) -> str:
        ours, theirs = (n / s for n, s in zip(self.frames, self.seconds))
        return f"{self.name:<46}{ours:>9.1f}{theirs:>11.1f}{ours / theirs:>8.1f}{self.differs:>12.0e}"


def in_batches(score: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], size: int = BATCH):
    def run(reference: np.ndarray, rendered: np.ndarray) -> list[float]:
        values = []
        with torch.inference_mode():
            for i in range(0, len(reference), size):
                a, b = (torch.from_numpy(side[i : i + size]) for side in (reference, rendered))
                values += score(a, b).tolist()
        return values

    return run


def timed(score: Callable[[np.ndarray, np.ndarray], list[float]]):
    def run(reference: np.ndarray, rendered: np.ndarray) -> tuple[list[float], float]:
        begin = time.perf_counter()
        values = score(reference, rendered)
        return values, time.perf_counter() - begin

    return run


def skimage_ssim(**options):
    def score(reference: np.ndarray, rendered: np.ndarray) -> list[float]:
        pairs = zip(reference.transpose(0, 2, 3, 1), rendered.transpose(0, 2, 3, 1))
        return [float(structural_similarity(a, b, channel_axis=2, data_range=255, **options)) for a, b in pairs]

    return timed(score)


def lpips_of(network: Lpips):
    def score(reference: torch.Tensor, rendered: torch.Tensor) -> torch.Tensor:
        layers = (network.features(side, data_range=255.0) for side in (reference, rendered))
        return frame_distance(network.layer_maps(*layers))

    return score


def races() -> tuple[list[Race], list[str]]:
    """Those that can be run here, and what cannot, with the reason."""
    found, absent = [], []
    for name, window, options in (("Gaussian 11", GAUSSIAN, WANG), ("uniform 7", UNIFORM, {})):
        ours = in_batches(lambda a, b, w=window: ssim_map(a, b, data_range=255.0, window=w).mean(dim=(1, 2)))
        found.append(Race(f"SSIM, {name}, against scikit-image", ours, skimage_ssim(**options)))
    whether = published_cpbd(np.zeros((1, 256, 256), np.uint8))
    if isinstance(whether, str):
        absent.append(f"CPBD: {whether}")
    else:
        ours = in_batches(lambda _, rendered: torch.from_numpy(cpbd(luma(rendered.numpy()))))
        found.append(Race("CPBD, against the published package", ours, lambda _, r: published_cpbd(luma(r))))
    try:
        score = lpips_of(load_lpips(asset_path("lpips", "this benchmark")))
    except AssetMissing as missing:
        absent.append(f"LPIPS: {missing}")
    else:
        found.append(Race("LPIPS, batches against frame by frame", in_batches(score), timed(in_batches(score, 1))))
    return found, absent


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    yield
    torch.set_num_threads(before)


def bench_throughput():
    reference = film(FRAMES)
    rendered = np.roll(reference, 1, axis=0)
    found, absent = races()
    for race in found:
        race.run(reference, rendered)
    print(f"\n{FRAMES} frames of {SIZE} x {SIZE}, references on {REFERENCE_FRAMES}, {THREADS} thread(s)")
    print(f"{'frames/s':<46}{'ours':>9}{'reference':>11}{'times':>8}{'difference':>12}")
    print("\n".join([race.line() for race in found] + [f"not measured: {line}" for line in absent]))
    both = [race for race in found if race.name.startswith(("SSIM, G", "CPBD"))]
    if len(both) == 2:
        seconds = [sum(race.seconds[i] / race.frames[i] for race in both) for i in (0, 1)]
        total = f"{1 / seconds[0]:>9.1f}{1 / seconds[1]:>11.1f}{seconds[1] / seconds[0]:>8.1f}"
        print(f"{'SSIM (Gaussian) and CPBD of each frame':<46}{total}")
    for race in found:
        assert race.differs <= (1e-3 if race.name.startswith("CPBD") else 1e-5)


@pytest.fixture(scope="module")
def noise():
    generator = torch.Generator().manual_seed(0)
    reference = torch.randint(0, 256, (16, 3, 256, 256), dtype=torch.uint8, generator=generator)
    change = torch.randint(-9, 10, reference.shape, generator=generator)
    return reference, (reference.int() + change).clamp(0, 255).to(torch.uint8)


def bench_ssim_16_frames_256(benchmark, noise):
    with torch.inference_mode():
        value = benchmark(lambda: ssim_map(*noise, data_range=255))
    assert len(value) == 16


def bench_cpbd_16_frames_256(benchmark, noise):
    planes = luma(noise[0].numpy())
    assert len(benchmark(lambda: cpbd(planes))) == 16
