"""The demo: speech and motion of one clip; a sweep that has nothing left to do."""

import subprocess
import sys

import numpy as np

from erlnet.data.demo.speech import perform
from erlnet.head.blendshapes import MEDIAPIPE_NAMES


def bench_perform_100_frames(benchmark):
    names = tuple(n for n in MEDIAPIPE_NAMES if n != "_neutral")
    made = benchmark(perform, 0, 0, "happy", 100, names, np.array([0.0, -0.089, -0.041]))
    assert len(made.jaw) == 100


def bench_help(benchmark):
    """A process of its own: what a person waits for."""
    command = [sys.executable, "-m", "erlnet.ablate", "--help"]
    shown = benchmark.pedantic(lambda: subprocess.run(command, capture_output=True, check=True), rounds=5)
    assert b"sweeps" in shown.stdout
