"""Decoding: any video -> RGB frames at 25 a second and 16 kHz mono sound on one clock.

The clock starts where the first picture is shown: streams of one file start at different times, and a loader that
ignores `start_time` puts sound and mouth out of step. Grid frame i lasts from i/25 to (i+1)/25 s after that, and shows
the source frame that is on show at its middle; so 25 fps passes through untouched whatever the container's rounding,
and another rate is off by half a source frame at most, early as often as late.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
from av.video.frame import VideoFrame

from erlnet.data.clip import FPS, SAMPLE_RATE
from erlnet.errors import InputError

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".flv", ".mpg", ".mpeg", ".wmv", ".ts", ".3gp")
_MISSING_END = 0.5  # s of the announced length that may be absent before a file counts as truncated
_AUDIO_GAP = 0.05  # s between sound packets before silence is put in
_MISSING_END_GUESSED = 2.0  # s, where only the whole file's length is announced, in which sound may last longer
_UNTAGGED = 2  # AVCOL_SPC_UNSPECIFIED
_HD = 720  # untagged video from this height on is BT.709, below BT.601, as players take it

F = TypeVar("F")


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video before it is decoded."""

    height: int  # px, upright
    width: int
    start: float  # s, container time of the first frame
    n_frames: int  # expected at 25 fps; an estimate, for progress alone (0: unknown)
    has_sound: bool


def on_grid(frames: Iterable[tuple[float, F]], end: float | None, fps: int = FPS) -> Iterator[F]:
    """Source frames with their start times (s, rising) -> one frame per grid interval, lazily.

    The grid starts at the first time. A frame is on show until the next one starts; the last one until `end`, or as
    long as the one before it where that is None.
    """
    source = iter(frames)
    first = next(source, None)
    if first is None:
        return
    start, held = first
    shown_from, length, count = start, 1 / fps, 0
    for time, frame in source:
        if time <= shown_from:  # a broken clock: the later frame replaces the earlier
            held = frame
            continue
        while start + (count + 0.5) / fps < time:
            yield held
            count += 1
        length, shown_from, held = time - shown_from, time, frame
    stop = max(end if end is not None else shown_from + length, start + 1 / fps)
    while start + (count + 0.5) / fps < stop:
        yield held
        count += 1


def probe(path: Path) -> VideoInfo:
    """Size, start and sound of a video; InputError where it is none. Decodes one frame."""
    with _opened(path) as (container, stream):
        first = next(iter(container.decode(stream)), None)
        if first is None:
            raise InputError(f"{path}: no frame could be read from it; is the file complete?")
        turned = first.rotation % 180 != 0
        height, width = (first.width, first.height) if turned else (first.height, first.width)
        length = _announced_end(container, stream)
        start = first.time or 0.0
        return VideoInfo(
            height, width, start, round((length - start) * FPS) if length else 0, bool(container.streams.audio)
        )


def read_frames(path: Path) -> Iterator[np.ndarray]:
    """(H,W,3) uint8 RGB, upright, at 25 fps; one at a time, so memory does not grow with the length.

    The same array may come twice where the source is slower than 25 fps. InputError where it is no video, has no
    frame, is damaged, or ends long before its announced length.
    """
    with _opened(path) as (container, stream):
        previous, picture, n = None, None, 0
        end = _announced_end(container, stream)
        for frame in on_grid(_timed(path, container, stream, end), end=None):
            if frame is not previous:
                previous, picture = frame, _upright_rgb(frame)
            n += 1
            yield picture  # type: ignore[misc]  # set with the first frame
        if n == 0:
            raise InputError(f"{path}: no frame could be read from it; is the file complete?")


def read_audio(path: Path, start: float, n_frames: int) -> np.ndarray | None:
    """(N,) float32 mono 16 kHz for `n_frames` grid frames from container time `start` s; None where there is no sound.

    Sound before `start` is cut, sound that starts later or has gaps is filled with silence, so that sample k belongs
    to time `start` + k / 16000.
    """
    samples = np.zeros(n_frames * SAMPLE_RATE // FPS, np.float32)
    with _opened(path) as (container, _):
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        stream.thread_type = "AUTO"
        position, heard = None, False
        for time, block in _mono_blocks(container, stream):
            if time is not None and (position is None or abs(time - start - position / SAMPLE_RATE) > _AUDIO_GAP):
                position = round((time - start) * SAMPLE_RATE)
            position = position or 0
            lo, hi = max(position, 0), min(position + len(block), len(samples))
            if lo < hi:
                samples[lo:hi] = block[lo - position : hi - position]
                heard = True
            position += len(block)
            if position >= len(samples):
                break
    return samples if heard else None


@contextmanager
def _opened(path: Path):
    """(container, its video stream); every failure to open or read becomes one InputError that names the file."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path}: it holds no picture, only {len(container.streams)} other stream(s)")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            yield container, stream
    except av.error.FFmpegError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        raise InputError(f"{path}: it cannot be read as a video ({reason}); is it one, and complete?") from None


def _announced_end(container, stream) -> float | None:
    """The container time (s) at which the picture should end, as far as the file says so."""
    if stream.duration and stream.time_base:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    if container.duration:
        return ((container.start_time or 0) + container.duration) / av.time_base
    return None


def _timed(path: Path, container, stream, end: float | None) -> Iterator[tuple[float, VideoFrame]]:
    """Decoded frames with their times; raises at the end where the file announced much more."""
    rate = float(stream.average_rate or stream.guessed_rate or FPS)
    time = -1 / rate
    for frame in container.decode(stream):
        time = frame.time if frame.time is not None else time + 1 / rate
        yield time, frame
    missing = end - time - 1 / rate if end is not None else 0.0
    if missing > (_MISSING_END if stream.duration else _MISSING_END_GUESSED):
        raise InputError(
            f"{path}: the picture ends {missing:.1f} s before its announced end at {end:.1f} s; truncated?"
        )


def _upright_rgb(frame: VideoFrame) -> np.ndarray:
    untagged_hd = frame.colorspace == _UNTAGGED and frame.height >= _HD
    picture = frame.to_ndarray(format="rgb24", src_colorspace="ITU709" if untagged_hd else None)
    turns = round(frame.rotation / 90) % 4  # counter-clockwise quarter turns that make it upright
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


def _mono_blocks(container, stream) -> Iterator[tuple[float | None, np.ndarray]]:
    """(time s of its first sample or None, (n,) float32) as the sound is decoded and resampled.

    Channels are averaged here: the resampler's own downmix adds them at -3 dB each, which clips.
    """
    resampler = av.AudioResampler(format="fltp", rate=SAMPLE_RATE)
    for frame in chain(container.decode(stream), [None]):  # None flushes
        for block in resampler.resample(frame):
            yield block.time, block.to_ndarray().mean(0)
