"""The sound that drives an animation: any file that can be decoded, or a test clip of the run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from erlnet.data.clip import FPS, Clip
from erlnet.data.video import probe, read_audio
from erlnet.errors import UserError
from erlnet.registry import did_you_mean

SHORTEST = 0.4  # s
_SILENT = 1e-3  # of full scale


@dataclass(frozen=True, eq=False)
class Sound:
    """Mono sound on the clock of 25 fps frames."""

    name: str
    samples: np.ndarray  # (N,) float32 in [-1,1] at 16 kHz, of exactly `n_frames`
    n_frames: int
    truth: Clip | None = None  # whose own motion is known

    @property
    def seconds(self) -> float:
        return self.n_frames / FPS

    @property
    def silent(self) -> bool:
        return float(np.abs(self.samples).max()) < _SILENT


def open_sound(word: str, test: Sequence[Clip]) -> Sound:
    """`word`: a file, else the name of one of the clips `test`; UserError where it is neither or no use."""
    path = Path(word)
    if path.is_file():
        return read_sound(path)
    for clip in test:
        if clip.name == word:
            return _checked(Sound(clip.name, clip.audio, len(clip), clip))
    names = [clip.name for clip in test]
    what = "is a folder" if path.is_dir() else "there is no such file"
    raise UserError(f"--audio {word}: {what}, and no test clip of the run has this name; {did_you_mean(word, names)}")


def read_sound(path: Path) -> Sound:
    """All of a file's sound. A video's clock starts at its first picture, that of sound alone with the sound."""
    start, end = _span(path)
    n_frames = math.ceil(round((end - start) * FPS, 2))
    samples = read_audio(path, start, n_frames) if n_frames > 0 else None
    if samples is None:
        raise UserError(f"--audio {path}: no sound could be read from it; is the file complete?")
    return _checked(Sound(path.stem, samples, n_frames))


def _checked(sound: Sound) -> Sound:
    if sound.n_frames < SHORTEST * FPS:
        raise UserError(f"--audio {sound.name}: is {sound.seconds:.2f} s long; at least {SHORTEST} s are needed")
    if not np.isfinite(sound.samples).all():
        raise UserError(f"--audio {sound.name}: holds samples that are no numbers; save it again")
    return sound


def _span(path: Path) -> tuple[float, float]:
    """Container times (s) from which to which there is sound to animate; nothing is decoded but a first picture."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise UserError(f"--audio {path}: it holds no sound")
            cover = av.stream.Disposition.attached_pic
            pictures = [stream for stream in container.streams.video if not stream.disposition & cover]
            stream = container.streams.audio[0]
            tick = float(stream.time_base or 1 / (stream.rate or 1))
            stream_start = None if stream.start_time is None else stream.start_time * tick
            times = [(p.pts * tick, (p.pts + (p.duration or 0)) * tick) for p in container.demux(stream)
                     if p.pts is not None and p.size]  # fmt: skip
    except av.error.FFmpegError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        raise UserError(f"--audio {path}: it can be read neither as sound nor as video ({reason})") from None
    if not times:
        raise UserError(f"--audio {path}: it holds no sound that has a time; convert it to WAV")
    # The stated beginning leaves out what an encoder put before the sound.
    first = stream_start if stream_start is not None else min(begin for begin, _ in times)
    last = max(end for _, end in times)
    return (probe(path).start if pictures else first), last
