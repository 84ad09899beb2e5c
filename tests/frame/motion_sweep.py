"""Sweeps of stage one at smoke size, from the command line."""

import os
import subprocess
import sys

SMALL = ["dataset=bank", "preset=smoke", "threads=1"]
SWEEP = [*SMALL, "vq=dual,none"]


def ablate(folder, *words):
    command = [sys.executable, "-m", "erlnet.ablate", *words, "--out", "runs"]
    environment = os.environ | {"ERLNET_ASSETS": str(folder / "no-assets"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)


def scores(row):
    return {(s["metric"], s["driving"]): s for s in row["scores"]}
