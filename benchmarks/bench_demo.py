"""The demo: speech and motion of one clip, the motion bank; a sweep that has nothing left to do."""

import subprocess
import sys

import numpy as np

from erlnet.data.components import Bank, Landmarks
from erlnet.data.demo.speech import perform
from erlnet.data.silence import Silence
from erlnet.head.blendshapes import MEDIAPIPE_NAMES
from erlnet.head.components import MakeHuman
from erlnet.interfaces import Preparation


def bench_perform_100_frames(benchmark):
    names = tuple(n for n in MEDIAPIPE_NAMES if n != "_neutral")
    made = benchmark(perform, 0, 0, "happy", 100, names, np.array([0.0, -0.089, -0.041]))
    assert len(made.jaw) == 100


def bench_help(benchmark):
    """A process of its own: what a person waits for."""
    command = [sys.executable, "-m", "erlnet.ablate", "--help"]
    shown = benchmark.pedantic(lambda: subprocess.run(command, capture_output=True, check=True), rounds=5)
    assert b"sweeps" in shown.stdout


def bench_motion_bank(benchmark, tmp_path_factory):
    """The default bank, 120 clips of 4 s."""

    def fill():
        out = tmp_path_factory.mktemp("bank")
        Bank().build().prepare(Preparation(None, out, out, Landmarks(), MakeHuman(), 2, Silence()))
        return out

    out = benchmark.pedantic(fill, rounds=3)
    assert len(list(out.glob("*/clip.json"))) == 120
