from dataclasses import replace

import numpy as np
import pytest
from motion_makers import toy_motion
from scipy.spatial.transform import Rotation

from erlnet.metrics.motion.baselines import delayed, matching, mean_motion


def test_a_mean_motion_is_the_mean_of_the_speakers_own_style_held_still():
    train = [toy_motion(i, 50, speaker=s, style=y) for i, (s, y) in enumerate([("a", "x"), ("a", "x"), ("b", "x")])]
    clip = toy_motion(9, 30, speaker="a", style="x")
    made = mean_motion(train, clip)
    assert len(made) == 30
    frames = np.concatenate([train[0].expression, train[1].expression])
    assert np.allclose(made.expression, frames.mean(0), atol=1e-6)
    assert np.allclose(made.pose[:, 3:], np.concatenate([m.pose[:, 3:] for m in train[:2]]).mean(0), atol=1e-6)
    rotations = Rotation.from_rotvec(np.concatenate([m.pose[:, :3] for m in train[:2]]))
    assert np.allclose(made.pose[:, :3], rotations.mean().as_rotvec(), atol=1e-6)


def test_without_the_speakers_own_style_the_style_counts_before_the_speaker():
    train = [toy_motion(0, speaker="a", style="x"), toy_motion(1, speaker="b", style="y")]
    assert matching(train, toy_motion(2, speaker="a", style="y")) == [train[1]]
    assert matching(train, toy_motion(2, speaker="a", style="z")) == [train[0]]
    assert matching(train, toy_motion(2, speaker="c", style="z")) == train
    with pytest.raises(ValueError, match="training clip"):
        mean_motion([], train[0])


def test_a_delayed_clip_shows_what_was_and_holds_its_ends():
    clip = toy_motion(0, 20)
    late = delayed(clip)
    assert (late.expression[5:] == clip.expression[:15]).all()
    assert (late.pose[:5] == clip.pose[0]).all()
    early = delayed(clip, -3)
    assert (early.jaw[:17] == clip.jaw[3:]).all()
    assert (early.lids[17:] == clip.lids[-1]).all()


def test_a_clip_shorter_than_the_delay_stands_still():
    clip = toy_motion(0, 3)
    assert (delayed(clip).expression == clip.expression[0]).all()
    assert delayed(replace(clip, name="other")).name == "other"
