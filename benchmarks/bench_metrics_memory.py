"""Scores: peak memory of a process that scores N frames and of one that scores 4 N, family by family.

`pytest benchmarks/bench_metrics_memory.py -s` prints the table and fails where more frames need more memory.
BENCH_FRAMES (16, the largest batch of a family) is N. Frames are noise of 512 x 512, made as they are asked for.
"""

import os
import subprocess
import sys

FRAMES, SIZE = int(os.environ.get("BENCH_FRAMES", "16")), 512
FAMILIES = ("ssim", "ssim_uniform7", "psnr", "cpbd", "lpips")

_SCORE = """
import resource, sys
import numpy as np
import torch
from erlnet.metrics.cpbd_family import CpbdFamily
from erlnet.metrics.families import build_family
from erlnet.metrics.pairs import ClipPair, Unavailable
from erlnet.metrics.uniform_ssim_family import UniformSsimFamily

torch.set_num_threads(1)
family, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

class Film:
    def __init__(self, seed):
        self.seed = seed

    def __len__(self):
        return count

    def frames(self, start, stop):
        each = (np.random.default_rng([self.seed, k]) for k in range(start, stop))
        return np.stack([random.integers(0, 256, (3, size, size), np.uint8) for random in each])

def regions(start, stop):
    return np.full((stop - start, size, size), 255, np.uint8)

pair = ClipPair("film", "a", Film(0), Film(1), regions, np.full((count, 68, 2), np.nan))
own = {"cpbd": CpbdFamily, "ssim_uniform7": UniformSsimFamily}
try:
    (own[family]() if family in own else build_family(family)).score([pair], None)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
except Unavailable as why:
    print(f"not measured: {why}")
"""


def peak_memory(family: str, count: int) -> float | str:
    """MiB, or why the family cannot be computed here."""
    command = [sys.executable, "-c", _SCORE, family, str(count), str(SIZE)]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return said if said.startswith("not") else float(said)


def bench_memory():
    print(f"\n{'peak memory, MiB':<20}{FRAMES:>9}{4 * FRAMES:>9} frames")
    for family in FAMILIES:
        few, many = (peak_memory(family, n) for n in (FRAMES, 4 * FRAMES))
        if isinstance(few, str) or isinstance(many, str):
            print(f"{family:<20}{few}")
            continue
        print(f"{family:<20}{few:>9.0f}{many:>9.0f}")
        assert many <= 1.1 * few, f"{family} needs more memory for more frames"
