"""Measures where mediapipe's points are found on the free head model: `MEDIAPIPE_PLACES` of erlnet/head/mediapipe68.py.

    pip install -e ".[track]" && python -m erlnet assets fetch landmarks
    python tools/measure_detector_places.py

Twenty drawn people speak a sentence of 120 frames, turning their heads twice as far as in the demo (22 degrees at
most); every fifth frame is drawn at 256 px and detected. Shape, pose, expression and camera are the true ones, so what
is left between detected and true landmarks is put down to one offset a landmark and person, in rest coordinates, by
ridge regression over the person's frames. Offsets and their mirror images are averaged over the people.

Prints the table in mm as mediapipe68.py holds it, then how far each group of points spreads from person to person: a
little more than priors.py believes (`_MEASURED_MM`), whose inner lips are held far tighter on purpose. Takes a minute
on one core.
"""

import sys
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from erlnet.data.clip import Coefficients
from erlnet.data.demo.actor import act, cast
from erlnet.data.demo.filming import build_scene
from erlnet.data.demo.speech import perform
from erlnet.data.demo.studio import one_thread
from erlnet.data.detector import FaceDetector
from erlnet.data.tracking.basis import LandmarkBasis, identity_of, landmark_basis
from erlnet.data.tracking.projection import View, project
from erlnet.head.components import MakeHuman
from erlnet.head.mediapipe68 import MIRROR_68, to_68
from erlnet.head.model import HeadModel
from erlnet.head.rotations import axis_angle_from_matrix

SEEDS = range(100, 120)  # of people and sentences; tests use others
STYLES = ("happy", "neutral", "angry")
SPEAKERS = 5
SIZE = 256  # px
N_FRAMES, EVERY = 120, 5
TURN = 2.0  # times as far as in the demo
NOISE = 0.5  # px, standard deviation of a detected point from frame to frame
SPREAD = 0.004  # m, standard deviation of an offset before anything is seen: what no view tells stays near 0
GROUPS = {"jaw line": 17, "brows": 10, "nose": 9, "eyes": 12, "outer lips": 12, "inner lips": 8}


@dataclass(frozen=True)
class Seen:
    """One person in the T frames in which the detector found the face."""

    truth: Coefficients  # of the whole sentence
    frames: np.ndarray  # (T,) its frames
    focal: float  # px
    left: np.ndarray  # (T,68,2) px, detected minus true landmarks


def watch(model: HeadModel, detector: FaceDetector, seed: int) -> Seen:
    """Draws the person of that seed and detects its face."""
    actor = cast(model, seed, (seed // 2) % SPEAKERS, SIZE)
    style = STYLES[seed % len(STYLES)]
    performance = perform(seed, actor.stage.speaker, style, N_FRAMES, model.expression_names, actor.pivot)
    turns = TURN * performance.pose[:, :3]
    about_pivot = actor.pivot - Rotation.from_rotvec(turns).apply(actor.pivot)
    pose = np.concatenate([turns, about_pivot], axis=1).astype(np.float32)
    take = act(model, actor, replace(performance, pose=pose))
    scene, _ = build_scene(actor.stage)
    faces = {t: detector(scene.render(take.points[t], float(take.flush[t])).image) for t in range(0, N_FRAMES, EVERY)}
    meshes = {t: face.mesh for t, face in faces.items() if face is not None}
    frames = np.array(list(meshes))
    left = to_68(np.stack(list(meshes.values()))) - take.landmarks[frames]
    return Seen(take.coefficients, frames, actor.stage.camera.fx, left)


def offsets(basis: LandmarkBasis, seen: Seen) -> np.ndarray:
    """(68,3) m: where the person's points are found, less the head's own landmarks; rest coordinates."""

    def double(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.asarray(array, np.float64))

    c, head = seen.truth, double(seen.truth.head_to_world)
    base = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))  # facing the camera
    view = View(seen.focal, torch.full((2,), SIZE / 2, dtype=torch.float64), base)
    turns = axis_angle_from_matrix(base.T @ head[:, :3, :3])
    unknowns = torch.cat([double(c.expression), double(c.lids), double(c.jaw), turns, head[:, :3, 3]], dim=1)
    identity = identity_of(basis, double(c.shape), torch.zeros(68, 3, dtype=torch.float64))
    true = project(basis, identity, view, unknowns[seen.frames])
    by_offset = true.by_skull @ true.posed.linear  # (T,68,2,3) px/m
    precision = torch.einsum("tnij,tnik->njk", by_offset, by_offset) / NOISE**2 + torch.eye(3) / SPREAD**2
    pull = torch.einsum("tnij,tni->nj", by_offset, double(seen.left)) / NOISE**2
    return torch.linalg.solve(precision, pull).numpy()


def table(millimetres: np.ndarray) -> str:
    """(68,3) -> the lines of `_PLACES_MM`."""
    rounded = np.round(millimetres, 1) + 0.0  # no -0.0
    points = ["(" + ", ".join(f"{x:.1f}" for x in point) + ")" for point in rounded]
    return "\n".join(f"    {', '.join(points[i : i + 4])}," for i in range(0, len(points), 4))


def main() -> None:
    model = MakeHuman().build()
    basis = landmark_basis(model)
    found = []
    with FaceDetector("measuring the detector") as detector, one_thread():
        for seed in SEEDS:
            found.append(offsets(basis, watch(model, detector, seed)))
            print(f"{len(found)}/{len(SEEDS)} people", file=sys.stderr, flush=True)
    one_side = np.stack(found)
    both = np.concatenate([one_side, one_side[:, list(MIRROR_68)] * [-1, 1, 1]])
    print(table(1000 * both.mean(0)))
    ends = np.cumsum(list(GROUPS.values()))
    for (name, n), end in zip(GROUPS.items(), ends):
        # Root mean square over points and axes.
        print(f"# {name}: {1000 * np.sqrt((both.std(0)[end - n : end] ** 2).mean()):.2f} mm from person to person")


if __name__ == "__main__":
    main()
