"""Stages `renderer` and `render`: files around erlnet.nerf. One renderer a speaker, because a NeRF is one person."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlnet.data.clip import Camera, Clip
from erlnet.device import chosen_device, usable_device
from erlnet.errors import UserError
from erlnet.interfaces import Conditioning
from erlnet.nerf.cameras import Pinhole
from erlnet.nerf.checkpoints import Kept, seconds_between
from erlnet.nerf.files import load_renderer, save_renderer
from erlnet.nerf.fitness import check_fit
from erlnet.nerf.footage import sample_frames
from erlnet.nerf.health import NOT_APPLICABLE, HealthTotals
from erlnet.nerf.model import DbfNerf, RendererComponents
from erlnet.nerf.settings import RendererSettings
from erlnet.nerf.training import RendererData, train_renderer
from erlnet.nerf.work import multiply_adds
from erlnet.runs.clips import open_split
from erlnet.runs.folders import write_json
from erlnet.runs.rendered import write_frames
from erlnet.runs.renderer_signal import driven_by, person_head, training_signal
from erlnet.runs.task import Task, component_of, read_config

BATCH = 32  # frames of a clip in memory at once
HEALTH_MODES = ("tracked", "audio")  # their head pose is the tracked one, so that the true regions fit
HEALTH_STRIDE = 5  # every fifth test frame is looked at by the health gate
WORK_FRAMES = 4  # over which the arithmetic of a frame is averaged


def components_of(config: dict[str, Any]) -> RendererComponents:
    parts: dict[str, Any] = {f.name: component_of(config[f.name], f.name) for f in fields(RendererComponents)}
    return RendererComponents(**parts)


def speakers_of(clips: list[Clip]) -> dict[str, list[Clip]]:
    grouped: dict[str, list[Clip]] = {}
    for clip in clips:
        grouped.setdefault(clip.labels.speaker, []).append(clip)
    return grouped


def renderer_file(folder: Path, number: int) -> Path:
    """Numbered, because a speaker's name may be no file name."""
    return folder / f"renderer-{number:03d}.safetensors"


def training_data(
    speaker: str, clips: list[Clip], conditioning: Conditioning, inputs: Mapping[str, Path]
) -> RendererData:
    """All training frames of one speaker, in a row; `inputs` are finished stages, `features` where sound conditions."""
    cameras = {clip.camera for clip in clips}
    if len(cameras) > 1:
        raise UserError(
            f"speaker '{speaker}' has training clips with {len(cameras)} different cameras; "
            "a renderer stands before one fixed camera: use the clips of one video"
        )
    return RendererData(
        frames=torch.from_numpy(np.concatenate([clip.frames() for clip in clips])),
        regions=torch.from_numpy(np.concatenate([clip.regions() for clip in clips])),
        signal=training_signal(clips, conditioning, inputs),
        head_to_world=torch.from_numpy(np.concatenate([clip.coefficients.head_to_world for clip in clips])),
        root=torch.cat([torso_of(clip) for clip in clips]),
        camera=pinhole(cameras.pop()),
        landmarks=torch.from_numpy(np.concatenate([clip.landmarks for clip in clips])).float(),
        valid=torch.from_numpy(np.concatenate([clip.coefficients.valid for clip in clips])),
        head=person_head(clips, conditioning, inputs["prepare"]),
    )


def torso_of(clip: Clip) -> Tensor:
    """(T,4,4) the torso to the world, as tracked."""
    return torch.from_numpy(clip.coefficients.torso_to_world(clip.camera)).float()


def pinhole(camera: Camera) -> Pinhole:
    return Pinhole(camera.fx, camera.fy, camera.cx, camera.cy, camera.height, camera.width)


def check_needs(config: dict[str, Any]) -> None:
    """UserError where a renderer with these components could not be trained here: weights, libraries, the device."""
    device, components = usable_device(chosen_device()), components_of(config)
    seconds_between()
    components.perceptual.build()
    components.encoding.build().to(device)(torch.zeros(1, 3, device=device))


def run_renderer(task: Task) -> dict[str, Any]:
    """`renderer-NNN.safetensors`, one a speaker; in `budget/` the same after SHARES of the steps.

    They lie in the stage's checkpoints until all are made, so that a killed job loses neither a speaker nor much time.
    """
    torch.set_num_threads(task.threads)
    settings = RendererSettings(**task.config["renderer"])
    split = open_split(task.inputs["prepare"], {"split": task.config["split"], "size": settings.size})
    components, device = components_of(dict(task.config)), usable_device(chosen_device())
    figures: dict[str, Any] = {}
    for number, (speaker, clips) in enumerate(speakers_of(split.train).items()):
        file = renderer_file(task.checkpoints, number)
        told = file.with_suffix(".json")  # written last: this speaker is done
        if told.exists():
            figures[speaker] = json.loads(told.read_text())
            figures[speaker]["seconds_before"] = figures[speaker]["seconds"]
            continue
        data = training_data(speaker, clips, components.conditioning, task.inputs)
        check_fit(data, settings, f"speaker '{speaker}'")
        kept = Kept(task.checkpoints, file.stem, seconds_between())
        model, metrics = train_renderer(data, components, settings, task.seed, task.progress, kept, device)
        save_renderer(file, model)
        work = multiply_adds(model.requires_grad_(False), data.driving(sample_frames(data, WORK_FRAMES)))
        figures[speaker] = metrics | {"multiply_adds_per_frame": work}
        write_json(told, figures[speaker])
        kept.checkpoint.unlink(missing_ok=True)
    for file in sorted(task.checkpoints.rglob("*.safetensors")):
        made = task.out / file.relative_to(task.checkpoints)
        made.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, made)
    before = sum(metrics["seconds_before"] for metrics in figures.values())
    first = figures[next(iter(figures))]
    return {"speakers": list(figures), "by_speaker": figures} | first | {"seconds_before": before}


def renderer_speakers(folder: Path) -> list[str]:
    """Whose renderers a finished `renderer` stage holds, in the order of its files."""
    return list(json.loads((folder / "metrics.json").read_text())["speakers"])


def load_renderer_of(folder: Path, speaker: str, share: str | None = None) -> DbfNerf:
    """A speaker's renderer on the chosen device; as it was after a share of SHARES."""
    config, file = read_config(folder), renderer_file(folder, renderer_speakers(folder).index(speaker))
    path = Kept(folder, file.stem).snapshot(share) if share else file
    model = load_renderer(path, components_of(config), RendererSettings(**config["renderer"]))
    return model.to(usable_device(chosen_device()))


def load_renderers(folder: Path, share: str | None = None) -> dict[str, DbfNerf]:
    """Speaker -> renderer, of all speakers."""
    return {speaker: load_renderer_of(folder, speaker, share) for speaker in renderer_speakers(folder)}


def run_render(task: Task) -> dict[str, Any]:
    """Frames of every test clip under one driving mode; under the tracked head pose also what the health gate reads."""
    torch.set_num_threads(task.threads)
    mode = task.config["driving"]
    split = open_split(task.inputs["prepare"], task.config)
    renderers = load_renderers(task.inputs["renderer"])
    gated = all(model.branches.gated for model in renderers.values())
    health = HealthTotals() if mode in HEALTH_MODES and gated else None
    total, done = sum(len(clip) for clip in split.test), 0
    for clip in split.test:
        if clip.labels.speaker not in renderers:
            raise UserError(f"test clip '{clip.name}': no training clip of speaker '{clip.labels.speaker}'")
        model = renderers[clip.labels.speaker]
        signal, poses = driven_by(clip, model.components.conditioning, task.inputs)
        root = torso_of(clip)
        for start in range(0, len(clip), BATCH):
            part = slice(start, min(start + BATCH, len(clip)))
            frames = model.frames(signal[part], poses[part], root[part])
            write_frames(task.out / "frames" / clip.name, frames.numpy(), start)
            done += part.stop - part.start
            task.progress.update(done, total)
        if health is not None:
            looked = torch.arange(0, len(clip), HEALTH_STRIDE)
            for batch in looked.split(8):
                truth = torch.from_numpy(np.stack([clip.frame(int(i)) for i in batch]))
                regions = torch.from_numpy(np.concatenate([clip.regions(int(i), int(i) + 1) for i in batch]))
                health.add(model, signal[batch], poses[batch], root[batch], truth, regions)
    if mode not in HEALTH_MODES:
        return {"frames": total}
    return {"frames": total, "health": NOT_APPLICABLE if health is None else health.verdict()}
