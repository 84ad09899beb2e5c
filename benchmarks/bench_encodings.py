"""What encoding 65,536 points costs, forward and backward: hash grid and frequencies as multiples of the tri-plane.

`pytest benchmarks/bench_encodings.py --benchmark-disable -s` prints the ratios alone. Medians of rounds that take
turns, so that whatever else the machine does slows all of them.
"""

import time
from statistics import median

import pytest
import torch
from torch import nn

from erlnet import registry
from erlnet.repeatable import fixed_order

POINTS, ROUNDS = 65_536, 7
NAMES = ("triplane", "hashgrid", "frequency")


def points(moved: bool) -> torch.Tensor:
    """`moved`: a deformation wants their gradient, too."""
    drawn = torch.rand(POINTS, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return drawn.requires_grad_(moved)


def forward_backward(encoding: nn.Module, at: torch.Tensor) -> tuple[float, float]:
    """Seconds of each; a frequency encoding has a backward only where the points want a gradient."""
    start = time.perf_counter()
    features = encoding(at)
    between = time.perf_counter()
    if features.requires_grad:
        with fixed_order():
            features.sum().backward()
    return between - start, time.perf_counter() - between


@pytest.mark.parametrize("moved", [False, True], ids=["still", "moved"])
def bench_encodings_beside_the_triplane(moved):
    torch.manual_seed(0)
    encodings = {name: registry.load("encoding", name)().build() for name in NAMES}
    at, seconds = points(moved), {name: [] for name in NAMES}
    for name in NAMES * (ROUNDS + 1):
        seconds[name].append(forward_backward(encodings[name], at))
    middle = {name: [median(part) for part in zip(*rounds[1:])] for name, rounds in seconds.items()}
    for name, (forward, backward) in middle.items():
        ratio = sum(middle[name]) / sum(middle["triplane"])
        size = sum(p.numel() for p in encodings[name].parameters())
        print(
            f"\n{name:10s} {size:>9,} parameters, {encodings[name].width} features: forward {forward * 1e3:.0f} ms, "
            f"backward {backward * 1e3:.0f} ms; {ratio:.2f} times the tri-plane",
            end="",
        )
    assert sum(middle["hashgrid"]) < 20 * sum(middle["triplane"])  # it is 1 to 3; a busy machine must not fail this


@pytest.mark.parametrize("name", NAMES)
def bench_forward_65536_points(benchmark, name):
    encoding, at = registry.load("encoding", name)().build(), points(False)
    with torch.inference_mode():
        features = benchmark(encoding, at)
    assert features.shape == (POINTS, encoding.width)
