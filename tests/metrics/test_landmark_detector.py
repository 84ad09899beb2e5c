"""The real detector, where mediapipe and its model are present."""

import sys

import numpy as np
import pytest
from metric_fakes import noise_frames
from skimage.data import astronaut

from erlnet.assets import asset_path
from erlnet.errors import AssetMissing
from erlnet.metrics.detector import FaceLandmarker
from erlnet.metrics.face import interocular, mouth_opening
from erlnet.metrics.pairs import Unavailable


@pytest.fixture(scope="module")
def detector():
    pytest.importorskip("mediapipe", reason="the extra 'track' is not installed")
    try:
        asset_path("landmarks", "this test")
    except AssetMissing as missing:
        pytest.skip(str(missing))
    with FaceLandmarker() as made:
        yield made


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return astronaut()[:256, 96:352].transpose(2, 0, 1).copy()


def test_it_finds_the_68_points_where_the_face_is(detector, portrait):
    (points,) = detector(portrait[None])
    assert points.shape == (68, 2)
    right_eye, left_eye = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    assert right_eye == pytest.approx([107.5, 101], abs=3)  # the pupils, read off the picture
    assert left_eye == pytest.approx([150.5, 103], abs=3)
    assert points[48:68, 1].min() > points[36:48, 1].max()  # mouth below the eyes
    assert 0 < mouth_opening(points) < 0.6


def test_a_frame_without_a_face_is_nan_and_the_others_keep_their_place(detector, portrait):
    found = detector(np.stack([noise_frames(1, 256)[0], portrait, np.zeros_like(portrait), portrait]))
    assert np.isnan(found[[0, 2]]).all()
    assert np.isfinite(found[[1, 3]]).all()
    np.testing.assert_array_equal(found[1], found[3])  # every frame by itself, whichever thread took it


def test_small_frames_give_points_in_their_own_pixels(detector, portrait):
    half = portrait.reshape(3, 128, 2, 128, 2).mean(axis=(2, 4)).round().astype(np.uint8)
    large, small = detector(portrait[None])[0], detector(half[None])[0]
    assert np.linalg.norm(large / 2 - small, axis=1).mean() < 1
    assert interocular(small) == pytest.approx(interocular(large) / 2, rel=0.05)


def test_without_its_model_it_is_unavailable_and_says_how_to_get_it(tmp_path, monkeypatch, portrait):
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path))
    with FaceLandmarker() as lost, pytest.raises(Unavailable) as caught:
        lost(portrait[None])
    assert caught.value.remedy == "python -m erlnet assets fetch landmarks"


def test_without_mediapipe_it_is_unavailable_and_says_how_to_get_it(monkeypatch, tmp_path, portrait):
    monkeypatch.setattr("erlnet.metrics.detector.asset_path", lambda name, why: tmp_path / "model.task")
    monkeypatch.setitem(sys.modules, "mediapipe.tasks.python", None)
    with FaceLandmarker() as lost, pytest.raises(Unavailable) as caught:
        lost(portrait[None])
    assert caught.value.remedy == "pip install 'erlnet[track]'"
