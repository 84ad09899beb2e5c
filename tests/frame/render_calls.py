"""Calls of `render`, and what they are compared with."""

import json

import av
import numpy as np
from PIL import Image

from erlnet.__main__ import main
from erlnet.runs.trained_run import RENDERER, find_run

SMALL = "preset=smoke threads=1 demo.test_clips=1 demo.test_seconds=0.6 --metrics ssim --out runs"
TEST_CLIP = "test-00-neutral"


def variant_of(result):
    config = find_run(result, RENDERER).config
    return "direct" if config["conditioning"]["name"] == "direct" else config["fusion"]["name"]


def call(run, out, **words):
    flags = [x for name, word in words.items() for x in ([f"--{name}"] if word is True else [f"--{name}", str(word)])]
    return main(["render", str(run), *flags, "--out", str(out)])


def pictures(folder):
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))])


def film(path):
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def reported(run, mode):
    """The frames that the sweep itself rendered of the test clip."""
    out = run.parents[1]
    for name in json.loads((run / "result.json").read_text())["stages"]:
        if name.startswith("render/"):
            stage = out / "stages" / name
            if json.loads((stage / "config.json").read_text())["config"]["driving"] == mode:
                return pictures(stage / "frames" / TEST_CLIP)
    raise AssertionError(mode)


def clip_folder(run):
    return find_run(run, RENDERER).inputs["prepare"] / TEST_CLIP
