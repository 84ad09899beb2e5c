import numpy as np
import pytest
from motion_makers import wander
from scipy.optimize import minimize

from erlnet.metrics.motion.coupling import expression_pose_coupling, first_directions


def clips(couple, n: int = 8, frames: int = 100, units: int = 10):
    """n clips of smooth noise; the pose is what `couple` makes of expression and noise of its own."""
    made = []
    for seed in range(n):
        rng = np.random.default_rng(seed)
        expression, own = wander(rng, frames, units), wander(rng, frames, 6)
        made.append((expression, couple(expression, own)))
    return made


MIX = np.random.default_rng(5).normal(size=(10, 6))


def test_unrelated_streams_read_nothing_though_a_fit_would_find_something():
    unrelated = clips(lambda expression, own: own, n=24, frames=300)
    values = expression_pose_coupling(unrelated)
    assert abs(np.mean(values)) < 0.12  # sd over such sets .05
    x, y = unrelated[0]
    a, b = first_directions(x - x.mean(0), y - y.mean(0))
    assert np.corrcoef(x @ a, y @ b)[0, 1] > 0.4  # what the fit says of its own clip


def test_a_pose_that_is_a_linear_function_of_the_face_reads_one():
    assert min(expression_pose_coupling(clips(lambda expression, own: expression @ MIX * 0.01))) > 0.97


def test_more_of_its_own_motion_means_less_coupling():
    values = [np.mean(expression_pose_coupling(clips(lambda e, own, s=s: e @ MIX + s * own))) for s in (0.0, 3.0, 12.0)]
    assert values[0] > values[1] > values[2]


def test_units_do_not_count():
    plain = clips(lambda e, own: e @ MIX + 3 * own)
    scaled = [(x * np.logspace(-2, 2, 10), y * 1e-3) for x, y in plain]
    assert np.allclose(expression_pose_coupling(plain), expression_pose_coupling(scaled), atol=1e-9)


def test_the_first_direction_is_the_best_there_is():
    """Against a search from many starts for the largest shrunk correlation."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = np.c_[x[:, 0] + rng.normal(size=300), rng.normal(size=300)]
    x, y = ((side - side.mean(0)) / side.std(0) for side in (x, y))

    def shrunk(a, b):
        cov = [0.9 * side.T @ side / 300 + 0.1 * np.eye(side.shape[1]) for side in (x, y)]
        return a @ (x.T @ y / 300) @ b / np.sqrt(a @ cov[0] @ a * (b @ cov[1] @ b))

    best = max(-minimize(lambda w: -shrunk(w[:3], w[3:]), rng.normal(size=5)).fun for _ in range(5))
    assert shrunk(*first_directions(x, y)) == pytest.approx(best, abs=1e-6)


def test_a_still_stream_is_coupled_to_nothing_and_two_clips_say_nothing():
    assert expression_pose_coupling(clips(lambda expression, own: 0 * own)) == [0.0] * 8
    assert expression_pose_coupling(clips(lambda expression, own: own, n=2)) is None
    assert expression_pose_coupling([(np.zeros((2, 3)), np.zeros((2, 6)))] * 4) is None


def test_the_demos_brows_go_with_its_nods_and_not_with_those_of_another_clip(bank):
    own = expression_pose_coupling([(m.stream, m.pose) for m in bank])
    torn = expression_pose_coupling([(m.stream, bank[i - 13].pose) for i, m in enumerate(bank)])
    assert np.mean(own) > 0.5
    assert abs(np.mean(torn)) < 0.15  # sd over such sets .06
