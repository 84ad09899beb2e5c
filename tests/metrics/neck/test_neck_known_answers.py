"""What the design promises of the neck metrics, on a person whose layers move as told."""

from itertools import pairwise

import numpy as np
import pytest
from neck_scene import Person, lively, person, still
from scipy.ndimage import gaussian_filter

pytest.importorskip("cv2", reason="the neck metrics need OpenCV (the extra track)")

from erlnet.metrics.faults_place import band_rows, blur, flat_collar, gap, neck_band, seam, torso_shift
from erlnet.metrics.faults_scene import Scene
from erlnet.metrics.neck.family import NeckFamily

SIZE = 256


@pytest.fixture(scope="module")
def figure() -> Person:
    return still(1, SIZE)


def scores(figure: Person, rendered: np.ndarray) -> dict[str, float | None]:
    return {row.metric: row.value for row in NeckFamily().score([figure.pair(rendered)])}


def scene(figure: Person) -> Scene:
    return Scene(figure.pair(figure.frames).reference, figure.bits, figure.landmarks)


def planted(figure: Person, fault, strength: float) -> np.ndarray:
    return np.stack([fault(scene(figure), t, strength) for t in range(len(figure.frames))])


def test_the_truth_reads_zero_everywhere():
    moving = lively(3)
    assert scores(moving, moving.frames) == dict.fromkeys(scores(moving, moving.frames), 0.0)


@pytest.mark.parametrize("way", [1, 2, 4, 8])
def test_a_shift_of_the_whole_torso_reads_nine_tenths_of_itself_or_more(figure, way):
    found = scores(figure, planted(figure, torso_shift, way))
    assert 0.9 * way <= found["neck_distance"] <= 1.02 * way
    assert found["neck_match_failure"] < 0.15


def test_a_shift_of_everything_is_no_neck_fault(figure):
    found = scores(figure, np.roll(figure.frames, 3, axis=3))
    assert found["neck_distance"] < 0.05
    assert found["collar_distance"] < 0.1
    assert found["neck_seam"] < 0.3


def test_a_moved_band_reads_about_its_share_of_the_neck(figure):
    found = scores(figure, planted(figure, neck_band, 4))
    assert 0.8 < found["neck_distance"] < 2.0  # 14 rows of some 50


def test_a_band_that_moves_on_a_flat_neck_is_read_by_its_outline_alone():
    """The aperture problem: flow finds nothing to hold on to, the neck's sides tell."""
    flat = still(1, SIZE, grain=0.0)
    top, bottom = band_rows(flat.bits[0])
    assert flat.frames[0, 0, top:bottom, 128].std() == 0  # a flat neck it is
    found = scores(flat, planted(flat, neck_band, 4))
    assert found["neck_distance"] < 0.2
    assert 0.5 < found["collar_distance"] < 4


def test_a_flat_collar_that_goes_down_is_read_at_most_at_its_way():
    zero, down = np.zeros((1, 2)), np.array([[0.0, 3.0]])
    reference, moved = person(zero, zero, SIZE, grain=0.0), person(zero, down, SIZE, grain=0.0)
    # The neck's sides do not move across themselves, so they lower the mean.
    assert 0.5 < scores(reference, moved.frames)["collar_distance"] < 3


@pytest.mark.parametrize("softened", [0.0, 1.5])
def test_seams_rise_strictly_even_under_a_blur(figure, softened):
    found = []
    for width in (0, 1, 2, 4):
        frames = planted(figure, seam, width) if width else figure.frames.copy()
        if softened:
            frames = gaussian_filter(frames.astype(np.float32), (0, 0, softened, softened)).round().astype(np.uint8)
        found.append(scores(figure, frames)["neck_seam"])
    assert all(a < b - 0.05 for a, b in pairwise(found))


def test_blur_is_softness_and_no_seam(figure):
    found = scores(figure, planted(figure, blur, 2))
    assert found["neck_softness"] > 0.2
    assert found["neck_seam"] < 0.05


def test_a_neck_that_cannot_be_matched_has_no_distance_but_says_so(figure):
    flat = scores(figure, planted(figure, flat_collar, 1))
    assert flat["neck_distance"] is None
    assert flat["neck_match_failure"] > 0.3
    assert scores(figure, planted(figure, gap, 8))["neck_match_failure"] > 0.05


def test_a_torso_held_at_its_mean_reads_one_and_the_truth_zero():
    t = np.arange(16)
    ways = np.stack([2.5 * np.sin(2 * np.pi * t / 16), 0 * t], axis=1)  # its mean is where it starts
    moving = person(np.zeros((16, 2)), ways)
    held = person(np.zeros((16, 2)), np.zeros((16, 2)))
    assert scores(moving, moving.frames)["torso_motion"] == 0
    assert scores(moving, held.frames)["torso_motion"] == pytest.approx(1, abs=0.05)


def test_a_torso_that_trembles_errs_from_frame_to_frame_by_what_it_trembles():
    zero = np.zeros((6, 2))
    tremble = np.array([[0, 0], [1, 0], [0, 0], [1, 0], [0, 0], [1, 0]], float)
    found = scores(person(zero, zero), person(zero, tremble).frames)
    assert found["neck_flow_error"] == pytest.approx(1, abs=0.1)
    assert found["neck_distance"] == pytest.approx(0.5, abs=0.1)  # half the frames are off by 1


def test_distance_grows_with_the_frame_and_a_seam_does_not():
    small, large = still(1, 128), still(1, 256)
    moved = [scores(f, planted(f, torso_shift, 4)) for f in (small, large)]
    assert moved[1]["neck_distance"] / moved[0]["neck_distance"] == pytest.approx(2, rel=0.1)
    lined = [scores(f, planted(f, seam, 4))["neck_seam"] for f in (small, large)]
    assert lined[1] / lined[0] == pytest.approx(1, rel=0.3)
