"""The 478 -> 68 table, against the geometry that the 68-point markup promises."""

from pathlib import Path

import numpy as np
import pytest

from erlnet.head.mediapipe68 import MEDIAPIPE_68, MIRROR_68, to_68

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def test_there_are_68_different_mesh_vertices():
    assert len(MEDIAPIPE_68) == len(set(MEDIAPIPE_68)) == 68
    assert max(MEDIAPIPE_68) < 468  # none of the iris points


def test_mirroring_twice_is_the_identity():
    assert [MIRROR_68[MIRROR_68[i]] for i in range(68)] == list(range(68))
    fixed = [i for i in range(68) if MIRROR_68[i] == i]
    assert fixed == [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]  # the points on the midline


@pytest.fixture(scope="module")
def mesh():
    path = SHARED / "data" / "landmarks" / "dfrf_french.mp478.npz"
    if not path.exists():
        pytest.skip("no shared landmarks on this machine")
    with np.load(path) as archive:
        return archive["landmarks"][:300]


def test_right_and_left_points_are_mirror_images_in_the_average_face(mesh):
    mean = to_68(mesh - mesh.mean(1, keepdims=True)).mean(0)
    flipped = mean[list(MIRROR_68)] * [-1, 1, 1]
    # A similarity fit takes out the head's own turn; a wrong partner would be off by the distance to a neighbour.
    a, b = mean - mean.mean(0), flipped - flipped.mean(0)
    u, _, v = np.linalg.svd(a.T @ b)
    distance = np.linalg.norm(a @ u @ v - b, axis=1)
    interocular = np.linalg.norm(mean[36] - mean[45])
    assert distance.max() < 0.08 * interocular


def test_points_of_each_line_follow_one_another(mesh):
    points = to_68(mesh)[0, :, :2]
    assert (np.diff(points[:17, 0]) > -0.005).all()  # right ear to left ear
    assert (np.diff(points[17:27, 0]) > 0).all()
    assert (np.diff(points[27:31, 1]) > 0).all()
    assert points[8, 1] == points[:, 1].max()  # the chin is the lowest
    assert points[51, 1] < points[62, 1] <= points[66, 1] < points[57, 1]  # outer lip, inner lip, inner lip, outer lip
