"""Gaps in detections; and the detector itself where its model and a real clip are at hand."""

from pathlib import Path

import numpy as np
import pytest

from erlnet.data.detector import FaceDetector, fill_gaps
from erlnet.errors import AssetMissing

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def rows(*values):
    return np.array(values, float)[:, None, None] * np.ones((1, 4, 2))


def test_gaps_of_up_to_five_frames_are_interpolated_and_longer_ones_are_not():
    nan = np.nan
    filled = fill_gaps(rows(nan, 0, nan, 2, *[nan] * 5, 8, *[nan] * 6, 15, nan))
    np.testing.assert_allclose(filled[:, 0, 0], [nan, *range(9), *[nan] * 6, 15, nan])


def test_what_was_seen_is_not_touched():
    values = np.random.default_rng(0).normal(size=(20, 4, 2))
    values[7:9] = np.nan
    filled = fill_gaps(values)
    seen = np.isfinite(values)
    assert (filled[seen] == values[seen]).all()
    assert np.isnan(values[7]).all()  # the argument either


def test_without_the_model_file_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path))
    with pytest.raises(AssetMissing, match="assets fetch landmarks"):
        FaceDetector()


@pytest.fixture(scope="module")
def frames():
    path = SHARED / "data" / "clips" / "grid" / "swiz3n.mpg"
    if not path.exists():
        pytest.skip("no shared clips on this machine")
    from erlnet.data.video import read_frames

    return [frame for _, frame in zip(range(6), read_frames(path))]


@pytest.fixture(scope="module")
def detector():
    pytest.importorskip("mediapipe", reason="mediapipe is not installed (extra 'track')")
    with pytest.MonkeyPatch.context() as patch:
        if (SHARED / "data" / "models").exists():
            patch.setenv("ERLNET_ASSETS", str(SHARED / "data" / "models"))
        try:
            made = FaceDetector()
        except AssetMissing as error:
            pytest.skip(str(error))
    with made:
        yield made


def test_a_real_face_is_found_where_it_was_found_before(detector, frames):
    with np.load(SHARED / "data" / "landmarks" / "swiz3n.mp478.npz") as archive:
        known = archive["landmarks"][:6, :, :2] * [360, 288]
    for frame, points in zip(frames, known):
        assert np.linalg.norm(detector(frame).mesh - points, axis=1).mean() < 2.0


def test_of_two_faces_the_larger_is_taken(detector, frames):
    frame = frames[0]
    small = np.zeros_like(frame)
    small[::1] = frame.mean()
    small[72:216, 90:270] = frame[::2, ::2]
    for order in ([frame, small], [small, frame]):
        both = np.concatenate(order, axis=1)
        x = detector(both).mesh[:, 0].mean()
        assert (x < 360) == (order[0] is frame)


def test_no_face_gives_none(detector):
    assert detector(np.full((128, 128, 3), 90, np.uint8)) is None


def test_each_frame_is_seen_on_its_own(detector, frames):
    first = detector(frames[0]).mesh
    for frame in frames[1:]:
        detector(frame)
    np.testing.assert_array_equal(detector(frames[0]).mesh, first)
