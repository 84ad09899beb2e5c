"""The tracker behind the detector, as on a real video: camera and torso unknown, drawn people, their truth at hand.

The people and sentences here had no part in measuring where the detector finds its points (seeds 100 to 119).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from erlnet.data.components import Landmarks
from erlnet.data.demo.actor import Take, act, cast, pose_vertices
from erlnet.data.demo.filming import build_scene
from erlnet.data.demo.speech import perform
from erlnet.data.demo.studio import Silence, one_thread
from erlnet.data.detector import FaceDetector
from erlnet.errors import AssetMissing
from erlnet.head.blendshapes import from_mediapipe
from erlnet.head.components import MakeHuman
from erlnet.head.mediapipe68 import to_68
from erlnet.interfaces import Observation, Tracked

SHARED_MODELS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "models"
SIZE = 256
TAKES = ((0, "neutral"), (1, "happy"), (2, "angry"))  # speaker, style


@dataclass(frozen=True)
class Followed:
    """A take, what the detector saw of it, and what the tracker made of that."""

    truth: Take
    mesh: np.ndarray  # (T,478,2) px
    tracked: Tracked
    landmarks: np.ndarray  # (T,68,2) px, the fitted head's


@pytest.fixture(scope="module")
def followed():
    pytest.importorskip("mediapipe", reason="mediapipe is not installed (extra 'track')")
    with pytest.MonkeyPatch.context() as patch:
        if SHARED_MODELS.exists():
            patch.setenv("ERLNET_ASSETS", str(SHARED_MODELS))
        try:
            detector = FaceDetector()
        except AssetMissing as error:
            pytest.skip(str(error))
        model = MakeHuman().build()
        with detector, one_thread():
            return [follow(model, detector, speaker, style) for speaker, style in TAKES]


def follow(model, detector, speaker, style, n_frames=24) -> Followed:
    actor = cast(model, 3, speaker, SIZE)
    performance = perform(speaker, speaker, style, n_frames, model.expression_names, actor.pivot)
    truth = act(model, actor, performance)
    scene, _ = build_scene(actor.stage)
    faces = [detector(scene.render(p, float(f)).image) for p, f in zip(truth.points, truth.flush)]
    mesh = np.stack([face.mesh for face in faces])
    guess = from_mediapipe(np.stack([face.scores for face in faces]), model.expression_names, model.jaw_open_angle)
    observation = Observation(
        to_68(mesh), (SIZE, SIZE), 25, guess.expression, guess.lids, focal=None, root=None, dense=mesh
    )
    tracked = Landmarks().build()(observation, model, Silence())
    c = tracked.coefficients
    vertices = pose_vertices(model, c, np.repeat(c.root[None], len(c), axis=0))
    world = model.landmarks68(vertices).numpy()
    return Followed(truth, mesh, tracked, tracked.focal * world[..., :2] / world[..., 2:] + SIZE / 2)


def turns(take: Followed) -> Rotation:
    """From the true head to the tracked one, in the world."""
    true, found = (c.head_to_world[:, :3, :3] for c in (take.truth.coefficients, take.tracked.coefficients))
    return Rotation.from_matrix(found) * Rotation.from_matrix(true).inv()


def opening(points):
    return np.linalg.norm(points[:, [61, 62, 63]] - points[:, [67, 66, 65]], axis=-1).mean(1)


def test_the_head_is_turned_within_three_degrees(followed):
    errors = [np.rad2deg(turns(take).magnitude()).mean() for take in followed]
    assert np.mean(errors) <= 3.0, errors
    # Most of it is one lasting turn, which a shape that is not known hides; motion is followed far better.
    assert max(np.rad2deg((turns(t).mean().inv() * turns(t)).magnitude()).mean() for t in followed) <= 1.5


def test_the_mouth_is_within_three_pixels_and_nearer_than_the_detectors_own_points(followed):
    for take in followed:
        error = np.linalg.norm(take.landmarks - take.truth.landmarks, axis=-1)
        seen = np.linalg.norm(to_68(take.mesh) - take.truth.landmarks, axis=-1)
        assert error[:, 48:].mean() <= 3.0
        assert error[:, 48:].mean() < 1.1  # what it reaches
        # The jaw line's points are the detector's own: they turn with no point of the head (MEDIAPIPE_PLACES).
        assert error[:, 17:].mean() < 0.75 * seen[:, 17:].mean()


def test_speech_is_not_damped(followed):
    for take in followed:
        true, found = opening(take.truth.landmarks), opening(take.landmarks)
        assert np.corrcoef(true, found)[0, 1] >= 0.9
        assert 0.8 <= np.polyfit(true, found, 1)[0] <= 1.2
        lags = [np.corrcoef(true[3:-3], np.roll(found, -lag)[3:-3])[0, 1] for lag in (-2, -1, 0, 1, 2)]
        assert np.argmax(lags) == 2  # in step
