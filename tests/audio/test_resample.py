"""Rows of a model's own rate on the frames' times: the laws, and a brute-force second calculation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sound_toys import mean_of_line

from erlnet.audio.resample import frame_means

FIRST = st.floats(-200, 400)
STRIDE = st.sampled_from([160.0, 200.0, 320.0, 333.3, 640.0, 900.0])


def rows_for(first: float, stride: float, n_frames: int) -> np.ndarray:
    """The centres of rows that reach from before the first frame to after the last."""
    return first + stride * np.arange(-int(first // stride + 1) if first > 0 else 0, n_frames * 640 // stride + 4)


@given(FIRST, STRIDE, st.integers(1, 30), st.floats(-9, 9))
def test_what_is_constant_stays_constant(first, stride, n_frames, value):
    rows = np.full((5, 3), value, np.float32)  # too few rows for some: they stand still at both ends
    np.testing.assert_allclose(frame_means(rows, first, stride, n_frames), value, rtol=1e-6, atol=1e-6)


@given(FIRST, STRIDE, st.integers(1, 30))
def test_a_ramp_in_time_is_met_at_the_frames_centres(first, stride, n_frames):
    centres = rows_for(first, stride, n_frames)
    rows = (centres / 16_000)[:, None].astype(np.float32)  # each row says its own time, in s
    got = frame_means(rows, centres[0], stride, n_frames)[:, 0]
    np.testing.assert_allclose(got, (np.arange(n_frames) + 0.5) / 25, atol=2e-6)


@given(FIRST, STRIDE, st.integers(0, 5), st.integers(0, 99))
def test_rows_that_lie_k_frames_later_are_met_k_frames_later(first, stride, k, seed):
    rows = np.random.default_rng(seed).standard_normal((40, 4)).astype(np.float32)
    early, late = frame_means(rows, first, stride, 20), frame_means(rows, first + 640 * k, stride, 20 + k)
    np.testing.assert_allclose(late[k:], early, atol=1e-5)


@pytest.mark.parametrize(("first", "stride"), [(0, 320), (199.5, 320), (-37, 250), (10, 700)])
def test_a_row_is_the_mean_of_the_line_over_its_frame(first, stride):
    rows = np.random.default_rng(1).standard_normal((50, 3)).astype(np.float32)
    expected = mean_of_line(rows, first + stride * np.arange(50), 24)
    np.testing.assert_allclose(frame_means(rows, first, stride, 24), expected, atol=2e-5)


@pytest.mark.parametrize(
    ("first", "weights"),  # of rows 2t-1 .. 2t+2
    [
        (0, [0, 0.25, 0.5, 0.25]),
        # Rows 120.5 before the frame, 199.5 and 519.5 in it, 199.5 after it. In units of the stride, the hat of the
        # first reaches (1 - .3766) in, its area there is .6234^2 / 2, and half of that is the weight; and so on.
        (199.5, [0.0972, 0.4645, 0.4028, 0.0355]),
    ],
)
def test_the_weights_of_whisper_and_wav2vec2_are_those_worked_out_by_hand(first, weights):
    rows = np.eye(9, dtype=np.float32)
    np.testing.assert_allclose(frame_means(rows, first, 320, 3)[1], [0, *weights, 0, 0, 0, 0], atol=6e-5)
