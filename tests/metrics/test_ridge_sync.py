"""The ridge measure of sync: known filters with known lags, unrelated signals, and its algebra by other means."""

import numpy as np
import pytest
from scipy.signal import lfilter

from erlnet.audio.logmel import LogMelEncoder
from erlnet.metrics.ridge_sync import (
    BANDS,
    band_means,
    cross_fitted,
    fit_ridge,
    heard,
    lag_of,
    predicted_by_others,
    unrelated_spread,
)


def wander(rng, n, columns, memory=0.8):
    """(n,columns) smooth noise."""
    return lfilter([1.0], [1.0, -memory], rng.normal(size=(n, columns)), axis=0)


FILTER = np.random.default_rng(99).normal(size=(5, BANDS))  # sound of t-2 .. t+2


def spoken(seed, n=300, late=0, noise=1.0):
    """Log-mels and an opening that is a known filter of them, `late` frames behind, with as much noise as signal."""
    rng = np.random.default_rng(seed)
    mels = wander(rng, n + 40, BANDS)
    around = np.stack([mels[20 + d - late : 20 + d - late + n] for d in range(-2, 3)], 1)  # (n, 5, 20)
    opening = np.einsum("ndb,db->n", around, FILTER)
    opening = opening / opening.std() + noise * wander(rng, n, 1)[:, 0] / 1.67  # the noise's sd is 1.67
    return mels[20 : 20 + n], 0.2 + 0.05 * opening


@pytest.fixture(scope="module")
def ridge():
    return fit_ridge([spoken(seed) for seed in range(6)])


@pytest.mark.parametrize("late", range(-5, 6))
def test_a_mouth_that_is_late_by_k_frames_reads_k(ridge, late):
    mels, opening = spoken(50 + late, late=late)
    assert lag_of([(ridge(mels), opening)]).frames == late  # so its z is over 3


def test_positive_means_that_the_mouth_is_late_against_the_sound():
    """By hand: the prediction peaks at frame 10, the mouth at frame 14."""
    predicted, opening = np.zeros(60), np.zeros(60)
    predicted[10], opening[14] = 1.0, 1.0
    assert lag_of([(predicted, opening)]).peak == 4


def test_sound_that_comes_later_makes_the_mouth_early():
    """A beat whose loudness the mouth follows; the sound put off by 3 frames (1920 samples) reads -3."""
    rng = np.random.default_rng(1)

    def take(seconds, put_off):
        loudness = np.clip(wander(rng, seconds * 25, 1, 0.7)[:, 0], 0, None)
        sound = np.repeat(loudness, 640) * rng.normal(size=seconds * 16_000) * 0.05
        sound = np.concatenate([np.zeros(640 * put_off), sound])[: len(sound)].astype(np.float32)
        rows = LogMelEncoder(BANDS, 0, 8000, -80)(sound, seconds * 25)
        return band_means(rows), loudness + 0.3 * rng.normal(size=len(loudness))

    filtered = fit_ridge([take(20, 0)])
    for put_off in (0, 3):
        mels, opening = take(10, put_off)
        assert lag_of([(filtered(mels), opening)]).frames == -put_off


def test_unrelated_signals_are_undetermined(ridge):
    """The lag's z is over 3 in at most a few of a hundred pairs that have nothing to do with each other."""
    called = []
    for seed in range(100, 200):
        mels, _ = spoken(seed)
        _, other = spoken(seed + 1000)
        called.append(lag_of([(ridge(mels), other)]).frames is not None)
    assert np.mean(called) <= 0.05


def test_a_ridge_fitted_to_the_clip_itself_tells_a_drift_but_not_a_lag():
    mels, opening = spoken(7, n=600, late=3)
    whole = lag_of([(cross_fitted(mels, opening), opening)])
    assert whole.frames == 0  # learnt: the filter reaches 7 frames
    early, late = spoken(8, n=500, late=0), spoken(9, n=500, late=2)
    mels, opening = (np.concatenate(pair) for pair in zip(early, late))
    predicted = cross_fitted(mels, opening, folds=2)  # each half by the other
    assert lag_of([(predicted[:500], opening[:500])]).frames == -2
    assert lag_of([(predicted[500:], opening[500:])]).frames == 2


def test_cross_fitting_cannot_learn_the_frames_that_it_predicts():
    rng = np.random.default_rng(5)
    mels, opening = wander(rng, 600, BANDS), wander(rng, 600, 1, 0.95)[:, 0]
    seen = fit_ridge([(mels, opening)])(mels)
    assert np.corrcoef(seen, opening)[0, 1] > 0.4  # overfitted
    assert abs(np.corrcoef(cross_fitted(mels, opening), opening)[0, 1]) < 0.25


def test_each_speaker_is_predicted_by_the_others_alone():
    clips = [spoken(seed, n=120) for seed in range(4)]
    speakers = ["a", "b", "a", "c"]
    found = predicted_by_others(clips, speakers)
    np.testing.assert_allclose(found[2], fit_ridge([clips[1], clips[3]])(clips[2][0]))
    together = lag_of(list(zip(found, [opening for _, opening in clips])))
    assert together.frames == 0
    assert together.z > max(lag_of([(p, o)]).z for p, (_, o) in zip(found, clips))  # more frames tell more
    with pytest.raises(ValueError, match="no clip"):
        predicted_by_others(clips[:1], ["a"])


def test_ridge_is_least_squares_on_rows_with_the_penalty_appended():
    mels, opening = spoken(1, n=80)
    ridge = fit_ridge([(mels, opening)], strength=0.5)
    rows = heard(mels)
    scaled = (rows - rows.mean(0)) / rows.std(0)
    y = (opening - opening.mean()) / opening.std()
    tall = np.concatenate([scaled, np.sqrt(0.5 * 80) * np.eye(300)])
    expected, *_ = np.linalg.lstsq(tall, np.concatenate([y, np.zeros(300)]), rcond=None)
    np.testing.assert_allclose(ridge.weights, expected, atol=1e-9)
    np.testing.assert_allclose(ridge(mels), scaled @ expected, atol=1e-9)


def test_a_row_sees_seven_frames_on_either_side_and_holds_the_ends():
    mels = np.arange(20.0)[:, None].repeat(BANDS, 1)
    rows = heard(mels).reshape(20, 15, BANDS)[..., 0] + 9.5  # the mean is taken off
    assert rows[10].tolist() == list(range(3, 18))
    assert rows[0].tolist() == [0] * 8 + list(range(1, 8))
    assert rows[19].tolist() == list(range(12, 20)) + [19] * 7


def test_band_means_average_the_four_columns_of_a_frame():
    rows = np.concatenate([np.full((3, BANDS), k) + np.arange(BANDS) for k in range(4)], 1)
    np.testing.assert_allclose(band_means(rows), 1.5 + np.arange(BANDS)[None].repeat(3, 0))
    with pytest.raises(ValueError, match="expected"):
        band_means(np.zeros((3, 81)))


def test_the_spread_of_unrelated_correlations_is_what_simulation_finds():
    rng = np.random.default_rng(0)
    pairs = [(wander(rng, 250, 1, 0.9)[:, 0], wander(rng, 250, 1, 0.8)[:, 0]) for _ in range(400)]
    simulated = np.std([np.corrcoef(a, b)[0, 1] for a, b in pairs])
    estimated = np.mean([unrelated_spread([pair]) for pair in pairs])
    assert estimated == pytest.approx(simulated, rel=0.2)
    # White noise: 1 / sqrt(N), by hand.
    white = [(rng.normal(size=400), rng.normal(size=400))]
    assert unrelated_spread(white) == pytest.approx(1 / 20, rel=0.25)


def test_unknown_frames_are_left_out_and_too_little_is_no_lag(ridge):
    mels, opening = spoken(60, late=2)
    opening[50:80] = np.nan
    assert lag_of([(ridge(mels), opening)]).frames == 2
    assert lag_of([(ridge(mels), np.full(300, np.nan))]) is None
    assert lag_of([(ridge(mels), np.full(300, 0.1))]) is None
    assert lag_of([(np.arange(8.0), np.arange(8.0))]) is None
