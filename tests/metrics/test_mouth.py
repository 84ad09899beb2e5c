import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erlnet.metrics.mouth import MouthScores, join_short, mouth_scores


def speech(frames: int, seed: int = 0) -> np.ndarray:
    """An opening curve like speech: a few syllables a second, sd about .05."""
    white = np.random.default_rng(seed).normal(size=frames + 20)
    smooth = np.convolve(white, np.hanning(7), mode="same")[10:-10]
    return 0.1 + 0.05 * smooth / smooth.std()


@pytest.mark.parametrize("lag", [-15, -7, -1, 0, 1, 5, 15])
def test_a_delayed_copy_reads_its_delay(lag):
    whole = speech(140)
    scores = mouth_scores([(whole[20:120], whole[20 - lag : 120 - lag])])
    assert scores.lag == lag  # positive: the render is late
    assert (scores.r == pytest.approx(1)) == (lag == 0)


def test_a_copy_at_half_the_amplitude_correlates_fully_with_slope_one_half():
    opening = speech(100)
    scores = mouth_scores([(opening, opening / 2)])
    assert scores.r == pytest.approx(1)
    assert scores.slope == pytest.approx(0.5)
    assert scores.lag == 0


def test_a_shut_mouth_reads_nothing_that_follows():
    opening = speech(100)
    assert mouth_scores([(opening, np.zeros(100))]) == MouthScores(0.0, 0.0, None)
    trembling = np.random.default_rng(1).normal(0, 0.002, 100)
    scores = mouth_scores([(opening, trembling)])
    assert abs(scores.r) < 0.3
    assert abs(scores.slope) < 0.02


def test_jitter_does_not_buy_slope():
    opening = speech(1000)
    jittering = 0.5 * opening + np.random.default_rng(0).normal(0, 0.05, 1000)
    assert jittering.std() > opening.std()  # the bare ratio of spreads would call it lively
    assert mouth_scores([(opening, jittering)]).slope == pytest.approx(0.5, abs=0.1)


def test_a_reference_that_does_not_speak_has_no_scores():
    still = 0.1 + 0.1 * (speech(100) - 0.1)  # sd .005
    assert mouth_scores([(still, speech(100))]) == MouthScores(None, None, None)


def test_frames_without_a_face_are_left_out_pairwise():
    opening = speech(100)
    reference, rendered = opening.copy(), opening * 0.8
    reference[10:20] = np.nan
    rendered[40:50] = np.nan
    scores = mouth_scores([(reference, rendered)])
    assert scores.r == pytest.approx(1)
    assert scores.slope == pytest.approx(0.8)


def test_too_few_known_frames_have_no_scores():
    opening = speech(100)
    rendered = np.full(100, np.nan)
    rendered[:9] = opening[:9]
    assert mouth_scores([(opening, rendered)]) == MouthScores(None, None, None)


def test_joined_clips_keep_their_common_delay():
    unit = [(clip[10:35], clip[6:31]) for clip in (speech(60, seed=1), speech(60, seed=2))]
    assert mouth_scores(unit).lag == 4


def test_no_pair_of_frames_spans_two_joined_clips():
    x, y, n = (speech(12, seed) for seed in (1, 2, 3))
    as_one = [(np.concatenate([x, y]), np.concatenate([n, x]))]
    assert mouth_scores(as_one).lag == 12  # the second render repeats the first reference
    assert mouth_scores([(x, n), (y, x)]).lag != 12


def test_clips_shorter_than_every_lag_still_have_scores_together():
    unit = [(speech(12, seed=i), speech(12, seed=i)) for i in range(5)]
    scores = mouth_scores(unit)
    assert scores.r == pytest.approx(1)
    assert scores.lag == 0


@settings(max_examples=30, deadline=None)
@given(st.floats(0.05, 3), st.floats(-0.5, 0.5), st.integers(0, 1000))
def test_r_ignores_gain_and_offset_and_slope_is_the_gain(amplitude, offset, seed):
    opening = speech(80, seed)
    scores = mouth_scores([(opening, amplitude * opening + offset)])
    assert scores.r == pytest.approx(1, abs=1e-6)
    assert scores.slope == pytest.approx(amplitude, rel=1e-6)
    assert scores.lag == 0


def test_short_clips_are_joined_by_speaker_until_two_seconds():
    speakers = ["a", "a", "b", "a", "a", "a", "b"]
    seconds = [1.0, 3.0, 1.0, 1.0, 1.0, 0.5, 0.6]
    # a: clip 1 is long enough alone; 0+3 make two seconds; 4+5 are left over and go with them. b: what there is.
    assert join_short(speakers, seconds) == [[0, 3, 4, 5], [1], [2, 6]]


def test_twelve_clips_of_a_second_make_six_units():
    assert join_short(["a"] * 12, [1.0] * 12) == [[i, i + 1] for i in range(0, 12, 2)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.1, 4)), min_size=1, max_size=20))
def test_every_clip_is_in_one_unit_of_its_own_speaker(clips):
    speakers, seconds = zip(*clips)
    units = join_short(speakers, seconds)
    assert sorted(i for unit in units for i in unit) == list(range(len(clips)))
    assert all(len({speakers[i] for i in unit}) == 1 for unit in units)
    assert all(len(unit) == 1 or all(seconds[i] < 2 for i in unit) for unit in units)
