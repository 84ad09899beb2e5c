"""Small videos made on the spot, with known contents."""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest


@dataclass(frozen=True)
class MadeVideo:
    """A grey picture with one white frame, and silence with one click; or any pictures and any sound."""

    fps: int = 30
    n_frames: int = 60
    size: tuple[int, int] = (64, 96)  # (height, width) px
    flash: int | None = None  # the white frame
    click: float | None = None  # s in the file's own time
    video_start: float = 0.0  # s in the file's own time
    audio_start: float = 0.0
    sample_rate: int | None = 48_000  # None: no sound
    stereo: bool = False
    samples: np.ndarray | None = None  # (N,) in [-1,1] at `sample_rate`, in place of silence and click
    paint: Callable[[int], np.ndarray] | None = None  # frame number -> (H,W,3) uint8, instead of grey
    times: Sequence[float] | None = None  # s of each frame after the first, instead of 1 / fps
    aspect: tuple[int, int] = (1, 1)  # a pixel's width to its height
    pix_fmt: str = "yuv420p"
    clockwise: bool = False  # flagged as to be shown turned by 90 degrees (MP4)
    options: Mapping[str, str] = field(default_factory=dict)  # the encoder's, beside crf and preset

    def write(self, path: Path) -> Path:
        with av.open(str(path), "w") as container:
            video = container.add_stream(
                "libx264", rate=self.fps, options={"crf": "10", "preset": "ultrafast", **self.options}
            )
            video.height, video.width = self.size
            video.pix_fmt = self.pix_fmt
            video.codec_context.sample_aspect_ratio = Fraction(*self.aspect)
            video.codec_context.time_base = video.time_base = Fraction(1, 30_000)
            sound = self._sound_stream(container)
            if sound is not None:
                self._write_sound(container, sound)
            for i in range(self.n_frames):
                picture = np.full((*self.size, 3), 255 if i == self.flash else 80, np.uint8)
                frame = av.VideoFrame.from_ndarray(self.paint(i) if self.paint else picture, format="rgb24")
                frame.time_base = Fraction(1, 30_000)
                after = i / self.fps if self.times is None else self.times[i]
                frame.pts = round((self.video_start + after) * 30_000)
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        if self.clockwise:
            self._turn(path)
        return path

    def _turn(self, path: Path) -> None:
        identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
        turned = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, self.size[0] << 16, 0, 1 << 30)
        data = path.read_bytes()
        # The picture's track is the first one, and its matrix comes before any other track's.
        at = data.index(identity, data.index(b"tkhd"))
        path.write_bytes(data[:at] + turned + data[at + len(turned) :])

    def _sound_stream(self, container):
        if self.sample_rate is None:
            return None
        stream = container.add_stream(
            "pcm_s16le" if container.format.name == "matroska" else "aac", rate=self.sample_rate
        )
        stream.layout = "stereo" if self.stereo else "mono"
        return stream

    def _write_sound(self, container, stream) -> None:
        n = round((self.video_start + self.n_frames / self.fps - self.audio_start) * self.sample_rate)
        samples = np.zeros(n, np.float32) if self.samples is None else self.samples
        if self.click is not None:
            at = round((self.click - self.audio_start) * self.sample_rate)
            tone = np.sin(2 * np.pi * 2000 * np.arange(self.sample_rate // 100) / self.sample_rate)
            samples[at : at + len(tone)] = 0.9 * tone
        raw = (samples * 32767).astype(np.int16)
        raw = np.repeat(raw, 2) if self.stereo else raw
        frame = av.AudioFrame.from_ndarray(raw[None], format="s16", layout="stereo" if self.stereo else "mono")
        frame.sample_rate = self.sample_rate
        frame.time_base = Fraction(1, self.sample_rate)
        frame.pts = round(self.audio_start * self.sample_rate)
        wanted = av.AudioResampler(format=stream.format.name, layout=stream.layout.name, rate=self.sample_rate,
                                   frame_size=stream.frame_size or 1024)  # fmt: skip
        for block in [*wanted.resample(frame), *wanted.resample(None)]:
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))


@pytest.fixture(scope="session")
def made_video():
    return MadeVideo
