"""Rendering a person who was trained for a moment: frames a second at 256 and 512 px, steady state, and what helps.

`pytest benchmarks/bench_renderer.py --benchmark-disable -s` prints the table alone. All ways of rendering take turns,
so that whatever else the machine does slows all of them; medians of rounds, the first call told apart.
`ERLNET_DEVICE=cuda` renders on a GPU. `BENCH_COMPILE=1` compiles, too, which takes a minute.
"""

import copy
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest
import torch
import torch.nn.functional as F

from erlnet import registry
from erlnet.data.clip import open_clip
from erlnet.data.components import Demo, Landmarks
from erlnet.data.silence import Silence
from erlnet.device import chosen_device, usable_device
from erlnet.head.components import MakeHuman
from erlnet.interfaces import SLOTS, Preparation
from erlnet.nerf.cameras import Pinhole
from erlnet.nerf.files import save_renderer
from erlnet.nerf.model import DbfNerf, RendererComponents
from erlnet.nerf.pace import Pace, has_bfloat16, quicken
from erlnet.nerf.settings import RendererSettings
from erlnet.nerf.training import train_renderer
from erlnet.presets import preset_values
from erlnet.runs.renderer_stages import training_data

SLOT_NAMES = ("branches", "conditioning", "encoding", "deform", "fusion", "upsampler", "perceptual")
STEPS, FRAMES, ROUNDS = 200, 24, 7
PRESETS = {256: "full", 512: "full512"}

PEAK = """
import resource, sys, torch
from pathlib import Path
sys.path.insert(0, {here!r})
from bench_renderer import components, settings
from erlnet.nerf.files import load_renderer
from erlnet.nerf.pace import Pace, quicken
model = quicken(load_renderer(Path({file!r}), components(), settings({size})), Pace())
driving = torch.load({driving!r})
for _ in range({times}):
    model.frames(*driving)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def components() -> RendererComponents:
    return RendererComponents(**{slot: registry.load(slot, SLOTS[slot])() for slot in SLOT_NAMES})


def settings(size: int) -> RendererSettings:
    values = preset_values(PRESETS[size])
    own = {name.partition(".")[2]: value for name, value in values.items() if name.startswith("renderer.")}
    return RendererSettings(**own | {"steps": STEPS})


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """A demo speaker at 256 px as training data."""
    out = tmp_path_factory.mktemp("demo")
    demo = Demo(size=256, train_clips=2, test_clips=1, train_seconds=2.0, test_seconds=1.0)
    demo.build().prepare(Preparation(None, out, out, Landmarks(), MakeHuman(), 2, Silence()))
    clips = [open_clip(file.parent) for file in sorted(out.glob("*train*/clip.json"))]
    return training_data(clips[0].labels.speaker, clips, components().conditioning, {"prepare": out})


def at_size(filmed, size: int):
    """The same person at another size; enlarged where the film is smaller."""
    factor = size // filmed.frames.shape[-1]
    if factor == 1:
        return filmed
    camera = filmed.camera
    larger = Pinhole(
        *(factor * v for v in (camera.fx, camera.fy, camera.cx, camera.cy)),
        height=factor * camera.height, width=factor * camera.width,
    )  # fmt: skip
    frames = F.interpolate(filmed.frames.float(), scale_factor=factor, mode="bilinear", align_corners=False)
    regions = filmed.regions.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
    return replace(
        filmed,
        frames=frames.round().to(torch.uint8),
        regions=regions,
        camera=larger,
        landmarks=filmed.landmarks * factor,
    )


@pytest.fixture(scope="module", params=sorted(PRESETS))
def person(request, filmed):
    """(size, trained model, what drives FRAMES frames)."""
    data, device = at_size(filmed, request.param), usable_device(chosen_device())
    model, _ = train_renderer(data, components(), settings(request.param), 0, Silence(), device=device)
    return request.param, model, data.driving(torch.arange(FRAMES))


def nothing_skipped(model: DbfNerf) -> DbfNerf:
    """Every ray of the boxes, with the samples that a training begins with."""
    whole = copy.deepcopy(model)
    for branch, counts in zip(whole.branches.each(), (model.settings.head_samples, model.settings.static_samples)):
        branch.box.occupancy.cells.fill_(1)
        branch.samples.fill_(counts[0])
    return whole


def ways_of(model: DbfNerf) -> dict[str, DbfNerf]:
    ways = {"float32": quicken(model, Pace("float32"))}
    if has_bfloat16(model.plate.device):
        ways["bfloat16 upsampler"] = quicken(model, Pace("bfloat16"))
    if os.environ.get("BENCH_COMPILE"):
        ways["and compiled fields"] = quicken(model, Pace(compile=True))
    return ways | {"float32, nothing skipped": quicken(nothing_skipped(model), Pace("float32"))}


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def bench_ways_of_rendering(person):
    size, model, driving = person
    ways = ways_of(model)
    first = {name: seconds_of(lambda way=way: way.frames(*driving)) for name, way in ways.items()}
    took = {name: [] for name in ways}
    with torch.inference_mode():
        for name in [*ways] * ROUNDS:
            took[name].append(seconds_of(lambda way=ways[name]: way.frames(*driving)) / FRAMES)
    middle = {name: median(seconds) for name, seconds in took.items()}
    for name, seconds in middle.items():
        print(
            f"\n{size} px, {name:24s} {1e3 * seconds:6.1f} ms a frame, {1 / seconds:5.1f} frames/s, "
            f"{seconds / middle['float32']:.2f} times float32; first call {first[name]:.1f} s for {FRAMES}",
            end="",
        )
    assert middle["float32, nothing skipped"] > middle["float32"]


def bench_peak_memory(person, tmp_path):
    """A process of its own that renders 24 frames, and one that renders ten times as many."""
    size, model, driving = person
    file, drive = tmp_path / "renderer.safetensors", tmp_path / "driving.pt"
    save_renderer(file, model)
    torch.save(tuple(driving), drive)
    peaks = []
    for times in (1, 10):
        here = os.path.dirname(__file__)
        code = PEAK.format(here=here, file=str(file), size=size, driving=str(drive), times=times)
        shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        peaks.append(float(shown.stdout))
    print(f"\n{size} px: peak {peaks[0]:.0f} MiB for {FRAMES} frames, {peaks[1]:.0f} MiB for {10 * FRAMES}", end="")
    assert peaks[1] < 1536
    assert peaks[1] < 1.15 * peaks[0]


def bench_frames(benchmark, person):
    """What a sweep renders with."""
    _, model, driving = person
    frames = benchmark(model.frames, *driving)
    assert frames.dtype == torch.uint8
    assert len(frames) == FRAMES
