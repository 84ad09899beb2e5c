"""A film with sound as an mp4 file: frames stream to the encoder, the file is whole or not there."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from erlnet.data.clip import FPS, SAMPLE_RATE
from erlnet.files import FULL, disk_full

_CRF = 18
_BLOCK = SAMPLE_RATE // FPS


def write_mp4(path: Path, pictures: Iterable[np.ndarray], samples: np.ndarray | None, comment: str) -> int:
    """H.264 and AAC in step, 25 fps, `comment` as its tag; the number of frames.

    Pictures (H,W,3) uint8 with even sides are taken one at a time; `samples` (N,) float at 16 kHz, None for a silent
    film. `path` is seen whole or not at all: it is written under another name in the same folder, and what was there
    stays where the writing fails. UserError where the disk is full.
    """
    scratch = path.with_name(f".{path.name}.part")
    try:
        count = _write(scratch, pictures, samples, comment)
        scratch.replace(path)
    except (OSError, av.error.FFmpegError) as error:
        if error.errno in FULL:
            raise disk_full(path) from None
        raise
    finally:
        scratch.unlink(missing_ok=True)
    return count


def _write(path: Path, pictures: Iterable[np.ndarray], samples: np.ndarray | None, comment: str) -> int:
    count = 0
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = comment
        video = container.add_stream("libx264", rate=FPS)
        video.pix_fmt = "yuv420p"
        video.options = {"crf": str(_CRF), "preset": "veryfast", "threads": "1"}
        context = video.codec_context
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = 1, 1  # BT.709, said outright so that players do not guess
        sound = None if samples is None else container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        for picture in pictures:
            if not count:
                video.height, video.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
            container.mux(video.encode(frame))
            if sound is not None and samples is not None:
                block = samples[count * _BLOCK : (count + 1) * _BLOCK].astype(np.float32)
                if len(block):
                    chunk = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
                    chunk.sample_rate, chunk.pts = SAMPLE_RATE, count * _BLOCK
                    chunk.time_base = Fraction(1, SAMPLE_RATE)
                    container.mux(sound.encode(chunk))
            count += 1
        container.mux(video.encode(None))
        if sound is not None:
            container.mux(sound.encode(None))
    return count
