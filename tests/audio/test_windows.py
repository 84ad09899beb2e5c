"""Long sound in windows: they cover it, none is longer than asked, and the hand-over is a straight line."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from erlnet.audio.windows import in_windows, spans

SIZES = st.integers(4, 30).flatmap(lambda length: st.tuples(st.just(length), st.integers(1, length // 2)))


@given(st.integers(1, 200), SIZES)
def test_windows_cover_the_sound_and_neighbours_share_what_was_asked(n_frames, sizes):
    length, overlap = sizes
    windows = spans(n_frames, length, overlap)
    assert (windows[0][0], windows[-1][1]) == (0, n_frames)
    assert all(0 < stop - start <= length for start, stop in windows)
    for (_, stop), (start, end) in pairwise(windows):
        assert stop - start == overlap
        assert end > stop


@given(st.integers(1, 200), SIZES)
def test_windows_that_agree_are_joined_without_a_trace(n_frames, sizes):
    truth = np.random.default_rng(0).standard_normal((n_frames, 2)).astype(np.float32)
    joined = in_windows(lambda start, stop: truth[start:stop], 2, n_frames, *sizes)
    np.testing.assert_allclose(joined, truth, atol=1e-6)


def test_the_later_window_takes_over_along_a_straight_line():
    """10 frames in windows of 7 that share 3: the first says 0, the second 1, so 3 frames at 1/4, 2/4, 3/4."""
    joined = in_windows(lambda start, stop: np.full((stop - start, 1), float(start > 0), np.float32), 1, 10, 7, 3)
    np.testing.assert_allclose(joined[:, 0], [0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1])
