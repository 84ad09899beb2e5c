"""The family `motion`: known answers on the demo's own motion, and which rows there are."""

from dataclasses import replace

import numpy as np
import pytest
from motion_makers import demo_motion, toy_motion

from erlnet.metrics.motion.baselines import delayed
from erlnet.metrics.motion.family import Faces, RealMotion, motion_rows, place
from erlnet.metrics.motion.mesh import FaceMesh
from erlnet.metrics.motion.record import Motion, MotionPair
from erlnet.metrics.motion.sound_pose import angular_speed
from erlnet.metrics.motion_cards import MOTION_CARDS, MOTION_IN_MODE

ALL = tuple(card.id for card in MOTION_CARDS if card.family == "motion")
PERFECT = {card.id: card.perfect for card in MOTION_CARDS if card.family == "motion"}


@pytest.fixture(scope="module")
def truths():
    return [demo_motion(take, 3, style) for take, style in enumerate(("neutral", "happy", "angry"))]


@pytest.fixture(scope="module")
def faces(model, truths):
    """`Faces` for any clips of these names; the person's shape is the average one."""
    return Faces({clip.name: FaceMesh(model, np.zeros(model.n_shape)) for clip in truths})


@pytest.fixture(scope="module")
def real(truths):
    """Clips that the heads hear: louder where the head is faster, two frames before."""
    train = [demo_motion(50 + take, speaker, "neutral") for take in range(2) for speaker in (3, 4)]
    return RealMotion(train, {clip.name: heard(clip) for clip in truths}, [heard(clip) for clip in train])


def heard(clip: Motion) -> np.ndarray:
    return -40 + 20 * np.roll(angular_speed(clip.pose), -2)


def table(rows):
    """metric -> values, in the order of the rows, of whole clips."""
    found = {}
    for row in rows:
        if row.frame is None:
            found.setdefault(row.metric, []).append(row.value)
    return found


def test_the_truth_scores_the_truth_in_every_metric(truths, faces, real):
    found = table(motion_rows([MotionPair(t, t) for t in truths], faces, real, ALL))
    assert found.keys() == set(ALL)
    for metric, values in found.items():
        assert values == [pytest.approx(PERFECT[metric], abs=1e-9)] * 3, metric


def test_the_truth_five_frames_late_is_found_late_and_its_head_as_real_as_before(truths, faces, real):
    pairs = [MotionPair(t, delayed(t)) for t in truths]
    found = table(motion_rows(pairs, faces, real, ALL))
    assert found["mesh_mouth_lag"] == [5, 5, 5]
    assert max(found["mesh_mouth_r"]) < 0.9
    assert min(found["lip_vertex_error"]) > 0.5
    assert np.mean(found["pose_frechet"]) < 0.1  # five frames of a hundred are held
    assert found["pose_diversity"] == [pytest.approx(1, abs=0.5)] * 3
    assert max(found["sound_pose_gap"]) < -0.1  # it no longer moves with the sound


def test_a_mouth_that_is_held_follows_nothing(truths, faces, real):
    still = [replace(t, expression=0 * t.expression, jaw=0 * t.jaw, lids=0 * t.lids) for t in truths]
    rows = motion_rows([MotionPair(t, s) for t, s in zip(truths, still)], faces, real, ALL)
    found = table(rows)
    for metric in ("mesh_mouth_r", "mesh_mouth_slope", "mouth_range_ratio", "lip_speed_ratio", "lip_jitter"):
        assert found[metric] == [pytest.approx(0, abs=1e-6)] * 3, metric
    assert found["mesh_mouth_lag"] == [None] * 3
    assert found["expression_error"] == [pytest.approx(np.abs(t.expression).mean()) for t in truths]
    assert max(found["upper_face_dynamics"]) < 0
    for metric in MOTION_IN_MODE["audio_free"][:4]:  # the head is the true one
        assert found[metric] == [pytest.approx(PERFECT[metric], abs=1e-9)] * 3


def test_the_series_are_the_two_mouth_openings_frame_by_frame(truths, faces, real, model):
    pair = MotionPair(truths[0], delayed(truths[0]))
    rows = [r for r in motion_rows([pair], faces, real, ("lip_jitter",)) if r.frame is not None]
    mesh = FaceMesh(model, np.zeros(model.n_shape))
    for metric, motion in (("mesh_open", pair.made), ("mesh_open_reference", pair.reference)):
        mine = [r for r in rows if r.metric == metric]
        assert [r.frame for r in mine] == list(range(100))
        assert {(r.clip, r.region) for r in mine} == {(truths[0].name, "mouth")}
        assert [r.value for r in mine] == pytest.approx(mesh(motion).opening, abs=1e-6)


@pytest.mark.parametrize(
    ("wanted", "series"), [(m, m != "audio_free") for m in MOTION_IN_MODE] + [("pose_error", False)]
)
def test_exactly_what_is_wanted_is_given(truths, faces, real, wanted, series):
    metrics = MOTION_IN_MODE.get(wanted, (wanted,))
    rows = motion_rows([MotionPair(t, t) for t in truths], faces, real, metrics)
    assert {r.metric for r in rows} == set(metrics) | ({"mesh_open", "mesh_open_reference"} if series else set())
    cards = {card.id: card for card in MOTION_CARDS}
    assert all(r.region in cards[r.metric].regions for r in rows if r.metric in cards)


def test_every_card_of_the_family_has_its_place():
    for card in MOTION_CARDS:
        if card.family == "motion":
            assert card.regions == (place(card.id),)
    assert {m for metrics in MOTION_IN_MODE.values() for m in metrics} == set(ALL)


def test_a_clip_that_fits_no_head_model_has_its_coefficients_compared_and_nothing_of_a_mesh(real):
    truth = toy_motion(0, name="numbers")
    made = replace(truth, expression=truth.expression + 0.25)
    rows = motion_rows([MotionPair(truth, made)], Faces({"numbers": None}), real, MOTION_IN_MODE["audio"])
    assert [(r.metric, r.region, r.value) for r in rows] == [("expression_error", "face", pytest.approx(0.25))]


def test_beside_clips_that_fit_one_that_does_not_is_left_out_of_the_mesh_alone(truths, model, real):
    faces = Faces({truths[0].name: FaceMesh(model, np.zeros(model.n_shape)), truths[1].name: None})
    rows = motion_rows([MotionPair(t, t) for t in truths[:2]], faces, real, ("expression_error", "mesh_mouth_r"))
    found = {metric: {r.clip for r in rows if r.metric == metric} for metric in ("expression_error", "mesh_mouth_r")}
    assert found == {"expression_error": {t.name for t in truths[:2]}, "mesh_mouth_r": {truths[0].name}}


def test_without_sound_nothing_is_said_of_it(truths, faces, real):
    silent = RealMotion(real.train, {}, [])
    assert silent.lag is None
    assert real.lag == 2
    found = table(motion_rows([MotionPair(t, t) for t in truths], faces, silent, ("sound_pose_gap", "pose_diversity")))
    assert found["sound_pose_gap"] == [None] * 3
    assert found["pose_diversity"] == [pytest.approx(1)] * 3


def test_sets_of_less_than_three_clips_and_training_heads_that_stand_have_no_value(truths, faces, real):
    sets = ("pose_frechet", "pose_diversity", "coupling_gap")
    found = table(motion_rows([MotionPair(t, t) for t in truths[:2]], faces, real, sets))
    assert found == {metric: [None, None] for metric in sets}
    still = RealMotion([replace(m, pose=0 * m.pose) for m in real.train], {}, [])
    found = table(motion_rows([MotionPair(t, t) for t in truths], faces, still, sets))
    assert found["pose_frechet"] == found["pose_diversity"] == [None] * 3
    assert found["coupling_gap"] == [0, 0, 0]


def test_a_true_head_that_stands_has_no_ratio(truths, faces, real):
    still = [replace(t, pose=0 * t.pose) for t in truths]
    found = table(motion_rows([MotionPair(s, t) for s, t in zip(still, truths)], faces, real, ALL))
    assert found["pose_jitter"] == found["pose_range_ratio"] == found["pose_diversity"] == [None] * 3
    assert min(found["pose_error"]) > 0


def test_short_clips_of_one_speaker_are_joined_for_the_mouth_alone(truths, faces, real):
    short = [replace(t, **{f: getattr(t, f)[:30] for f in ("expression", "jaw", "lids", "pose")}) for t in truths]
    rows = motion_rows([MotionPair(t, t) for t in short], faces, real, ("mesh_mouth_r", "lip_jitter"))
    joined = "+".join(t.name for t in truths)
    assert [r.clip for r in rows if r.metric == "mesh_mouth_r"] == [joined]
    assert [r.clip for r in rows if r.metric == "lip_jitter"] == [t.name for t in truths]


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_a_clip_of_hardly_a_frame_breaks_nothing(truths, faces, real, frames):
    cut = [replace(t, **{f: getattr(t, f)[:frames] for f in ("expression", "jaw", "lids", "pose")}) for t in truths]
    heard_alone = {clip.name: loud[:frames] for clip, loud in zip(cut, real.loud.values())}
    rows = motion_rows([MotionPair(t, t) for t in cut], faces, replace(real, loud=heard_alone), ALL)
    found = table(rows)
    assert found["lip_vertex_error"] == found["pose_error"] == [0, 0, 0]
    assert found["pose_frechet"] == found["sound_pose_gap"] == [None] * 3
