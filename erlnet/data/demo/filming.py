"""Films a take: every frame drawn and written with its truth. Runs in a process of its own and imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from erlnet.data.clip import Camera, ClipFacts, ClipWriter, Coefficients, Labels
from erlnet.data.demo.appearance import KEY, Appearance, Surface, dress
from erlnet.data.demo.background import paint_room
from erlnet.data.demo.look import Look
from erlnet.data.demo.scene import SUPERSAMPLE, Scene
from erlnet.data.demo.shading import Lights, direction
from erlnet.data.demo.truth import depth_map, region_map, triangle_regions

DEPTH_STEP = 2  # px of the video to one of the depth map

_UPRIGHT = np.array([1.0, -1.0, -1.0], np.float32)  # rest axes of a head that faces the camera -> world


def _colour(red: float, green: float, blue: float) -> np.ndarray:
    return np.array([red, green, blue], np.float32)


LIGHTS = Lights(
    key=KEY * _UPRIGHT, key_colour=_colour(1.05, 1.0, 0.92),
    fill=direction(0.9, -0.05, -0.5), fill_colour=_colour(0.13, 0.155, 0.19),
    sky=_colour(0.30, 0.32, 0.36), ground=_colour(0.13, 0.11, 0.10),
)  # fmt: skip


@dataclass(frozen=True)
class Set:
    """What a speaker's clips share. Two of the same seed, speaker and size are the same set."""

    seed: int
    speaker: int
    look: Look
    surface: Surface
    camera: Camera

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Set) and hash(self) == hash(other)

    def __hash__(self) -> int:
        return hash((self.seed, self.speaker, self.camera))


@dataclass(frozen=True)
class Shot:
    """One clip to film, with everything that is written beside the frames."""

    folder: Path
    name: str
    labels: Labels
    stage: Set
    points: np.ndarray  # (T,V,3) float32 m
    flush: np.ndarray  # (T,)
    audio: np.ndarray  # (N,)
    tracked: Coefficients
    landmarks: np.ndarray  # (T,68,2) px, true
    report: dict[str, float]
    truth: dict[str, np.ndarray]  # for truth.npz, beside the depth


def film(shot: Shot) -> str:
    """Writes the clip folder, `truth.npz` in it; gives back the clip's name."""
    scene, bits = build_scene(shot.stage)
    writer = ClipWriter(shot.folder, shot.name, shot.labels, shot.stage.camera)
    depth = []
    for points, flush, marks in zip(shot.points, shot.flush, shot.landmarks):
        picture = scene.render(points, float(flush))
        writer.add_frame(picture.image)
        writer.add_regions(region_map(picture.seen, bits, marks[48:60], SUPERSAMPLE))
        depth.append(depth_map(picture.seen, DEPTH_STEP * SUPERSAMPLE))
    truth = {"depth": np.stack(depth), **shot.truth}
    np.savez_compressed(shot.folder / "truth.npz", **truth)  # type: ignore[arg-type]
    writer.close(shot.audio, shot.tracked, shot.landmarks, ClipFacts(report=shot.report))
    return shot.name


def warm(stage: Set) -> None:
    """Gets this process ready to film on `stage`."""
    build_scene(stage)


@lru_cache(maxsize=1)
def build_scene(stage: Set) -> tuple[Scene, np.ndarray]:
    """The speaker dressed and lit, and the regions of the triangles (F',) uint8; kept for the next clip."""
    appearance: Appearance = dress(stage.surface, stage.look, stage.seed)
    camera = stage.camera
    room = paint_room(stage.look, (camera.height * SUPERSAMPLE, camera.width * SUPERSAMPLE), stage.seed)
    scene = Scene(appearance, stage.surface.triangles, LIGHTS, camera, room)
    return scene, triangle_regions(appearance, stage.surface.masks)
