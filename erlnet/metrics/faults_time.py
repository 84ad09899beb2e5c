"""Faults of motion: (scene, t, strength) -> the frame with the fault."""

from __future__ import annotations

import numpy as np

from erlnet.metrics.face import mouth_opening
from erlnet.metrics.faults_place import Frame
from erlnet.metrics.faults_scene import Scene, body_layer, head_of, mixed, moved_body, scale_of, where
from erlnet.metrics.frozen_mouth import FrozenMouthFrames
from erlnet.metrics.neck.zones import body


def frozen_torso(scene: Scene, t: int, strength: float) -> Frame:
    """The body is renewed only every `strength` frames; infinity: never."""
    held = 0 if np.isinf(strength) else t - t % round(strength)
    frame, bits, held_bits = scene.frame(t), scene.bits(t), scene.bits(held)
    below = (body(bits) | body(held_bits)) & ~head_of(bits)
    return where(below, body_layer(scene.frame(held), held_bits), frame)


def jitter(scene: Scene, t: int, strength: float) -> Frame:
    """The body trembles: x and y are off by white noise with a standard deviation of `strength` px, frame by frame."""
    frame = scene.frame(t)
    way = np.random.default_rng(t).normal(0, strength * scale_of(frame), 2)
    return moved_body(frame, scene.bits(t), (float(way[0]), float(way[1])))


def frozen_mouth(scene: Scene, t: int, strength: float) -> Frame:
    """A shut mouth is laid over by the share `strength`."""
    return mixed(scene.frame(t), _other_mouth(scene, t, _shut(scene)), strength)


def delayed_mouth(scene: Scene, t: int, strength: float) -> Frame:
    """The mouth of `strength` frames earlier."""
    return _other_mouth(scene, t, max(0, t - round(strength)))


def _other_mouth(scene: Scene, t: int, other: int) -> Frame:
    """Frame t with another frame's mouth."""
    pasted = FrozenMouthFrames(scene.source, scene.landmarks, scene.frame(other), scene.landmarks[other])
    return pasted.frames(t, t + 1)[0]


def _shut(scene: Scene) -> int:
    """The frame whose mouth is open least; the first where no face is known."""
    openings = mouth_opening(np.asarray(scene.landmarks, np.float64))
    return int(np.nanargmin(openings)) if np.isfinite(openings).any() else 0
