"""The mesh's mouth against the truth's: the same scores as on pictures, with known answers on the demo's motion."""

from dataclasses import replace

import numpy as np
import pytest
from motion_makers import demo_motion

from erlnet.metrics.motion.baselines import delayed, mean_motion
from erlnet.metrics.motion.mesh import FaceMesh
from erlnet.metrics.motion.mouth import mouth_units


@pytest.fixture(scope="module")
def opening(model):
    mesh = FaceMesh(model, np.zeros(model.n_shape))
    return lambda motion: mesh(motion).opening


def test_the_truth_late_by_five_frames_reads_lag_five(opening):
    truth = demo_motion(1, 0, "neutral")
    (unit,) = mouth_units([truth], [opening(truth)], [opening(delayed(truth))])
    assert unit.scores.lag == 5
    assert unit.scores.r < 0.8


def test_half_the_jaw_and_half_the_units_give_about_half_the_slope_in_step(opening):
    truth = demo_motion(1, 0, "neutral")
    made = replace(truth, expression=truth.expression / 2, jaw=truth.jaw / 2)
    (unit,) = mouth_units([truth], [opening(truth)], [opening(made)])
    assert unit.scores.lag == 0
    assert unit.scores.r > 0.9
    assert unit.scores.slope == pytest.approx(0.5, abs=0.15)


def test_a_mean_motion_follows_nothing(opening):
    truth = demo_motion(1, 0, "neutral")
    made = mean_motion([demo_motion(2, 0, "neutral")], truth)
    (unit,) = mouth_units([truth], [opening(truth)], [opening(made)])
    assert (unit.scores.r, unit.scores.slope, unit.scores.lag) == (0.0, pytest.approx(0, abs=1e-6), None)


def test_short_clips_of_a_speaker_are_joined(opening):
    clips = [demo_motion(seed, seed % 2, "happy", 30) for seed in range(4)]  # 1.2 s each, speakers 0 1 0 1
    curves = [opening(clip) for clip in clips]
    units = mouth_units(clips, curves, curves)
    assert [unit.clips for unit in units] == [
        (clips[0].name, clips[2].name),
        (clips[1].name, clips[3].name),
    ]
    assert all(unit.scores.r == pytest.approx(1) for unit in units)
