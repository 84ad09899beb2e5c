"""Each planted fault does what it says, where it says, and nothing elsewhere."""

import numpy as np
import pytest
from neck_scene import Person, lively, still

from erlnet.metrics import faults_place as place
from erlnet.metrics import faults_time as time
from erlnet.metrics.faults import FAULTS, PlantedFrames
from erlnet.metrics.faults_scene import Scene, border_strip, moved_body
from erlnet.metrics.frozen_mouth import mouth_weight
from erlnet.metrics.neck.zones import body, region


def scene(figure: Person) -> Scene:
    return Scene(figure.pair(figure.frames).reference, figure.bits, figure.landmarks)


@pytest.fixture(scope="module")
def figure() -> Person:
    return lively(6)


def test_thirteen_faults_have_five_rising_strengths_and_names_of_their_own():
    assert len({fault.id for fault in FAULTS}) == 13
    for fault in FAULTS:
        assert len(fault.strengths) == 5
        assert list(fault.strengths) == sorted(set(fault.strengths))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_a_fault_changes_the_frame_and_is_the_same_again(fault, figure):
    planted = PlantedFrames(scene(figure), fault, fault.strengths[-1])
    assert len(planted) == 6
    frames = planted.frames(4, 9)  # beyond the end: what there is
    assert frames.shape == (2, 3, 128, 128)
    assert frames.dtype == np.uint8
    assert (frames != figure.frames[4:6]).any()
    assert np.array_equal(frames[1], planted.frames(5, 6)[0])


IN_THE_BODY = ("torso_shift", "neck_band", "gap", "ghost", "seam", "flat_collar", "gain", "frozen_torso", "jitter")


@pytest.mark.parametrize("name", IN_THE_BODY)
def test_a_fault_of_the_body_leaves_the_head_alone(name, figure):
    (fault,) = [fault for fault in FAULTS if fault.id == name]
    changed = (PlantedFrames(scene(figure), fault, fault.strengths[-1]).frames(0, 6) != figure.frames).any(axis=1)
    assert not changed[region(figure.bits, "head")].any()
    assert changed[body(figure.bits)].any()


@pytest.mark.parametrize("fault", [time.frozen_mouth, time.delayed_mouth])
def test_a_fault_of_the_mouth_leaves_all_else_alone(fault, figure):
    planted = fault(scene(figure), 5, 1.0)
    outside = mouth_weight(figure.landmarks[5], 128, 128) == 0
    assert np.array_equal(planted[:, outside], figure.frames[5][:, outside])


def test_whole_pixels_are_shifted_exactly(figure):
    shifted = place.frame_shift(scene(figure), 0, 4)  # at 128 px: 2 px
    assert np.array_equal(shifted[:, :, 2:], figure.frames[0][:, :, :-2])


def test_a_moved_body_uncovers_no_head(figure):
    frame, bits = figure.frames[0].copy(), figure.bits[0]
    frame[:, region(bits, "head")] = 255
    frame[:, ~region(bits, "head")] = 10
    assert (moved_body(frame, bits, (5, 0))[:, ~region(bits, "head")] == 10).all()


def test_the_moved_band_is_14_px_high_at_256():
    top, bottom = place.band_rows(still(1, 256).bits[0])
    assert bottom - top == 14
    top, bottom = place.band_rows(still(1, 128).bits[0])
    assert bottom - top == 7


def test_a_strip_has_the_width_that_it_is_told_and_may_end_within_a_pixel():
    bits = np.zeros((20, 10), np.uint8)
    bits[:8], bits[8:] = 1, 1 << 5
    assert border_strip(bits, 2.5)[:, 4].tolist() == [0] * 8 + [1, 1, 0.5] + [0] * 9
    bits[:8] = 0
    assert not border_strip(bits, 2.5).any()


def test_a_gap_shows_the_background(figure):
    planted = place.gap(scene(figure), 0, 16)
    strip = border_strip(figure.bits[0], 8) == 1
    mean = figure.frames[0][:, region(figure.bits[0], "background")].mean(axis=1)
    assert strip.any()
    assert np.abs(planted[:, strip].astype(float) - mean[:, None]).max() <= 0.5


def test_gain_and_seam_darken_by_what_they_say():
    one = still(1)
    below = body(one.bits[0])
    darker = place.gain(scene(one), 0, 0.25)[:, below]
    assert np.abs(darker - 0.75 * one.frames[0][:, below]).max() <= 0.5
    line = border_strip(one.bits[0], 2) == 1
    lined = place.seam(scene(one), 0, 4)
    assert np.abs(lined[:, line] - 0.6 * one.frames[0][:, line]).max() <= 0.5
    assert np.array_equal(
        lined[:, border_strip(one.bits[0], 2) == 0], one.frames[0][:, border_strip(one.bits[0], 2) == 0]
    )


def test_a_torso_that_is_held_is_renewed_every_so_many_frames(figure):
    held = [time.frozen_torso(scene(figure), t, 3.0) for t in range(6)]
    for t in (0, 3):
        assert np.array_equal(held[t], figure.frames[t])
    both = (figure.bits[4] & figure.bits[3] & (1 << 5)) != 0
    assert np.array_equal(held[4][:, both], figure.frames[3][:, both])
    forever = time.frozen_torso(scene(figure), 5, float("inf"))
    both = (figure.bits[5] & figure.bits[0] & (1 << 5)) != 0
    assert np.array_equal(forever[:, both], figure.frames[0][:, both])


def test_a_delayed_mouth_is_that_of_the_earlier_frame():
    still_head = lively(6)
    planted = time.delayed_mouth(scene(still_head), 5, 2.0)
    assert (planted != still_head.frames[5]).any()
    first = time.delayed_mouth(scene(still_head), 1, 5.0)  # before the first frame there is the first
    assert np.array_equal(first, time.delayed_mouth(scene(still_head), 1, 1.0))


def test_a_clip_without_a_face_keeps_its_mouths(figure):
    faceless = Scene(figure.pair(figure.frames).reference, figure.bits, np.full_like(figure.landmarks, np.nan))
    assert np.array_equal(time.frozen_mouth(faceless, 2, 1.0), figure.frames[2])
