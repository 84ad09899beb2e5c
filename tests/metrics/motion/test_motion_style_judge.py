"""The judge of style: right on speakers it never saw, silent where it cannot be trusted."""

from dataclasses import replace

import numpy as np
import pytest
from motion_makers import toy_motion

from erlnet.metrics.motion.baselines import mean_motion
from erlnet.metrics.motion.style_judge import accuracy, reached, train_judge

STYLES = ("angry", "happy", "neutral")


@pytest.fixture(scope="module")
def judge_part(bank):
    return [motion for motion in bank if motion.speaker in ("0", "1")]


@pytest.fixture(scope="module")
def strangers(bank):
    return [motion for motion in bank if motion.speaker not in ("0", "1")]


@pytest.fixture(scope="module")
def trained(judge_part):
    return train_judge(judge_part)


def test_two_speakers_teach_a_judge_that_knows_the_styles_of_others(trained, strangers):
    assert trained.judge.styles == STYLES
    assert set(trained.held_out) == {"0", "1"}
    assert trained.accuracy >= 0.95
    assert accuracy(trained.judge, strangers) >= 0.95
    told_apart = [m for m in strangers if m.style != "neutral"]
    assert accuracy(trained.judge, told_apart) >= 0.95


def test_each_stream_alone_shows_the_style_on_the_demo(judge_part, strangers):
    for streams, least in (("expression", 0.95), ("pose", 0.85)):
        found = train_judge(judge_part, streams)
        assert found.accuracy >= least
        assert accuracy(found.judge, strangers) >= least


def test_a_judge_of_one_stream_does_not_see_the_other(judge_part, strangers):
    face, head = (train_judge(judge_part, streams).judge for streams in ("expression", "pose"))
    angry, happy = (next(m for m in strangers if m.style == s) for s in ("angry", "happy"))
    leaked = replace(angry, pose=happy.pose)
    assert (face([leaked]) == face([angry])).all()
    assert (head([leaked]) == head([happy])).all()
    assert reached(face, [leaked]) == ["angry"]
    assert reached(head, [leaked]) == ["happy"]


def test_labels_are_not_looked_at_and_probabilities_add_up(trained, strangers):
    renamed = [replace(m, style=None, speaker="x") for m in strangers]
    said = trained.judge(strangers)
    assert (said == trained.judge(renamed)).all()
    assert np.allclose(said.sum(axis=1), 1)


def test_labels_that_mean_nothing_teach_nothing(bank):
    """Neutral clips alone, half of each speaker's called angry: right by chance on a speaker unseen."""
    neutral = [m for m in bank if m.style == "neutral"]
    fake = [replace(m, style=("angry", "happy")[i % 2]) for i, m in enumerate(2 * neutral)]
    shifted = [
        replace(m, expression=m.expression + 1e-3 * np.random.default_rng(i).normal()) for i, m in enumerate(fake)
    ]
    found = train_judge(shifted)
    assert 0.2 < found.accuracy < 0.8


def test_the_same_clips_give_the_same_judge(judge_part, trained):
    again = train_judge(judge_part).judge
    assert (again.weights == trained.judge.weights).all()


def test_a_still_mean_of_a_style_does_not_break_the_judge(judge_part, trained):
    made = [mean_motion(judge_part, m) for m in judge_part]
    said = trained.judge(made)
    assert np.isfinite(said).all()


@pytest.mark.parametrize(
    ("clips", "reason"),
    [
        ([], "0 labelled styles"),
        ([("a", "x")] * 3 + [("b", "x")] * 3, "1 labelled styles"),
        ([("a", "x")] * 3 + [("a", "y")] * 3, "1 speaker"),
        ([("a", "x")] * 3 + [("a", "y")] * 3 + [("b", "x")] * 3 + [("b", "y")] * 2, "2 clips of 'y' by speaker b"),
        ([("a", "x")] * 3 + [("a", None)] * 9, "1 labelled styles"),
    ],
)
def test_a_judge_that_cannot_be_had_is_none_with_the_reason(clips, reason):
    motions = [toy_motion(i, 20, speaker=s, style=y) for i, (s, y) in enumerate(clips)]
    found = train_judge(motions)
    assert found.judge is None
    assert found.accuracy is None
    assert reason in found.reason
