"""Detectors by name, and dlib's where it and its model are present."""

import json
import subprocess
import sys

import numpy as np
import pytest
from metric_fakes import ArrayClip, face, noise_frames
from skimage.data import astronaut

from erlnet.assets import asset_path
from erlnet.errors import AssetMissing
from erlnet.metrics.cards import fingerprint
from erlnet.metrics.detector import FaceLandmarker
from erlnet.metrics.detector_pass import found_in, landmarks_of, missed_rows, seen
from erlnet.metrics.detectors import LANDMARK_DETECTORS, LandmarkDetector, detector_fingerprint, landmark_detector
from erlnet.metrics.dlib_detector import DlibLandmarker
from erlnet.metrics.face import interocular, mouth_opening
from erlnet.metrics.pairs import ClipPair, Unavailable


@pytest.fixture(scope="module")
def dlib_detector():
    pytest.importorskip("dlib", reason="the extra 'identity' is not installed")
    try:
        asset_path("dlib68", "this test")
    except AssetMissing as missing:
        pytest.skip(str(missing))
    with DlibLandmarker() as made:
        yield made


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return astronaut()[:256, 96:352].transpose(2, 0, 1).copy()


def test_names_and_fingerprints_need_no_torch_and_no_detector():
    code = (
        "import sys; from erlnet.metrics import detectors as d;"
        "[d.detector_fingerprint(name) for name in d.LANDMARK_DETECTORS];"
        "assert not {'torch', 'dlib', 'mediapipe'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_each_name_is_a_detector_with_a_fingerprint_of_its_own():
    marks = [json.dumps(detector_fingerprint(name), sort_keys=True) for name in LANDMARK_DETECTORS]
    assert len(set(marks)) == len(marks)
    assert all(isinstance(landmark_detector(name), LandmarkDetector) for name in LANDMARK_DETECTORS)
    with pytest.raises(KeyError, match="no landmark detector 's3fd'"):
        landmark_detector("s3fd")


def test_the_family_of_landmarks_is_fingerprinted_with_the_detector_that_looks_unless_told_otherwise():
    assert detector_fingerprint("mediapipe").items() <= fingerprint("landmarks").items()


def test_dlib_finds_the_68_points_where_the_face_is(dlib_detector, portrait):
    (points,) = dlib_detector(portrait[None])
    assert points[36:42].mean(axis=0) == pytest.approx([107.5, 101], abs=3)  # the pupils, read off the picture
    assert points[42:48].mean(axis=0) == pytest.approx([150.5, 103], abs=3)
    assert points[48:68, 1].min() > points[36:48, 1].max()
    assert 0 < mouth_opening(points) < 0.6


def test_dlib_and_mediapipe_agree_on_where_the_face_is(dlib_detector, portrait):
    pytest.importorskip("mediapipe", reason="the extra 'track' is not installed")
    try:
        asset_path("landmarks", "this test")
    except AssetMissing as missing:
        pytest.skip(str(missing))
    with FaceLandmarker() as other:
        apart = np.linalg.norm(dlib_detector(portrait[None])[0] - other(portrait[None])[0], axis=1)
    inner = apart[27:]  # the two place jaw and brows by different rules
    assert inner.mean() < 0.08 * interocular(dlib_detector(portrait[None])[0])


def test_dlib_says_nan_without_a_face_and_the_others_keep_their_place(dlib_detector, portrait):
    found = dlib_detector(np.stack([noise_frames(1, 256)[0], portrait, np.zeros_like(portrait), portrait]))
    assert np.isnan(found[[0, 2]]).all()
    np.testing.assert_array_equal(found[1], found[3])
    assert seen(found).tolist() == [False, True, False, True]
    assert dlib_detector(portrait[None][:0]).shape == (0, 68, 2)


def test_dlib_gives_points_in_the_pixels_of_small_frames(dlib_detector, portrait):
    half = portrait.reshape(3, 128, 2, 128, 2).mean(axis=(2, 4)).round().astype(np.uint8)
    large, small = dlib_detector(portrait[None])[0], dlib_detector(half[None])[0]
    assert np.linalg.norm(large / 2 - small, axis=1).mean() < 1
    wide = np.concatenate([half, half[:, :, ::-1]], axis=2)[:, :, :192]  # not square
    assert np.isfinite(dlib_detector(wide[None])).all()


def test_without_its_model_dlib_is_unavailable_and_says_how_to_get_it(tmp_path, monkeypatch, portrait):
    pytest.importorskip("dlib", reason="the extra 'identity' is not installed")
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path))
    with DlibLandmarker() as lost, pytest.raises(Unavailable) as caught:
        lost(portrait[None])
    assert caught.value.remedy == "python -m erlnet assets fetch dlib68"


def test_without_dlib_it_is_unavailable_and_says_how_to_get_it(monkeypatch, portrait):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with DlibLandmarker() as lost, pytest.raises(Unavailable) as caught:
        lost(portrait[None])
    assert caught.value.remedy == "pip install 'erlnet[identity]'"


def numbered(count: int) -> ArrayClip:
    """Frames that carry their number in a pixel."""
    frames = np.zeros((count, 3, 8, 8), np.uint8)
    frames[:, 0, 0, 0] = np.arange(count)
    return ArrayClip(frames, np.tile(face(), (count, 1, 1)))


def pair_of(reference: ArrayClip, rendered: ArrayClip) -> ClipPair:
    return ClipPair("c", "a", reference, rendered, np.zeros((len(reference), 8, 8), np.uint8), reference.landmarks)


def faces_at(frames: np.ndarray) -> np.ndarray:
    """A face shifted by the frame's number; none in numbers that 4 divides."""
    numbers = frames[:, 0, 0, 0].astype(float)
    return np.where(numbers[:, None, None] % 4 == 0, np.nan, face() + numbers[:, None, None]).astype(np.float32)


def test_both_sides_of_a_long_clip_come_in_order_and_are_looked_at_once(tmp_path):
    clip, looked = numbered(40), []

    def look(frames):
        looked.append(len(frames))
        return faces_at(frames)

    later = ArrayClip(np.roll(clip.array, 1, axis=0), clip.landmarks)
    ((reference, rendered),) = landmarks_of([pair_of(clip, later)], detections=tmp_path / "d.npz", detect=look)
    np.testing.assert_array_equal(rendered[1:], reference[:-1])
    assert sum(looked) == 40
    again = landmarks_of([pair_of(clip, clip)], detections=tmp_path / "d.npz", detect=lambda frames: 1 / 0)
    np.testing.assert_array_equal(again[0][1], reference)
    with pytest.raises(ZeroDivisionError):  # another detector's memory is not used
        landmarks_of([pair_of(clip, clip)], "dlib", tmp_path / "d.npz", detect=lambda frames: 1 / 0)


def test_missed_faces_are_counted_over_the_reference_frames_that_have_one():
    reference, rendered = numbered(9), numbered(9)  # 0, 4, 8 have no face
    rendered.array[[1, 2, 4], 0, 0, 0] = [0, 0, 5]
    sides = found_in([pair_of(reference, rendered)], faces_at)[0]
    values = {row.metric: row.value for row in missed_rows("c", sides, "faces")}
    assert values == {"faces_missed": pytest.approx(2 / 6), "faces_unseen": pytest.approx(3 / 9)}
    nothing = found_in([pair_of(reference, rendered)], lambda f: np.full((len(f), 68, 2), np.nan))[0]
    assert [row.value for row in missed_rows("c", nothing, "faces")] == [None, 1.0]
