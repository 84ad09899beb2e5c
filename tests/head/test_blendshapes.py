import numpy as np
import pytest

from erlnet.head.blendshapes import MEDIAPIPE_NAMES, from_mediapipe
from erlnet.head.files import read_makehuman


def test_names_are_mediapipes_own():
    vision = pytest.importorskip("mediapipe.tasks.python.vision.face_landmarker", reason="mediapipe is not installed")
    ours = [name.lower().replace("_", "") for name in MEDIAPIPE_NAMES]
    theirs = [entry.name.lower().replace("_", "") for entry in sorted(vision.Blendshapes)]
    assert ours == theirs


def test_scores_land_on_the_unit_of_the_same_name():
    arrays = read_makehuman()
    scores = np.random.default_rng(0).random((3, 52))
    motion = from_mediapipe(scores, arrays.expression_names, arrays.jaw_open_angle)
    for name in ("mouthSmileLeft", "browInnerUp", "jawForward", "noseSneerRight"):
        unit, column = arrays.expression_names.index(name), MEDIAPIPE_NAMES.index(name)
        np.testing.assert_allclose(motion.expression[:, unit], scores[:, column], atol=1e-6)
    np.testing.assert_allclose(motion.lids[:, 0], scores[:, 9], atol=1e-6)  # eyeBlinkLeft
    np.testing.assert_allclose(motion.jaw_open, 0.4328 * scores[:, 25], atol=1e-4)  # jawOpen


def test_only_tongue_out_has_no_score():
    names = read_makehuman().expression_names
    motion = from_mediapipe(np.ones((1, 52)), names, 0.4)
    assert [name for name, value in zip(names, motion.expression[0]) if value == 0] == ["tongueOut"]


def test_names_that_share_nothing_are_refused():
    with pytest.raises(ValueError, match="none of the head model's"):
        from_mediapipe(np.ones((1, 52)), ("expression000",), 0.4)


def test_a_wrong_number_of_scores_is_refused():
    with pytest.raises(ValueError, match="expected 52 scores"):
        from_mediapipe(np.ones((1, 51)), ("jawForward",), 0.4)
