"""The bar for a learnt mapper: its algebra by other means, and that it really hears something."""

import numpy as np
import pytest
from motion_makers import demo_motion, performance, wander

from erlnet.audio.logmel import LogMelEncoder
from erlnet.metrics.motion.mesh import FaceMesh
from erlnet.metrics.motion.mouth import mouth_units
from erlnet.metrics.motion.ridge import FOLDS, STRENGTHS, fit_motion_ridge
from erlnet.metrics.ridge_sync import BANDS, band_means, heard

FILTER = np.random.default_rng(7).normal(size=(BANDS, 3))


def clip(seed: int, frames: int = 80, noise: float = 0.5):
    """Log-mels and a stream of four channels: three follow the sound of the frame, the fourth never moves."""
    rng = np.random.default_rng(seed)
    mels = wander(rng, frames, BANDS)
    moved = mels @ FILTER / 4 + noise * wander(rng, frames, 3)
    return mels, np.c_[0.3 + 0.1 * moved, np.full(frames, 0.7)]


def by_hand(clips, strength):
    """Weights to standardised channels by the augmented least squares problem, rows stacked."""
    rows = np.concatenate([heard(mels) for mels, _ in clips])
    wanted = np.concatenate([y - y.mean(0) for _, y in clips])[:, :3]
    spread = np.sqrt((wanted**2).mean(0))
    mean, scale = rows.mean(0), rows.std(0)
    scaled = (rows - mean) / scale
    k = scaled.shape[1]
    stacked = np.concatenate([scaled, np.sqrt(strength * len(rows)) * np.eye(k)])
    weights = np.linalg.lstsq(stacked, np.concatenate([wanted / spread, np.zeros((k, 3))]), rcond=None)[0]
    return lambda mels: (heard(mels) - mean) / scale @ weights, spread


def test_it_is_least_squares_with_a_penalty():
    clips = [clip(i) for i in range(4)]
    ridge = fit_motion_ridge(clips, [0.03])
    predict, spread = by_hand(clips, 0.03)
    level = np.concatenate([y for _, y in clips]).mean(0)
    mels, _ = clip(50)
    assert np.allclose(ridge(mels)[:, :3], predict(mels) * spread + level[:3], atol=1e-5)
    assert np.allclose(ridge(mels)[:, 3], 0.7)  # what never moved stays


def test_the_strength_is_the_one_with_the_least_error_on_clips_left_out():
    clips = [clip(i, noise=3.0) for i in range(7)]
    ridge = fit_motion_ridge(clips)
    spread = np.sqrt(np.mean(np.concatenate([y - y.mean(0) for _, y in clips])[:, :3] ** 2, 0))
    for strength in STRENGTHS:
        squared, n = 0.0, 0
        for fold in range(FOLDS):
            others = [c for i, c in enumerate(clips) if i % FOLDS != fold]
            predict, own_spread = by_hand(others, strength)
            for mels, y in clips[fold::FOLDS]:
                off = (predict(mels) * own_spread - (y - y.mean(0))[:, :3]) / spread
                squared, n = squared + (off**2).sum(), n + off.size
        assert ridge.errors[strength] == pytest.approx(squared / n, rel=1e-3)
    assert ridge.strength == min(ridge.errors, key=ridge.errors.get)


def test_noisier_motion_is_learnt_with_a_stronger_hand():
    clean, noisy = (fit_motion_ridge([clip(i, noise=n) for i in range(6)]).strength for n in (0.05, 10.0))
    assert clean < noisy


def test_the_level_comes_from_outside_where_it_is_given():
    ridge = fit_motion_ridge([clip(i) for i in range(3)])
    mels, _ = clip(50)
    moved = np.array([0.1, -0.2, 0.3, 0.0])
    assert np.allclose(ridge(mels, ridge.level + moved), ridge(mels) + moved, atol=1e-6)


def test_the_same_clips_give_the_same_bits():
    clips = [clip(i) for i in range(5)]
    one, other = fit_motion_ridge(clips), fit_motion_ridge(clips)
    assert (one.weights == other.weights).all()


def test_one_clip_is_fitted_with_the_usual_strength_and_none_is_refused():
    assert fit_motion_ridge([clip(0)]).strength == 0.3
    with pytest.raises(ValueError, match="no clip"):
        fit_motion_ridge([])
    with pytest.raises(ValueError, match="nothing moves"):
        fit_motion_ridge([(clip(0)[0], np.ones((80, 4)))] * 2)


def test_on_the_demo_it_opens_the_mouth_in_step_with_new_sound(model):
    encoder = LogMelEncoder(BANDS, 0.0, 8000.0, -80.0)

    def sounding(motion, seed):
        show = performance(seed, int(motion.speaker), motion.style)
        return band_means(encoder(show.audio, len(motion))), motion.stream

    train = [(demo_motion(seed, 0, style), seed) for style in ("neutral", "angry") for seed in range(8)]
    ridge = fit_motion_ridge([sounding(*item) for item in train])
    assert min(ridge.errors.values()) < 0.9  # it explains a tenth of all that moves, blinks and brows included
    mesh = FaceMesh(model, np.zeros(model.n_shape))
    tests = [(demo_motion(seed, 0, "neutral"), seed) for seed in (20, 21, 22)]
    made = [truth.with_streams(ridge(sounding(truth, seed)[0]), truth.pose) for truth, seed in tests]
    units = mouth_units([t for t, _ in tests], [mesh(t).opening for t, _ in tests], [mesh(m).opening for m in made])
    assert min(unit.scores.r for unit in units) > 0.5
    assert all(abs(unit.scores.lag) <= 1 for unit in units)
