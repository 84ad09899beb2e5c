import sys

import numpy as np
import pytest
from neck_scene import still, textured
from scipy.ndimage import shift

pytest.importorskip("cv2", reason="the neck metrics need OpenCV (the extra track)")

from erlnet.metrics.neck.flow import RememberedFlow, consistent, dense_flow, grey, sample, slopes, texture, window
from erlnet.metrics.pairs import Unavailable


def picture(size: int = 96) -> np.ndarray:
    return textured(size, (120, 120, 120), 20, 0)[0].round().clip(0, 255).astype(np.uint8)


def test_flow_reads_a_shift_that_is_known():
    source = picture()
    target = shift(source.astype(float), (-2, 3), order=3, mode="nearest").round().clip(0, 255).astype(np.uint8)
    inner = dense_flow(source, target)[12:-12, 12:-12]
    assert np.abs(np.median(inner, axis=(0, 1)) - [3, -2]).max() < 0.05


def test_identical_frames_have_no_flow_at_all():
    assert not dense_flow(picture(), picture()).any()


def test_flow_does_not_depend_on_opencvs_threads():
    import cv2

    source, target = picture(), np.roll(picture(), 2, axis=1)
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(4)
        many = dense_flow(source, target)
        assert cv2.getNumThreads() == 4
        cv2.setNumThreads(1)
        assert np.array_equal(many, dense_flow(source, target))
    finally:
        cv2.setNumThreads(before)


def test_a_remembered_field_is_the_same_and_the_oldest_is_dropped(monkeypatch):
    import erlnet.metrics.neck.flow as module

    asked = []
    real = module.dense_flow
    monkeypatch.setattr(module, "dense_flow", lambda a, b: asked.append(1) or real(a, b))
    remembered = RememberedFlow(2)
    a, b, c = picture(), np.roll(picture(), 1, axis=0), np.roll(picture(), 1, axis=1)
    assert np.array_equal(remembered(a, b), real(a, b))
    remembered(a, b)
    assert len(asked) == 1
    remembered(b, a), remembered(a, c), remembered(a, b)
    assert len(asked) == 4


def test_a_point_that_comes_back_is_consistent_and_one_that_does_not_is_not():
    forward = np.zeros((20, 20, 2), np.float32)
    forward[..., 0] = 6.0
    backward = -forward
    backward[5, 11] += [0.0, 0.55]  # .55 px off: under 10 % of 6 px
    backward[6, 11] += [0.0, 0.65]  # over it
    points = np.zeros((20, 20), bool)
    points[[4, 5, 6], 5] = True
    assert consistent(forward, backward, points).tolist() == [True, True, False]


def test_texture_is_zero_on_flat_places_and_along_edges_and_large_at_corners():
    board = np.full((64, 64), 80, np.uint8)
    board[32:, 32:] = 180
    strength = texture(board, 1.0)
    assert strength[10, 10] == pytest.approx(0, abs=1e-3)
    assert strength[52, 32] == pytest.approx(0, abs=1e-2)  # the edge's middle: the aperture problem
    assert strength[32, 32] > 10


def test_texture_of_the_same_picture_is_nearly_the_same_at_twice_the_size():
    small = picture(64)
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    ratio = np.median(texture(large, 2.0)[::2, ::2][8:-8, 8:-8] / texture(small, 1.0)[8:-8, 8:-8])
    assert 0.8 < ratio < 1.2


def test_slopes_are_levels_a_pixel():
    ramp = np.tile(np.arange(0, 128, 2, dtype=np.uint8), (64, 1))
    dx, dy = slopes(ramp, 1.0)
    assert dx[32, 32] == pytest.approx(2, abs=1e-3)
    assert dy[32, 32] == pytest.approx(0, abs=1e-3)


def test_sampling_is_bilinear_and_holds_the_border():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    x, y = np.array([0.5, 1.25, 9.0]), np.array([0.5, 0.0, 1.0])
    assert sample(values, x, y) == pytest.approx([2.0, 1.25, 5.0])


def test_grey_is_rec_601():
    frame = np.array([[[100]], [[200]], [[50]]], np.uint8)
    assert grey(frame)[0, 0] == round(29.9 + 117.4 + 5.7)


def test_a_window_holds_points_and_margin_and_stays_in_the_frame():
    points = np.zeros((100, 100), bool)
    points[50:60, 5] = True
    rows, columns = window(points, 0.5)
    assert (rows, columns) == (slice(34, 76), slice(0, 22))
    assert window(np.zeros((9, 9), bool), 1.0) is None


def test_without_opencv_flow_is_unavailable_and_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(Unavailable, match="OpenCV") as caught:
        dense_flow(picture(), picture().T.copy())
    assert caught.value.remedy == "pip install 'erlnet[track]'"


def test_two_sizes_are_refused():
    with pytest.raises(ValueError, match="source is"):
        dense_flow(still(1, 64).frames[0, 0], picture())
