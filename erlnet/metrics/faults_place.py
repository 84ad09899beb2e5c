"""Faults of one frame: (scene, t, strength) -> the frame with the fault."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8
from scipy.ndimage import gaussian_filter

from erlnet.metrics.faults_scene import (
    Scene,
    as_frame,
    body_layer,
    border_strip,
    head_of,
    mixed,
    moved_body,
    moved_picture,
    scale_of,
    where,
)
from erlnet.metrics.neck.zones import body, distance, region

Frame = UInt8[np.ndarray, "3 H W"]

BAND = 14  # px at 256, height of the moved neck band
BAND_BELOW = 4  # px at 256, from the chin to its top
GHOST_WAY = 6  # px at 256, how far the second body lies off the first
SEAM_GAIN = 0.6  # what is left of the brightness in a seam
LOCAL = 10  # px at 256, standard deviation of the local mean that a flat collar takes
AROUND = 6  # px at 256, how far blur reaches over the border into the head


def frame_shift(scene: Scene, t: int, strength: float) -> Frame:
    """Everything `strength` px to the right."""
    frame = scene.frame(t)
    return moved_picture(frame, (strength * scale_of(frame), 0))


def torso_shift(scene: Scene, t: int, strength: float) -> Frame:
    """The body `strength` px to the right, behind a head that stays."""
    frame = scene.frame(t)
    return moved_body(frame, scene.bits(t), (strength * scale_of(frame), 0))


def neck_band(scene: Scene, t: int, strength: float) -> Frame:
    """A band of the neck, 14 px high, `strength` px to the right."""
    frame, bits = scene.frame(t), scene.bits(t)
    top, bottom = band_rows(bits)
    rows = np.arange(frame.shape[1])[:, None]
    band = region(bits, "neck") & body(bits) & (rows >= top) & (rows < bottom)
    return where(band, moved_picture(body_layer(frame, bits), (strength * scale_of(frame), 0)), frame)


def band_rows(bits: UInt8[np.ndarray, "H W"]) -> tuple[int, int]:
    """The moved band's rows [top, bottom), from 4 px below the head's lowest part that is face."""
    scale = scale_of(bits[None])
    rows = np.flatnonzero(region(bits, "face").any(axis=1))
    top = (int(rows[-1]) if len(rows) else 0) + round(BAND_BELOW * scale)
    return top, top + round(BAND * scale)


def gap(scene: Scene, t: int, strength: float) -> Frame:
    """A strip of the body `strength` px wide along the head shows the background's mean colour."""
    frame, bits = scene.frame(t), scene.bits(t)
    behind = region(bits, "background")
    colour = frame[:, behind].mean(axis=1) if behind.any() else np.zeros(3)
    plate = np.broadcast_to(as_frame(colour[:, None, None]), frame.shape)
    return mixed(frame, plate, border_strip(bits, strength * scale_of(frame)))


def ghost(scene: Scene, t: int, strength: float) -> Frame:
    """A second body 6 px to the right shines through: `strength` is its share."""
    frame = scene.frame(t)
    second = moved_body(frame, scene.bits(t), (GHOST_WAY * scale_of(frame), 0))
    return mixed(frame, second, strength)


def seam(scene: Scene, t: int, strength: float) -> Frame:
    """A line of the body `strength` px wide along the head is darkened by 40 %."""
    frame = scene.frame(t)
    dark = as_frame(SEAM_GAIN * frame.astype(np.float32))
    return mixed(frame, dark, border_strip(scene.bits(t), strength * scale_of(frame)))


def blur(scene: Scene, t: int, strength: float) -> Frame:
    """The body and the head's border are blurred by a Gaussian of `strength` px."""
    frame, bits = scene.frame(t), scene.bits(t)
    near = body_and_border(bits, AROUND * scale_of(frame))
    smooth = np.stack([gaussian_filter(c.astype(np.float32), strength * scale_of(frame)) for c in frame])
    return where(near, as_frame(smooth), frame)


def body_and_border(bits: UInt8[np.ndarray, "H W"], reach: float) -> np.ndarray:
    """The body, and the head within `reach` px of it."""
    return body(bits) | (head_of(bits) & (distance(body(bits)) <= reach))


def flat_collar(scene: Scene, t: int, strength: float) -> Frame:
    """The neck region goes to its local mean colour by the share `strength`: no texture, no collar."""
    frame, bits = scene.frame(t), scene.bits(t)
    neck = region(bits, "neck") & body(bits)
    return where(neck, mixed(frame, local_mean(frame, neck, LOCAL * scale_of(frame)), strength), frame)


def gain(scene: Scene, t: int, strength: float) -> Frame:
    """The body is darker than the head by the share `strength`."""
    frame = scene.frame(t)
    return where(body(scene.bits(t)), as_frame((1 - strength) * frame.astype(np.float32)), frame)


def local_mean(frame: Frame, mask: np.ndarray, sigma: float) -> Frame:
    """The frame's Gaussian mean over the mask's pixels alone."""
    weight = gaussian_filter(mask.astype(np.float32), sigma)
    sums = [gaussian_filter(channel * mask.astype(np.float32), sigma) for channel in frame.astype(np.float32)]
    means: Float[np.ndarray, "3 H W"] = np.stack(sums) / np.maximum(weight, 1e-6)
    return as_frame(means)
