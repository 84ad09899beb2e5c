from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from metric_fakes import ArrayClip, noise_frames
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from erlnet.interfaces import REGIONS
from erlnet.metrics.pose_ceiling import fit_pose_to_torso, pose_ceiling, torso_share, unexplained

SIZE = 64
HEAD, TORSO = (slice(4, 26), slice(22, 42)), (slice(34, 64), slice(14, 50))
NECK = slice(26, 34), slice(28, 36)
BITS = np.full((SIZE, SIZE), 1 << REGIONS.index("background"), np.uint8)
for place, name in ((HEAD, "head"), (NECK, "neck"), (TORSO, "torso")):
    BITS[place] = 1 << REGIONS.index(name)


@dataclass(eq=False)
class Sitter(ArrayClip):
    """A clip whose torso has an offset; the region map is the same in every frame."""

    torso_offset: np.ndarray | None = None

    @property
    def coefficients(self):
        return SimpleNamespace(**vars(super().coefficients), torso_offset=self.torso_offset)

    def regions(self, start: int, stop: int) -> np.ndarray:
        return np.repeat(BITS[None], stop - start, axis=0)


def heads(count: int, seed: int) -> np.ndarray:
    """(count,4,4): heads that nod, turn and sway, a metre away, rest axes half a turn from the camera's."""
    rng = np.random.default_rng(seed)
    matrices = np.tile(np.eye(4), (count, 1, 1))
    turned = Rotation.from_rotvec(rng.normal(0, 0.1, (count, 3))) * Rotation.from_euler("x", 180, degrees=True)
    matrices[:, :3, :3] = turned.as_matrix()
    matrices[:, :3, 3] = rng.normal([0, 0, 1], 0.02, (count, 3))
    return matrices


def explained(matrices: np.ndarray) -> np.ndarray:
    """(T,2) px: what this sitter's torso does for its head."""
    return matrices[:, :2, 3] * [100, 30] + [2, -1]


def sitter(count: int, seed: int, breath: np.ndarray | float = 0.0, picture_seed: int = 0, **more) -> Sitter:
    matrices = heads(count, seed)
    picture = gaussian_filter(noise_frames(1, SIZE, picture_seed), (0, 0, 1.5, 1.5))
    offset = explained(matrices) + breath
    frames = picture.repeat(count, axis=0)
    return Sitter(frames, np.zeros((count, 68, 2)), head_to_world=matrices, torso_offset=offset, **more)


def ceiling(test: Sitter, *train: Sitter) -> np.ndarray:
    return pose_ceiling(train or (sitter(200, 1),), test).frames(0, len(test))


def test_a_torso_that_the_head_explains_is_left_where_it_is():
    test = sitter(4, 2)
    assert np.abs(ceiling(test).astype(int) - test.array).max() <= 2  # the ridge's strength takes a hundredth


def test_what_pose_does_not_explain_is_offset_less_least_squares():
    rng = np.random.default_rng(0)
    train, test = sitter(300, 1, rng.normal(0, 0.5, (300, 2))), sitter(20, 2, rng.normal(0, 3, (20, 2)))

    def design(clip):  # plain least squares on rotation vectors and translations, from numpy alone
        rest = Rotation.from_euler("x", 180, degrees=True)
        turn = (rest.inv() * Rotation.from_matrix(clip.head_to_world[:, :3, :3])).as_rotvec()
        return np.concatenate([turn, clip.head_to_world[:, :3, 3], np.ones((len(clip), 1))], axis=1)

    weights = np.linalg.lstsq(design(train), train.torso_offset, rcond=None)[0]
    expected = test.torso_offset - design(test) @ weights
    assert np.abs(unexplained(fit_pose_to_torso([train]), test) - expected).max() < 0.1


def test_the_torso_moves_back_by_what_pose_does_not_explain_and_the_head_stays():
    test = sitter(2, 2, breath=np.array([[4.0, 0.0], [0.0, -3.0]]))
    shown = ceiling(test).astype(int)
    inner = (slice(None), slice(40, 58), slice(22, 42))
    for frame, truth, (dx, dy) in zip(shown, test.array.astype(int), ((-4, 0), (0, 3))):
        moved = np.roll(truth, (dy, dx), axis=(1, 2))
        assert np.abs(frame - moved)[inner].mean() < 1
        assert np.abs(frame - truth)[inner].mean() > 3
        np.testing.assert_array_equal(frame[:, HEAD[0], HEAD[1]], truth[:, HEAD[0], HEAD[1]])
        np.testing.assert_array_equal(frame[:, :30, :8], truth[:, :30, :8])  # background far from the torso


def test_the_share_is_one_on_the_torso_none_on_the_head_and_falls_between():
    share = torso_share(BITS)
    assert (share[TORSO] == 1).all()
    assert (share[HEAD] == 0).all()
    neck = share[NECK][:, 4]
    assert (np.diff(neck) > 0).all()
    assert share[50, 0:14].min() == 0  # fades out on the background ...
    assert share[60, 13] > 0.9  # ... but the outline itself moves the whole way
    assert torso_share(np.zeros_like(BITS)).max() == 0


def test_more_breath_costs_more():
    errors = []
    for size in (0.0, 1.0, 2.0, 4.0):
        test = sitter(3, 2, breath=np.full((3, 2), size))
        errors.append(((ceiling(test).astype(float) - test.array) ** 2).mean())
    assert errors == sorted(errors)
    assert errors[-1] > 10 * errors[0] + 1


def test_frames_without_a_tracked_face_stay_as_they_are():
    test = sitter(3, 2, breath=5.0, valid=np.array([True, False, True]))
    shown = ceiling(test)
    np.testing.assert_array_equal(shown[1], test.array[1])
    assert (shown[0] != test.array[0]).any()


def test_frames_are_given_out_lazily_and_alike():
    test = sitter(6, 2, breath=3.0)
    row = pose_ceiling([sitter(200, 1)], test)
    assert len(row) == 6
    assert test.asked == []
    np.testing.assert_array_equal(row.frames(2, 4), row.frames(0, 6)[2:4])


def test_the_speakers_own_training_clips_are_what_it_learns_from():
    other = sitter(200, 3, breath=9.0, speaker="b")  # sits 9 px further down
    test = sitter(2, 2)
    np.testing.assert_array_equal(ceiling(test, sitter(200, 1), other), ceiling(test, sitter(200, 1)))


def test_training_clips_that_cannot_serve_say_so():
    with pytest.raises(ValueError, match="50 tracked training frames; there are 0"):
        ceiling(sitter(2, 2), sitter(60, 1, valid=np.zeros(60, bool)))
    still = sitter(60, 1)
    still.torso_offset = np.zeros((60, 2))
    with pytest.raises(ValueError, match="never change"):
        ceiling(sitter(2, 2), still)
