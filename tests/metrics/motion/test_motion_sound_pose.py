import numpy as np
import pytest
from motion_makers import performance, toy_motion, wander

from erlnet.metrics.motion.sound_pose import FLOOR_DB, angular_speed, loudness, sound_pose, usual_lag


def test_loudness_is_the_root_mean_square_of_each_frames_own_sound():
    samples = np.r_[np.full(640, 0.1), np.zeros(640), np.full(320, 1.0)]
    assert loudness(samples, 4) == pytest.approx([-20, FLOOR_DB, 10 * np.log10(0.5), FLOOR_DB])


def test_angular_speed_stands_at_the_middle_of_each_frame():
    pose = np.zeros((4, 6))
    pose[:, 2] = np.deg2rad([0, 1, 3, 3])
    assert angular_speed(pose) == pytest.approx([1, 1.5, 1, 0])
    assert (angular_speed(pose[:1]) == [0]).all()


def nodding(seed: int, late: int, frames: int = 200):
    """Loudness, and a head whose speed is the loudness of `late` frames ago."""
    envelope = np.abs(wander(np.random.default_rng(seed), frames + 40, 1)[:, 0])
    pose = np.zeros((frames, 6))
    # Speed at frame t averages the turns before and after it.
    pose[:, 0] = np.deg2rad(np.cumsum(envelope[20 - late : 20 - late + frames]))
    return -40 + 10 * envelope[20 : 20 + frames], pose


@pytest.mark.parametrize("late", [-6, 0, 3, 10])
def test_a_head_that_follows_the_voice_late_is_found_late(late):
    train = [nodding(seed, late) for seed in range(4)]
    lag = usual_lag(train)
    assert lag in (late - 1, late)  # the turn to frame t lies half a frame before it
    assert sound_pose(*nodding(9, late), lag) > 0.8


def test_a_lag_chosen_on_other_clips_does_not_flatter_a_head_that_hears_nothing():
    train = [nodding(seed, 3) for seed in range(4)]
    lag = usual_lag(train)
    deaf = [sound_pose(nodding(seed, 3)[0], toy_motion(seed, 200).pose, lag) for seed in range(40)]
    assert abs(np.mean(deaf)) < 0.06  # sd of one about .15


def test_a_still_head_follows_nothing_and_even_sound_tells_nothing():
    loud, pose = nodding(0, 3)
    assert sound_pose(loud, np.zeros((200, 6)), 3) == 0
    assert sound_pose(np.full(200, -60.0), pose, 3) is None
    assert sound_pose(loud[:12], pose[:12], 5) is None
    with pytest.raises(ValueError, match="loud enough"):
        usual_lag([(np.full(200, -60.0), pose)])


def test_the_demos_heads_nod_with_the_voice_and_not_with_that_of_another_clip():
    def heard(speaker):
        shows = [performance(seed, speaker, style) for style in ("neutral", "angry") for seed in range(8)]
        return [(loudness(show.audio, 100), show.pose) for show in shows]

    lag = usual_lag(heard(0))
    clips = heard(1)
    own = [sound_pose(*clip, lag) for clip in clips]
    torn = [sound_pose(clip[0], clips[i - 5][1], lag) for i, clip in enumerate(clips)]
    assert np.mean(own) > 0.12  # .2 on average, sd of one clip .13
    assert abs(np.mean(torn)) < 0.11
