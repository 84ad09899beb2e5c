"""Stage `budget`: what the renderer was worth after shares of its steps, on some frames of every test clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from erlnet.data.clip import FPS, Clip
from erlnet.metrics.families import build_family
from erlnet.metrics.pairs import ClipPair, FrameSource
from erlnet.nerf.model import DbfNerf
from erlnet.runs.budget_points import ALL
from erlnet.runs.clips import open_split
from erlnet.runs.rendered import RenderedFrames
from erlnet.runs.renderer_signal import driven_by
from erlnet.runs.renderer_stages import load_renderers, torso_of
from erlnet.runs.score_stages import write_scores
from erlnet.runs.task import Task


@dataclass(frozen=True)
class Strided:
    """Every `stride`-th frame of a source."""

    source: FrameSource
    stride: int

    def __len__(self) -> int:
        return -(-len(self.source) // self.stride)

    def frames(self, start: int, stop: int) -> np.ndarray:
        """(N,3,H,W) uint8 RGB."""
        wanted = [i * self.stride for i in range(start, stop)]
        return np.concatenate([self.source.frames(i, i + 1) for i in wanted])


@dataclass(frozen=True)
class Rendering:
    """Frames that are rendered when they are asked for."""

    count: int
    render: Callable[[int, int], np.ndarray]

    def __len__(self) -> int:
        return self.count

    def frames(self, start: int, stop: int) -> np.ndarray:
        """(N,3,H,W) uint8 RGB."""
        return self.render(start, stop)


def strided_pair(clip: Clip, rendered: FrameSource, stride: int) -> ClipPair:
    """Every `stride`-th frame of a test clip beside what was rendered of it."""

    def regions(start: int, stop: int) -> np.ndarray:
        return np.concatenate([clip.regions(i * stride, i * stride + 1) for i in range(start, stop)])

    return ClipPair(
        clip.name, clip.labels.speaker, Strided(clip, stride), rendered, regions, clip.landmarks[::stride], FPS / stride
    )


def rendering(clip: Clip, model: DbfNerf, task: Task, stride: int) -> Rendering:
    """A renderer's own frames of a test clip, under the stage's driving mode."""
    signal, poses = driven_by(clip, model.components.conditioning, task.inputs)
    root, looked = torso_of(clip), torch.arange(0, len(clip), stride)

    def render(start: int, stop: int) -> np.ndarray:
        index = looked[start:stop]
        return model.frames(signal[index], poses[index], root[index]).numpy()

    return Rendering(len(looked), render)


def run_budget(task: Task) -> dict[str, Any]:
    """`scores.csv`, its rows named by the share of the steps; of all steps the frames are there already."""
    torch.set_num_threads(task.threads)
    test = open_split(task.inputs["prepare"], task.config).test
    stride = task.config["stride"]
    family = build_family(task.config["family"]["family"], task.out.parent / "detections.npz")
    named = []
    for share in (*task.config["shares"], ALL):
        models = {} if share == ALL else load_renderers(task.inputs["renderer"], share)
        pairs = []
        for clip in test:
            if share == ALL:
                finished = RenderedFrames(task.inputs["render"] / "frames" / clip.name)
                pairs.append(strided_pair(clip, Strided(finished, stride), stride))
            else:
                model = models[clip.labels.speaker]
                pairs.append(strided_pair(clip, rendering(clip, model, task, stride), stride))
        named += [(share, row) for row in family.score(pairs, task.progress)]
    write_scores(task.out / "scores.csv", named)
    return {"rows": len(named)}
