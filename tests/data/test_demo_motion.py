"""The demo's styles, head, torso, eyes and hidden motion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from erlnet.data.demo.eyes import blinks, gaze
from erlnet.data.demo.face import by_name, face_units
from erlnet.data.demo.motion import head_angles
from erlnet.data.demo.mouth import articulate
from erlnet.data.demo.phonemes import SILENCE
from erlnet.data.demo.sentence import Accent, Segment
from erlnet.data.demo.smoothing import bump, decaying_noise, hann_smooth, soft_limit, spring_noise
from erlnet.data.demo.speech import Performance, perform
from erlnet.data.demo.styles import STYLES, speaker

UNITS = ("browDownLeft", "browInnerUp", "jawForward", "mouthSmileLeft", "mouthSmileRight", "noseSneerLeft")
PIVOT = np.array([0.0, -0.09, -0.04])


@pytest.fixture(scope="module")
def shows() -> dict[str, list[Performance]]:
    """12 clips of 4 s in each style."""
    return {style: [perform(seed, 0, style, 100, UNITS, PIVOT) for seed in range(12)] for style in STYLES}


@pytest.fixture(scope="module")
def clips(shows) -> list[Performance]:
    return [clip for style in shows.values() for clip in style]


def explained(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """R^2 of each column of y by least squares on x and a constant."""
    x = np.column_stack([x, np.ones(len(x))]).astype(float)
    rest = y - x @ np.linalg.lstsq(x, y.astype(float), rcond=None)[0]
    return 1 - rest.var(0) / y.var(0)


def test_the_head_explains_at_most_four_fifths_of_the_torso(clips):
    pose, torso = (np.concatenate([getattr(c, name) for c in clips]) for name in ("pose", "torso"))
    r2 = explained(pose, torso)
    assert r2.max() <= 0.7
    assert r2.mean() >= 0.25  # and yet the torso goes along
    # Within one clip six slow regressors explain much of anything slow.
    assert np.mean([explained(c.pose, c.torso) for c in clips]) <= 0.8


def test_the_torso_sways_by_millimetres_and_smoothly(clips):
    waist_to_collar = np.concatenate([moved(c.torso, PIVOT) for c in clips])
    assert 0.002 < np.linalg.norm(waist_to_collar.std(0)) < 0.015
    assert np.abs(waist_to_collar).max() < 0.03
    turn = np.concatenate([c.torso[:, :3] for c in clips])
    assert np.rad2deg(np.abs(turn).max()) <= 2.01
    step = np.concatenate([np.linalg.norm(np.diff(c.torso[:, 3:], axis=0), axis=1) for c in clips])
    assert step.max() < 0.003


def moved(pose: np.ndarray, point: np.ndarray) -> np.ndarray:
    """(T,3) how far each rigid motion (T,6) displaces `point`."""
    return Rotation.from_rotvec(pose[:, :3]).apply(point) + pose[:, 3:] - point


def test_the_head_turns_about_the_pivot_given(clips):
    assert max(np.abs(moved(c.pose, PIVOT)).max() for c in clips) < 0.015
    top = PIVOT + np.array([0, 0.2, 0.1])
    assert max(np.abs(moved(c.pose, top)).max() for c in clips) > 0.02
    # By 4x4 products: another pivot gives the same turn, shifted as T(p) R T(-p) says.
    other = PIVOT + np.array([0.01, -0.05, 0.03])
    a, b = (perform(5, 1, "happy", 20, UNITS, p).pose.astype(float) for p in (PIVOT, other))
    np.testing.assert_allclose(a[:, :3], b[:, :3])
    for one, two in zip(a, b, strict=True):
        shifts = []
        for pose, pivot in ((one, PIVOT), (two, other)):
            turn, to, back = np.eye(4), np.eye(4), np.eye(4)
            turn[:3, :3] = Rotation.from_rotvec(pose[:3]).as_matrix()
            to[:3, 3], back[:3, 3] = pivot, -pivot
            shifts.append(pose[3:] - (to @ turn @ back)[:3, 3])
        np.testing.assert_allclose(shifts[0], shifts[1], atol=1e-7)


def test_the_head_keeps_to_its_limits_and_moves_smoothly(clips):
    angles = np.rad2deg(np.concatenate([c.pose[:, :3] for c in clips]))
    assert (np.abs(angles).max(0) <= [8, 15, 5]).all()
    assert (angles.std(0) > [1, 2, 0.6]).all()
    velocity = np.stack([np.diff(np.rad2deg(c.pose[:, :3]), axis=0) * 25 for c in clips])  # (clips, 99, 3) deg/s
    assert np.abs(velocity).max() < 90
    power = (np.abs(np.fft.rfft(velocity * np.hanning(99)[:, None], axis=1)) ** 2).sum((0, 2))
    assert power[np.fft.rfftfreq(99, 1 / 25) > 6].sum() < 0.05 * power.sum()


def test_nods_follow_accents_within_three_frames():
    times = np.arange(800) / 200
    still = [head_angles(np.random.default_rng(1), times, STYLES["angry"].head, speaker(0), a)[:, 0]
             for a in ((), (Accent(2.0, 0.6),))]  # fmt: skip
    nod = still[1] - still[0]
    assert nod.max() > np.deg2rad(1)
    assert abs(times[nod.argmax()] - 2.0) <= 0.12
    assert np.abs(nod[(times < 1.7) | (times > 2.4)]).max() < 1e-12


def test_brows_rise_with_accents():
    times = np.arange(400) / 200
    silence = (Segment(SILENCE, 0.0, 2.0),)
    units = face_units(
        np.random.default_rng(0), times, articulate(silence, times), (Accent(1.0, 1.0),), STYLES["happy"], speaker(0)
    )
    assert abs(times[units["browInnerUp"].argmax()] - 1.0) < 0.01
    assert units["browInnerUp"].max() > 0.3
    assert units["browInnerUp"][times < 0.7].max() < 1e-9


def features(clip: Performance) -> np.ndarray:
    """What one sees and hears of a style without its labels."""
    smile, brow = (clip.expression[:, UNITS.index(n)].mean() for n in ("mouthSmileLeft", "browDownLeft"))
    speed = np.linalg.norm(np.diff(clip.pose[:, :3], axis=0), axis=1).mean() * 25
    return np.array([smile, brow, clip.jaw[:, 0].std(), speed, np.log(clip.audio.std())])


def test_styles_are_told_apart_by_simple_statistics(shows):
    table = {style: np.stack([features(c) for c in clips]) for style, clips in shows.items()}
    sd = np.concatenate(list(table.values())).std(0)
    centres = np.stack([rows[:6].mean(0) for rows in table.values()])
    for i, rows in enumerate(table.values()):
        distance = np.linalg.norm((rows[6:, None] - centres) / sd, axis=2)
        assert (distance.argmin(1) == i).all()


def test_styles_differ_in_motion_and_voice_too_not_in_expression_alone(shows):
    jaw, speed, loudness = np.array([[features(c)[2:] for c in shows[style]] for style in STYLES]).mean(1).T
    neutral, happy, angry = range(3)
    assert jaw[angry] > 1.15 * jaw[neutral]
    assert speed[happy] > 1.3 * speed[neutral]
    assert speed[angry] > 1.3 * speed[neutral]
    assert loudness[angry] > loudness[neutral] + 0.2
    nod = [np.mean([np.diff(c.pose[:, 0]).std() for c in shows[style]]) for style in STYLES]
    assert nod[angry] > 1.3 * nod[happy]


def test_blinks_are_short_whole_and_as_frequent_as_asked():
    times = np.arange(0, 400, 1 / 200)
    lids = blinks(np.random.default_rng(0), times, rate=0.3, rest=0.05)[4::8]
    shut = lids[:, 0] > 0.5
    starts = np.flatnonzero(shut[1:] & ~shut[:-1]) + 1
    assert len(starts) / 400 == pytest.approx(0.3, abs=0.07)
    moving = lids[:, 0] > 0.051
    assert all(lids[s - 2 : s + 5, 0].max() > 0.97 for s in starts)
    lengths = [moving[s - 4 : s + 8].sum() for s in starts]
    assert 5 <= np.median(lengths) <= 6
    assert 4 <= min(lengths) <= max(lengths) <= 7
    assert np.abs(lids[:, 0] - lids[:, 1]).max() < 0.03


def test_eyes_jump_then_rest_and_turn_against_the_head():
    times = np.arange(0, 60, 1 / 200)
    still = np.rad2deg(gaze(np.random.default_rng(0), times, np.zeros((len(times), 3))))
    speed = np.linalg.norm(np.diff(still[:, :2], axis=0), axis=1) * 200
    assert np.mean(speed < 1) > 0.85  # fixations fill most of the time
    assert speed.max() > 50
    assert np.abs(still).max() < 21
    head = np.deg2rad(10) * np.sin(times)[:, None] * [0.3, 1.0, 0.0]
    turning = np.rad2deg(gaze(np.random.default_rng(0), times, head))
    slope = np.polyfit(np.rad2deg(head[:, 1]), turning[:, 1] - still[:, 1], 1)[0]
    assert slope == pytest.approx(-0.7, abs=0.1)


def test_nothing_that_a_model_sees_predicts_the_hidden_motion(clips):
    seen = [np.concatenate([c.expression, c.jaw, c.lids, c.eyes, c.pose, c.torso], axis=1) for c in clips]
    half = len(clips) // 2
    x, y = np.concatenate(seen[:half]).astype(float), np.concatenate([c.hidden for c in clips[:half]])
    mean, sd = x.mean(0), x.std(0) + 1e-9
    weights = np.linalg.lstsq((x - mean) / sd, y, rcond=None)[0]
    x, y = np.concatenate(seen[half:]), np.concatenate([c.hidden for c in clips[half:]])
    rest = y - ((x - mean) / sd) @ weights
    assert (1 - (rest**2).mean(0) / (y**2).mean(0)).max() < 0.1
    assert (y.std(0) > 0.25).all()
    assert np.abs(np.diff(clips[0].hidden, axis=0)).max() < 0.2


def test_sides_follow_the_asymmetry_and_missing_units_stay_at_rest():
    units = {"mouthSmile": np.array([0.5, 2.0]), "browInnerUp": np.array([0.1, 0.2])}
    got = by_name(units, ("mouthSmileRight", "browInnerUp", "cheekPuff", "mouthSmileLeft"), 0.1)
    np.testing.assert_allclose(got, [[0.45, 0.1, 0, 0.55], [1, 0.2, 0, 1]])


def test_a_speaker_is_always_the_same_and_no_other():
    assert speaker(3) == speaker(3)
    assert len({speaker(i).pitch for i in range(20)}) == 20
    assert all(90 < speaker(i).pitch < 230 for i in range(50))


@pytest.mark.parametrize("frequency", [0.25, 0.5, 1.0])
def test_spring_noise_has_unit_variance_from_its_first_sample_on(frequency):
    noise = np.stack([spring_noise(np.random.default_rng(i), 50, 40, frequency, 50.0) for i in range(40)])
    assert noise[:, 0].std() == pytest.approx(1, abs=0.08)
    assert noise[:, -1].std() == pytest.approx(1, abs=0.08)


def test_decaying_noise_forgets_at_its_time_constant():
    noise = decaying_noise(np.random.default_rng(0), 40_000, 4, 0.5, 50.0)
    assert noise.std() == pytest.approx(1, abs=0.05)
    r = [np.corrcoef(column[:-25], column[25:])[0, 1] for column in noise.T]  # 25 samples are 0.5 s
    assert np.mean(r) == pytest.approx(np.exp(-1), abs=0.04)


@settings(max_examples=30, deadline=None)
@given(arrays(float, st.integers(1, 40), elements=st.floats(-1e3, 1e3)), st.sampled_from([1, 3, 7, 11]))
def test_smoothing_keeps_length_and_range(values, n):
    smooth = hann_smooth(values, n)
    assert smooth.shape == values.shape
    assert values.min() - 1e-6 <= smooth.min()
    assert smooth.max() <= values.max() + 1e-6


@settings(max_examples=30, deadline=None)
@given(st.floats(-50, 50), st.floats(0.1, 5))
def test_the_soft_limit_is_odd_bounded_and_nearly_nothing_near_zero(value, limit):
    assert abs(soft_limit(value, limit)) <= limit
    assert soft_limit(-value, limit) == -soft_limit(value, limit)
    assert soft_limit(0.01 * limit, limit) == pytest.approx(0.01 * limit, rel=1e-3)


def test_a_bump_is_one_at_its_centre_a_half_between_and_zero_at_its_ends():
    np.testing.assert_allclose(bump(np.array([0.5, 0.75, 1.0, 1.25, 2.0]), 1.0, 1.0), [0, 0.5, 1, 0.5, 0], atol=1e-12)
