"""What one call of `render` puts before the renderer: a signal and poses for every frame, and what is known beside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlnet.adf.generate import generate
from erlnet.data.clip import Clip, open_clip
from erlnet.data.sequence_files import read_motion
from erlnet.errors import UserError
from erlnet.nerf.sound import SoundWindows
from erlnet.registry import did_you_mean
from erlnet.runs.animation_made import check_fit, heard
from erlnet.runs.drive_stages import Generator, seed_of
from erlnet.runs.driving_sound import Sound
from erlnet.runs.driving_styles import Asked
from erlnet.runs.motion_stages import tensors_of
from erlnet.runs.render_person import Person
from erlnet.runs.render_poses import HeadPath, fitted, from_stream, on_root, read_track
from erlnet.runs.task import read_config
from erlnet.runs.trained_run import TrainedRun


@dataclass(frozen=True, eq=False)
class Show:
    """T frames to render."""

    name: str
    signal: Tensor | SoundWindows  # (T,D)
    path: HeadPath
    samples: np.ndarray | None  # (N,) at 16 kHz; None: silent
    truth: Clip | None  # whose frames show the same pose and person, frame by frame
    likeness: Clip | None = None  # the clip that the sound is from: worth seeing beside, but under a pose of its own
    notes: tuple[str, ...] = ()  # what a person is told before it is rendered

    def __len__(self) -> int:
        return len(self.path)


@dataclass(frozen=True, eq=False)
class Voice:
    """What makes motion of sound."""

    mapper: TrainedRun
    style: Asked


def named_clip(flag: str, word: str, run: TrainedRun) -> Clip:
    """A prepared clip's folder, or a test clip of the run by its name."""
    if (Path(word) / "clip.json").is_file():
        return open_clip(Path(word))
    for clip in run.split.test:
        if clip.name == word:
            return clip
    names = [clip.name for clip in run.split.test]
    raise UserError(f"{flag} {word}: neither a prepared clip's folder nor a test clip; {did_you_mean(word, names)}")


def is_file_of(word: str, *endings: str) -> bool:
    return Path(word).suffix.lower() in endings


def coefficients_show(person: Person, word: str) -> Show:
    """The tracked coefficients of a clip, or a coefficient file (as `animate` writes it, docs/data.md)."""
    if is_file_of(word, ".npz", ".mat"):
        c = read_motion(Path(word), 0.0).coefficients
        stream = np.concatenate([c.expression, c.jaw, c.lids], axis=1)
        _check_stream(person, f"--coefficients {word}", stream, "")
        path = on_root(c.neck, person.root)
        return Show(Path(word).stem, torch.from_numpy(stream), path, None, None)
    clip = named_clip("--coefficients", word, person.run)
    own = tensors_of(clip)[0]
    _check_stream(person, f"--coefficients {word}", own.numpy(), clip.head_model)
    return Show(clip.name, own, _path_of(person, clip, "--coefficients"), _sound_of(clip), person.seen(clip))


def clip_show(person: Person, clip: Clip, voice: Voice | None) -> Show:
    """A clip's sound under its own head pose, as the driving mode `audio` has it."""
    path = _path_of(person, clip, "--clip")
    sound = Sound(clip.name, clip.audio, len(clip), clip if _of_run(person.run, clip) else None)
    signal = _windows(person, sound) if voice is None else generated(person, voice, sound)[0]
    return Show(clip.name, signal, path, clip.audio, person.seen(clip))


def audio_show(person: Person, sound: Sound, voice: Voice | None, pose: str | None) -> Show:
    """New sound; the head moves as generated, or after a track."""
    track, moved = pose_track(person, pose) if pose else (None, None)
    if voice is None:
        signal: Tensor | SoundWindows = _windows(person, sound)
        if track is None:
            raise UserError("--audio: sound drives this run's renderer, which makes no head pose; give one by --pose")
    else:
        signal, made = generated(person, voice, sound)
        track = track or from_stream(made.numpy(), person.root)
    path, notes = fitted(track, sound.n_frames), []
    if sound.silent and voice is not None:
        notes.append(f"--audio {sound.name}: is silent; the motion follows the style alone")
    if len(track) < sound.n_frames:
        notes.append(f"--pose {pose}: is shorter than the sound; it is played to and fro")
    made_of = (sound.name, signal, path, sound.samples)
    own = person.seen(sound.truth) if sound.truth is not None else None
    if own is not None and moved is not None and _same(own, moved):
        return Show(*made_of, truth=own, notes=tuple(notes))
    return Show(*made_of, truth=None, likeness=own, notes=tuple(notes))


def generated(person: Person, voice: Voice, sound: Sound) -> tuple[Tensor, Tensor]:
    """Expression and pose stream that stage one makes; UserError where they are not this renderer's."""
    mapper, style = voice.mapper, voice.style
    component: Any = mapper.component("prepare", "head_model")
    check_fit(style, component.build())
    generator = Generator(mapper.inputs)
    features, streams = heard(mapper, sound), tensors_of(style.clip)
    expression, pose = generate(generator.mapper, generator.codec, features, *streams, seed=seed_of(sound.name))
    name = read_config(mapper.inputs["prepare"])["head_model"]["name"]
    _check_stream(person, str(mapper.result), expression.numpy(), name)
    return expression, pose


def pose_track(person: Person, word: str) -> tuple[HeadPath, Clip | None]:
    """A track and the clip that it is of, if it is a clip's."""
    if is_file_of(word, ".npz", ".csv"):
        if not Path(word).is_file():
            raise UserError(f"--pose {word}: there is no such file")
        return read_track(Path(word), person.root), None
    clip = named_clip("--pose", word, person.run)
    return _path_of(person, clip, "--pose"), clip


def without_truth(show: Show, path: HeadPath) -> Show:
    """The same from another side: no frame has a true one."""
    return replace(show, path=path, truth=None, likeness=show.truth or show.likeness)


def _path_of(person: Person, clip: Clip, flag: str) -> HeadPath:
    path = person.path_of(clip)
    for transforms in (path.head_to_world, path.root):
        bad = ~np.isfinite(transforms).all((1, 2))
        if bad.any():
            raise UserError(f"{flag} {clip.name}: its pose is no number in frame {int(bad.argmax())}; prepare it again")
    return path


def _check_stream(person: Person, what: str, stream: np.ndarray, head_model: str) -> None:
    ours, theirs = person.model.scene.signal_width - 5, stream.shape[1] - 5
    if ours != theirs:
        own = read_config(person.run.inputs["prepare"])["head_model"]["name"]
        of = f"head_model={head_model}" if head_model else "another head model"
        raise UserError(
            f"{what}: its {theirs} expression coefficients are of {of}, the renderer was trained with the {ours} of "
            f"head_model={own}; use coefficients of that model"
        )
    bad = ~np.isfinite(stream).all(1)
    if bad.any():
        raise UserError(f"{what}: holds a coefficient that is no number in frame {int(bad.argmax())}")


def _windows(person: Person, sound: Sound) -> SoundWindows:
    window = person.model.components.conditioning.window  # type: ignore[attr-defined]
    return SoundWindows(heard(person.run, sound), [sound.n_frames], window)


def _of_run(run: TrainedRun, clip: Clip) -> bool:
    """Whether the run's sound features hold it."""
    return any(_same(clip, own) for own in run.split.test)


def _same(a: Clip, b: Clip) -> bool:
    return (a.folder.resolve(), a.start, a.stop) == (b.folder.resolve(), b.start, b.stop)


def _sound_of(clip: Clip) -> np.ndarray | None:
    return clip.audio if clip.has_sound else None
