"""Motion at other frame rates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from erlnet.data.resampling import Resampler


def times(n, fps):
    return (np.arange(n) + 0.5) / fps


def amplitude(frequency, fps, seconds=8.0):
    """Of what a sine of amplitude 1 becomes, at whatever frequency it then has; away from the ends."""
    n = round(seconds * fps)
    out = Resampler.of(n, fps)(np.sin(2 * np.pi * frequency * times(n, fps) + 0.3)[:, None])[15:-15, 0]
    return np.sqrt(2 * np.mean(out**2))


@given(n=st.integers(10, 400), fps=st.floats(5, 240))
def test_still_motion_stays_and_its_length_is_kept(n, fps):
    resample = Resampler.of(n, fps)
    out = resample(np.full((n, 2), 0.7))
    assert -1e-6 <= n / fps - len(out) / 25 < 1 / 25 + 1e-6
    np.testing.assert_allclose(out, 0.7)
    assert resample.source.min(initial=0) >= 0
    assert resample.source.max(initial=0) < n


def test_25_fps_are_left_as_they_are_to_the_bit():
    values = np.random.default_rng(0).normal(size=(40, 3))
    np.testing.assert_array_equal(Resampler.of(40, 25)(values), values)


def test_a_long_sequence_is_made_in_parts_to_the_same_bits():
    values = np.random.default_rng(1).normal(size=(700, 3))
    resample = Resampler.of(700, 29.97)
    whole = np.einsum("tk,tkc->tc", resample.weight, values[resample.source])
    assert len(whole) > 500  # three parts
    np.testing.assert_array_equal(resample(values), whole)


@pytest.mark.parametrize("fps", [15, 24, 29.97, 30, 50, 60, 100])
def test_slow_motion_lies_where_it_was_in_time(fps):
    n = round(8 * fps)
    out = Resampler.of(n, fps)(np.sin(2 * np.pi * 2 * times(n, fps))[:, None])[15:-15, 0]
    np.testing.assert_allclose(out, np.sin(2 * np.pi * 2 * times(len(out) + 30, 25))[15:-15], atol=0.02)


def test_from_30_fps_speech_rates_pass_and_what_would_alias_is_damped():
    assert all(amplitude(f, 30) == pytest.approx(1, abs=0.02) for f in (1, 3, 5, 7))
    assert amplitude(14, 30) < 0.35
    assert all(amplitude(f, 60) < 0.05 for f in (17, 20, 25))


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_a_steady_turn_stays_one_across_half_a_turn(fps):
    axis = np.array([0.6, 0.0, 0.8])
    n = 6 * fps
    turned = Rotation.from_rotvec(np.outer(1.5 * times(n, fps), axis)).as_matrix()
    out = Resampler.of(n, fps).turn(turned)
    np.testing.assert_allclose(out @ out.transpose(0, 2, 1), np.tile(np.eye(3), (len(out), 1, 1)), atol=1e-9)
    expected = Rotation.from_rotvec(np.outer(1.5 * times(len(out), 25), axis))
    error = (Rotation.from_matrix(out) * expected.inv()).magnitude()
    assert error[5:-5].max() < 0.002
    assert error.max() < 0.06  # the ends have neighbours on one side only
