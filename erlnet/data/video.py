"""Decoding: any video -> RGB frames at 25 a second and 16 kHz mono sound on one clock.

The clock starts where the first picture is shown: streams of one file start at different times, and a loader that
ignores `start_time` puts sound and mouth out of step. Grid frame i lasts from i/25 to (i+1)/25 s after that, and shows
the source frame that is on show at its middle; so 25 fps passes through untouched whatever the container's rounding,
and another rate is off by half a source frame at most, early as often as late.

Pictures come upright, progressive and with square pixels: rotation flags are obeyed, interlaced frames are
deinterlaced (bwdif), and anamorphic ones stretched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
from av.video.frame import VideoFrame

from erlnet.data.clip import FPS, SAMPLE_RATE
from erlnet.errors import InputError

_MISSING_END = 0.5  # s of the announced length that may be absent before a file counts as truncated
_AUDIO_OFF = 0.005  # s that a block of sound may be off its stated time: containers round to milliseconds
_AUDIO_AROUND = 3  # blocks on either side whose stated times must agree before one is moved
_AUDIO_BEYOND = 1.0  # s before and after the wanted sound in which blocks are placed too
_MISSING_END_GUESSED = 2.0  # s, where only the whole file's length is announced, in which sound may last longer
_UNTAGGED = 2  # AVCOL_SPC_UNSPECIFIED
_HD = 720  # untagged video from this height on is BT.709, below BT.601, as players take it
_STUCK = 0.2  # share of frames whose times may fail to rise
_SQUARE = 0.01  # pixels whose sides differ by less than this are square
_SEEK_FROM = 3.0  # s: a stretch that begins earlier is reached by decoding
_SEEK_EARLY = 1.0  # s before a stretch that a seek aims at: some containers' indices are late

F = TypeVar("F")


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video before it is decoded."""

    height: int  # px, upright, square pixels
    width: int
    start: float  # s, container time of the first frame
    n_frames: int  # expected at 25 fps; an estimate, for progress alone (0: unknown)
    has_sound: bool
    interlaced: bool


@dataclass(frozen=True)
class Stretch:
    """Grid frames [begin, end) of a video, counted from its first picture; `end` None: to the last."""

    begin: int = 0
    end: int | None = None


WHOLE = Stretch()


@dataclass(frozen=True)
class Shown:
    """What one grid frame shows."""

    picture: np.ndarray  # (H,W,3) uint8 RGB; the same array may come twice
    number: int  # of the source frame, the video's first being 0


def on_grid(
    frames: Iterable[tuple[float, F]], end: float | None, fps: float = FPS, start: float | None = None, begin: int = 0
) -> Iterator[F]:
    """Source frames with their start times (s, rising) -> one frame per grid interval from `begin` on, lazily.

    The grid starts at `start`, or at the first time. A frame is on show until the next one starts; the last one until
    `end`, or as long as the one before it where that is None.
    """
    source = iter(frames)
    first = next(source, None)
    if first is None:
        return
    shown_from, held = first
    start = shown_from if start is None else start
    length, count = 1 / fps, begin
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
        width, height = _square_size(first, stream.sample_aspect_ratio)
        if first.rotation % 180 != 0:
            width, height = height, width
        length = _announced_end(container, stream)
        start = first.time or 0.0
        expected = round((length - start) * FPS) if length else 0
        return VideoInfo(height, width, start, expected, bool(container.streams.audio), first.interlaced_frame)


def read_shown(path: Path, stretch: Stretch = WHOLE, fps: float = FPS) -> Iterator[Shown]:
    """Upright RGB frames at `fps` a second, one at a time, so memory does not grow with the length.

    A stretch, in frames of that rate, is reached by a seek where it begins further in. InputError where it is no video,
    has no frame, is damaged, or ends long before its announced length.
    """
    start, jump = None, None
    if stretch.begin > _SEEK_FROM * fps:
        start = probe(path).start
        jump = start + stretch.begin / fps - _SEEK_EARLY
    n = stretch.begin
    with _opened(path) as (container, stream):
        sar = stream.sample_aspect_ratio
        if jump is not None:
            container.seek(max(int(jump / stream.time_base), 0), stream=stream, backward=True)
        timed = _timed(path, container, stream, _announced_end(container, stream))
        first = next(timed, None)
        before: int | None = 0
        if first is not None and start is not None:
            before = None if first[0] > start + stretch.begin / fps else _frames_between(path, start, first[0])
        late = before is None
        if first is not None and before is not None:
            previous, picture = None, np.zeros(0)
            numbered = ((time, (i, frame)) for i, (time, frame) in enumerate(chain([first], timed), before))
            for number, frame in on_grid(numbered, None, fps, start, stretch.begin):
                if n == stretch.end:
                    return
                if frame is not previous:
                    previous, picture = frame, _upright_rgb(frame, sar)
                n += 1
                yield Shown(picture, number)
    if late:  # a file whose index leads astray or whose frames cannot be counted: decoded from its beginning instead
        yield from _after(read_shown(path, Stretch(0, stretch.end), fps), stretch.begin)
    elif n == stretch.begin and (first is not None or start is not None):
        raise InputError(f"{path}: it ends before {stretch.begin / fps:.1f} s, where the wanted stretch begins")
    elif n == stretch.begin:
        raise InputError(f"{path}: no frame could be read from it; is the file complete?")


def read_frames(path: Path, stretch: Stretch = WHOLE, fps: float = FPS) -> Iterator[np.ndarray]:
    """(H,W,3) uint8 RGB of each frame of `read_shown`."""
    return (shown.picture for shown in read_shown(path, stretch, fps))


def _frames_between(path: Path, start: float, time: float) -> int | None:
    """Source frames from container time `start` to before `time`, by their packets, nothing decoded.

    None where packets are not frames: VP8 has hidden ones, H.264 may have one for each field, and some have no time.
    """
    count = 0
    with _opened(path) as (container, stream):
        codec = stream.codec_context
        if codec.name in ("vp8", "libvpx") or (codec.name == "h264" and probe(path).interlaced):
            return None
        tick = float(stream.time_base)
        for packet in container.demux(stream):
            if packet.pts is None and packet.size:
                return None
            if packet.pts is None or (packet.dts is not None and packet.dts * tick > time):  # none of the rest is shown
                break
            count += start - tick / 2 < packet.pts * tick < time - tick / 2 and not packet.is_discard
    return count


def _after(frames: Iterator[Shown], begin: int) -> Iterator[Shown]:
    return (shown for i, shown in enumerate(frames) if i >= begin)


def read_audio(path: Path, start: float, n_frames: int) -> np.ndarray | None:
    """(N,) float32 mono 16 kHz for `n_frames` grid frames from container time `start` s; None where there is no sound.

    Sound before `start` is cut, sound that starts later or has gaps is filled with silence, so that sample k belongs
    to time `start` + k / 16000, within 5 ms or one tick of the file's own clock, the coarser of the two.
    """
    samples, heard = np.zeros(n_frames * SAMPLE_RATE // FPS, np.float32), False
    beyond = _AUDIO_BEYOND * SAMPLE_RATE
    kept: list[tuple[float, np.ndarray]] = []  # blocks, and where they should begin by their own times
    with _opened(path, picture=False) as (container, _):
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        stream.thread_type = "AUTO"
        off = max(_AUDIO_OFF, float(stream.time_base or 0)) * SAMPLE_RATE
        stated = 0.0
        for time, block in _mono_blocks(container, stream):
            stated = stated if time is None else (time - start) * SAMPLE_RATE
            if stated > len(samples) + beyond:
                break
            if stated + len(block) > -beyond:
                kept.append((stated, block))
            stated += len(block)
    places = placed(np.array([at for at, _ in kept]), np.array([len(block) for _, block in kept]), off)
    for place, (_, block) in zip(places, kept):
        lo, hi = max(place, 0), min(place + len(block), len(samples))
        if lo < hi:
            samples[lo:hi] = block[lo - place : hi - place]
            heard = True
    return samples if heard else None


def placed(stated: np.ndarray, lengths: np.ndarray, off: float) -> list[int]:
    """Where blocks of sound begin: end to end, except where the stated places (N,) say for good that they do not.

    All in samples. Rounding and single wrong times come and go, a lost packet moves all that follow: so what counts is
    how far the stated places run ahead of the sum of lengths, its running median (which keeps steps as they are), and
    that only where it is more than `off` from the lead in force.
    """
    if not len(stated):
        return []
    run = np.cumsum(lengths) - lengths
    lead = np.pad(stated - run, _AUDIO_AROUND, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(lead, 2 * _AUDIO_AROUND + 1), axis=1)
    places, now = [], usual[0]
    for begin, by in zip(run, usual):
        if abs(by - now) > off:
            now = by
        places.append(round(begin + now))
    return places


@contextmanager
def _opened(path: Path, picture: bool = True):
    """(container, its video stream); every failure to open or read becomes one InputError that names the file."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    try:
        with av.open(str(path)) as container:
            if picture and not container.streams.video:
                raise InputError(f"{path}: it holds no picture, only {len(container.streams)} other stream(s)")
            stream = container.streams.video[0] if picture else None
            if stream is not None:
                stream.thread_type = "AUTO"
            yield container, stream
    except av.error.FFmpegError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        raise InputError(f"{path}: it cannot be read as a video ({reason}); is it one, and complete?") from None


def _announced_end(container, stream) -> float | None:
    """The container time (s) at which the picture should end, as far as the file says so."""
    own = _own_end(stream)
    if own is None and container.duration:
        return ((container.start_time or 0) + container.duration) / av.time_base
    return own


def _own_end(stream) -> float | None:
    """The same, where the file says it of the picture alone and not of the longest of its streams."""
    if stream.duration and stream.time_base:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    clock = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))  # Matroska's tag
    return sum(float(part) * unit for part, unit in zip(clock.groups(), (3600, 60, 1))) if clock else None


def _timed(path: Path, container, stream, end: float | None) -> Iterator[tuple[float, VideoFrame]]:
    """Decoded frames with their times; raises at the end where the file announced much more."""
    rate = float(stream.average_rate or stream.guessed_rate or FPS)
    time, count, stuck = -1 / rate, 0, 0
    for frame in _progressive(container.decode(stream), stream):
        before, time = time, frame.time if frame.time is not None else time + 1 / rate
        count, stuck = count + 1, stuck + (count > 0 and time <= before)
        yield time, frame
    if stuck > _STUCK * count:
        raise InputError(f"{path}: the times of {stuck} of its {count} frames do not rise; encode it again")
    missing = end - time - 1 / rate if end is not None else 0.0
    if missing > (_MISSING_END_GUESSED if _own_end(stream) is None else _MISSING_END):
        raise InputError(
            f"{path}: the picture ends {missing:.1f} s before its announced end at {end:.1f} s; truncated?"
        )


def _progressive(frames: Iterable[VideoFrame], stream) -> Iterator[VideoFrame]:
    """Interlaced frames deinterlaced, one for one; the others as they are."""
    graph = None
    for frame in frames:
        if graph is None:
            if not frame.interlaced_frame:
                yield frame
                continue
            graph = av.filter.Graph()  # from the first interlaced frame on
            nodes = (
                graph.add_buffer(template=stream, width=frame.width, height=frame.height, format=frame.format),
                graph.add("bwdif", "mode=send_frame:deint=interlaced"),
                graph.add("buffersink"),
            )
            graph.link_nodes(*nodes).configure()
        graph.push(frame)
        yield from _pulled(graph)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph)


def _pulled(graph: av.filter.Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _square_size(frame: VideoFrame, sample_aspect_ratio: Fraction | None) -> tuple[int, int]:
    """(width, height) px once pixels are square; anamorphic pictures are widened or heightened, never reduced."""
    ratio = float(sample_aspect_ratio or 1)
    if abs(ratio - 1) < _SQUARE:
        return frame.width, frame.height
    return (round(frame.width * ratio), frame.height) if ratio > 1 else (frame.width, round(frame.height / ratio))


def _upright_rgb(frame: VideoFrame, sample_aspect_ratio: Fraction | None) -> np.ndarray:
    untagged_hd = frame.colorspace == _UNTAGGED and frame.height >= _HD
    width, height = _square_size(frame, sample_aspect_ratio)
    turns = round(frame.rotation / 90) % 4  # counter-clockwise quarter turns that make it upright
    rgb = frame.reformat(
        width, height, format="rgb24", src_colorspace="ITU709" if untagged_hd else None, interpolation="BICUBIC"
    )
    picture = rgb.to_ndarray()
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


def _mono_blocks(container, stream) -> Iterator[tuple[float | None, np.ndarray]]:
    """(time s of its first sample or None, (n,) float32) as the sound is decoded and resampled.

    Channels are averaged here: the resampler's own downmix adds them at -3 dB each, which clips.
    """
    resampler = av.AudioResampler(format="fltp", rate=SAMPLE_RATE)
    for frame in chain(container.decode(stream), [None]):  # None flushes
        for block in resampler.resample(frame):
            yield block.time, block.to_ndarray().mean(0)
