"""Frames for the tests of `evaluate`: a number in the corner says how far the mouth is open; a fake reads it."""

import av
import numpy as np
from PIL import Image

from erlnet.__main__ import main

SIZE = 64


def openings(count):
    """In [0,1]: shut and wide open, irregular, so that one lag alone fits."""
    t = np.arange(count)
    return 0.5 + 0.25 * np.sin(t * 0.9) + 0.25 * np.sin(t * 0.37 + 1)


def pictures(opening, seed=0, noise=0):
    """(T,H,W,3) uint8 of a still background with `noise`, the corner's 8 x 8 px holding the opening."""
    generator = np.random.default_rng(seed)
    coarse = np.random.default_rng(0).integers(40, 200, (SIZE // 8, SIZE // 8, 3)).repeat(8, 0).repeat(8, 1)
    frames = np.stack([coarse] * len(opening)) + generator.normal(0, noise, (len(opening), SIZE, SIZE, 3))
    frames[:, :8, :8] = np.round(np.asarray(opening) * 255)[:, None, None, None]
    return np.clip(frames.round(), 0, 255).astype(np.uint8)


def write_pictures(folder, frames, name="{:05d}.png"):
    folder.mkdir(parents=True)
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / name.format(i))
    return folder


def write_video(path, frames, rate=25, codec="ffv1", pix_fmt="bgr0"):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def evaluate(out, reference, *predictions, more=()):
    words = [word for p in predictions for word in ("--pred", str(p))]
    return main(["evaluate", *words, "--ref", str(reference), "--out", str(out), *more])


def read_corner(frames):
    """(N,3,H,W) -> (N,68,2): a face whose mouth is open as the corner says."""
    from metric_fakes import face

    return np.stack([face(opening=f[0, :8, :8].mean() / 255 * 0.5) for f in frames]).astype(np.float32)
