from dataclasses import replace

import numpy as np
import pytest
from motion_makers import toy_motion

from erlnet.metrics.motion.record import MotionPair


def test_streams_go_in_and_out_of_a_motion_unchanged():
    motion = toy_motion(0)
    again = motion.with_streams(motion.stream, motion.pose)
    assert np.allclose(again.expression, motion.expression, atol=1e-6)
    assert np.allclose(again.jaw, motion.jaw, atol=1e-6)
    assert np.allclose(again.lids, motion.lids, atol=1e-6)
    assert (again.name, again.speaker, len(again)) == ("clip", "a", 100)


def test_made_lids_are_held_to_what_a_head_model_takes():
    motion = toy_motion(0)
    stream = motion.stream.copy()
    stream[:, -2:] = [1.4, -0.2]
    assert (motion.with_streams(stream, motion.pose).lids == [1.0, 0.0]).all()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"jaw": np.zeros((99, 3))}, "jaw has shape"),
        ({"lids": np.zeros((100, 3))}, "lids has shape"),
        ({"pose": np.full((100, 6), np.nan)}, "pose holds a value that is no number"),
    ],
)
def test_a_motion_that_does_not_fit_together_is_refused_by_name(change, told):
    with pytest.raises(ValueError, match=f"clip: {told}"):
        replace(toy_motion(0), **change)


def test_a_motion_of_no_frame_is_refused():
    motion = toy_motion(0)
    with pytest.raises(ValueError, match="no frames"):
        motion.with_streams(motion.stream[:0], motion.pose[:0])


def test_a_pair_covers_the_same_frames_at_the_same_rate():
    with pytest.raises(ValueError, match="99"):
        MotionPair(toy_motion(0), toy_motion(0, frames=99))
    with pytest.raises(ValueError, match=r"at 25 fps, the made motion .* at 30"):
        MotionPair(toy_motion(0), replace(toy_motion(0), fps=30.0))
