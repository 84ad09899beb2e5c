import numpy as np
import pytest
from neck_scene import BIT, still

from erlnet.metrics.neck.zones import body, zones


def halves(size: int = 256) -> np.ndarray:
    """Head above row size / 2, neck below it to 5/8, torso below that."""
    bits = np.zeros((size, size), np.uint8)
    bits[: size // 2] = BIT["head"] | BIT["face"]
    bits[size // 2 :] = BIT["torso"]
    bits[size // 2 : size * 5 // 8] |= BIT["neck"]
    return bits


@pytest.mark.parametrize("size", [128, 256, 512])
def test_the_seam_band_lies_either_side_of_the_border_and_grows_with_the_frame(size):
    rows = np.flatnonzero(zones(halves(size)).seam.any(axis=1))
    reach = 8 * size // 256
    assert (rows[0], rows[-1]) == (size // 2 - reach, size // 2 + reach - 1)


def test_the_normal_points_from_the_head_to_the_torso():
    found = zones(halves())
    assert found.normal[found.seam] == pytest.approx(np.tile([0, 1], (found.seam.sum(), 1)), abs=1e-3)
    assert not found.normal[~found.seam].any()


def test_neck_points_reach_over_the_collar_but_not_to_the_head():
    rows = np.flatnonzero(zones(halves()).neck.any(axis=1))
    assert (rows[0], rows[-1]) == (128 + 3, 160 + 4 - 1)


def test_neck_points_stay_within_half_the_face_of_the_head():
    bits = halves()
    bits[128:] |= BIT["neck"]  # a region map whose neck is all of the body
    rows = np.flatnonzero(zones(bits).neck.any(axis=1))
    face = np.sqrt(128 * 256)
    assert rows[-1] == 127 + int(face / 2)


def test_what_is_unknown_is_no_head_and_the_head_is_no_body():
    bits = halves()
    bits[100:128] |= BIT["unknown"]
    bits[120:128] |= BIT["torso"]
    found = zones(bits)
    assert not found.head[100:].any()
    assert not body(bits)[:128].any()


@pytest.mark.parametrize("missing", ["head", "torso"])
def test_a_frame_without_head_or_body_has_no_seam(missing):
    bits = still(1, 64).bits[0]
    gone = BIT["head"] | BIT["face"] if missing == "head" else BIT["torso"] | BIT["neck"]
    found = zones(bits & ~gone)
    assert not found.seam.any()
    assert not found.normal.any()
