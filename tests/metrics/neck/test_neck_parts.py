"""The pure functions of the neck metrics against hand calculation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlnet.metrics.neck.contour import Contour, across, contour, correlation
from erlnet.metrics.neck.distance import flow_error, head_shift, neck_distance
from erlnet.metrics.neck.seam import edge_across, seam
from erlnet.metrics.neck.torso import torso_motion, torso_shift

UP = np.zeros((40, 40), bool)
UP[2:12, 2:38] = True
DOWN = np.zeros((40, 40), bool)
DOWN[25:35, 2:38] = True


def field(way: tuple[float, float]) -> np.ndarray:
    return np.tile(np.array(way, np.float32), (40, 40, 1))


def test_the_neck_is_read_against_the_head():
    forward = field((1, 2))
    forward[20:] = [4, 6]
    shift = head_shift(forward, -forward, UP)
    assert shift.tolist() == [1, 2]
    found = neck_distance(forward, -forward, DOWN, shift)
    assert (found.distance, found.points, found.matched) == (5, 360, 360)


def test_points_that_do_not_come_back_are_counted_and_left_out():
    forward, backward = field((2, 0)), field((-2, 0))
    backward[25:30] += 50
    found = neck_distance(forward, backward, DOWN, np.zeros(2))
    assert (found.points, found.matched) == (360, 180)
    assert found.distance == 2


def test_fewer_than_thirty_points_have_no_distance():
    few = np.zeros((40, 40), bool)
    few[25, 5:34] = True
    assert head_shift(field((0, 0)), field((0, 0)), few) is None
    found = neck_distance(field((0, 0)), field((0, 0)), few, np.zeros(2))
    assert (found.distance, found.matched) == (None, 29)
    assert neck_distance(field((0, 0)), field((0, 0)), DOWN, None).distance is None


def test_flow_error_is_the_mean_length_of_the_difference_where_the_reference_is_followed():
    reference, rendered = field((1, 0)), field((1, 3))
    rendered[25:30] = [5, 0]
    assert flow_error(reference, -reference, rendered, DOWN) == pytest.approx((3 + 4) / 2)
    lost = -reference
    lost[25:30] += 9
    assert flow_error(reference, lost, rendered, DOWN) == pytest.approx(3)


def test_torso_shift_is_the_median_of_either_axis():
    forward = field((1, -1))
    forward[25:28] = [90, 90]  # fewer than half
    assert torso_shift(forward, DOWN) == (1, -1)
    assert torso_shift(forward, np.zeros((40, 40), bool)) is None


def test_torso_motion_by_hand():
    reference = np.array([[0, 0], [2, 0], [0, 0], [-2, 0]], float)  # RMS about its mean: sqrt 2
    assert torso_motion(reference, reference) == 0
    assert torso_motion(reference, np.zeros((4, 2))) == pytest.approx(1)
    assert torso_motion(reference, reference / 2) == pytest.approx(0.5)
    assert torso_motion(reference, reference + np.array([0, 1])) == pytest.approx(1 / np.sqrt(2))


def test_a_still_torso_is_divided_by_a_quarter_pixel_and_unknown_frames_do_not_count():
    still = np.zeros((4, 2))
    assert torso_motion(still, still + np.array([0.5, 0])) == pytest.approx(2)
    rendered = still + np.array([0.5, 0])
    rendered[2] = np.nan
    assert torso_motion(still, rendered) == pytest.approx(2)
    assert torso_motion(still, np.full((4, 2), np.nan)) is None


@given(st.floats(0, 2), st.integers(0, 99))
def test_torso_motion_of_a_scaled_motion_is_how_far_the_scale_is_from_one(share, seed):
    reference = np.random.default_rng(seed).normal(0, 3, (20, 2))
    reference -= reference.mean(axis=0)
    assert torso_motion(reference, share * reference) == pytest.approx(abs(1 - share))


def step_frame(levels: float) -> np.ndarray:
    frame = np.full((3, 64, 64), 100, np.uint8)
    frame[:, 32:] = 100 + levels
    return frame


DOWNWARDS = np.tile(np.array([0, 1], np.float32), (64, 64, 1))


def test_a_step_of_a_levels_reads_four_tenths_of_a_at_its_place():
    slope = edge_across(step_frame(100), DOWNWARDS, 1.0)
    # Half a pixel off the step: 100 / sqrt(2 pi) exp(-.5 (.5 / 1.5)^2), a little less for the pixel's own width.
    assert slope[32, 32] == pytest.approx(100 * 0.3989 * np.exp(-0.5 / 9), rel=0.03)
    assert slope[20, 32] == pytest.approx(0, abs=1e-3)


def test_a_seam_in_one_channel_counts_a_third_of_its_square():
    frame = step_frame(0)
    frame[0, 32:] = 160
    red, all_of_it = edge_across(frame, DOWNWARDS, 1.0), edge_across(step_frame(60), DOWNWARDS, 1.0)
    assert red[32, 32] == pytest.approx(all_of_it[32, 32] / np.sqrt(3), rel=1e-5)


def test_an_edge_along_the_border_is_none():
    across_it = np.tile(np.array([1, 0], np.float32), (64, 64, 1))
    assert edge_across(step_frame(100), across_it, 1.0).max() < 1e-3


def test_seam_and_softness_are_one_sided_and_forgive_an_edge_that_lies_2_px_off():
    band = np.ones((64, 64), bool)
    edge, none = edge_across(step_frame(80), DOWNWARDS, 1.0), edge_across(step_frame(0), DOWNWARDS, 1.0)
    too_much, too_little = seam(none, edge, band, 1.0)
    assert too_much == pytest.approx(edge.mean(), rel=1e-5)
    assert too_little == 0
    assert seam(edge, none, band, 1.0) == (0, pytest.approx(edge.mean(), rel=1e-5))
    assert seam(edge, np.roll(edge, 2, axis=0), band, 1.0)[0] == pytest.approx(0, abs=1e-4)
    assert seam(edge, np.roll(edge, 6, axis=0), band, 1.0)[0] > 0.2 * edge.mean()


def test_a_small_band_has_no_seam():
    band = np.zeros((64, 64), bool)
    band[32, :29] = True
    assert seam(np.zeros((64, 64)), np.zeros((64, 64)), band, 1.0) is None


def circle(centre: tuple[float, float], gain: float = 1.0) -> np.ndarray:
    y, x = np.mgrid[:96, :96]
    inside = 1 / (1 + np.exp((np.hypot(x - centre[0], y - centre[1]) - 25) * 1.5))
    return (gain * (60 + 120 * inside)).round().astype(np.uint8)


def test_a_contour_lies_on_the_edge_and_its_normal_points_up_the_slope():
    found = contour(circle((48, 48)), np.ones((96, 96), bool), 1.0)
    radius = np.hypot(found.x - 48, found.y - 48)
    assert 100 < len(found) <= 400
    assert np.abs(radius - 25).max() < 1.0
    outwards = np.stack([found.x - 48, found.y - 48], axis=1) / radius[:, None]
    assert (found.normal * outwards).sum(axis=1) == pytest.approx(-1, abs=0.02)


@pytest.mark.parametrize("gain", [1.0, 0.85])
@pytest.mark.parametrize("way", [(0, 0), (2, 0), (0, -3.5)])
def test_a_contour_is_found_again_at_the_part_of_its_way_that_lies_along_the_normal(way, gain):
    reference, moved = circle((48, 48)), circle((48 + way[0], 48 + way[1]), gain)
    edges = contour(reference, np.ones((96, 96), bool), 1.0)
    still = np.zeros(2)
    gone = across(edges, reference, moved, still, 1.0)
    assert np.isfinite(gone).mean() > 0.95
    assert np.nanmedian(np.abs(gone - edges.normal @ way)) < 0.15
    # Looked for from where the head would bring it, an edge that went along with the head is where it should be.
    assert np.nanmax(np.abs(across(edges, reference, moved, np.array(way), 1.0))) < 0.15


def test_a_contour_that_is_gone_is_not_found():
    reference = circle((48, 48))
    edges = contour(reference, np.ones((96, 96), bool), 1.0)
    assert not np.isfinite(across(edges, reference, np.full_like(reference, 90), np.zeros(2), 1.0)).any()


def test_no_edges_go_nowhere():
    flat = np.full((32, 32), 90, np.uint8)
    edges = contour(flat, np.ones((32, 32), bool), 1.0)
    assert len(edges) == 0
    assert across(edges, flat, flat, np.zeros(2), 1.0).shape == (0,)
    assert len(Contour(np.empty(0), np.empty(0), np.empty((0, 2)))) == 0


def test_correlation_is_pearsons_and_zero_where_a_profile_is_flat():
    a, b = np.random.default_rng(0).normal(size=(2, 5, 20))
    expected = [np.corrcoef(x, y)[0, 1] for x, y in zip(a, b)]
    assert correlation(a, b) == pytest.approx(expected)
    assert correlation(a, np.ones_like(b)).tolist() == [0] * 5
