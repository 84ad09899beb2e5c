import numpy as np
import pytest
from metric_fakes import ArrayClip, face, noise_frames
from scipy.spatial.transform import Rotation

from erlnet.metrics.frozen_mouth import mouth_weight, similarity
from erlnet.metrics.references import References, reference_frames
from erlnet.metrics.regions import mouth_boxes

SIZE = 64


def clip(count: int = 4, seed: int = 0, openings: list[float] | None = None, **more) -> ArrayClip:
    gaps = openings or [0.2] * count
    landmarks = np.stack([face((SIZE / 2, SIZE / 2), 24, gap) for gap in gaps])
    return ArrayClip(noise_frames(count, SIZE, seed), landmarks, **more)


def poses(yaws: list[float], lefts: list[float]) -> np.ndarray:
    """Heads as in the data: rest axes half a turn from the camera's, about a metre away."""
    matrices = np.tile(np.eye(4), (len(yaws), 1, 1))
    turned = Rotation.from_rotvec([[0, yaw, 0] for yaw in yaws], degrees=True)
    matrices[:, :3, :3] = (turned * Rotation.from_euler("x", 180, degrees=True)).as_matrix()
    matrices[:, 0, 3], matrices[:, 2, 3] = lefts, 1.0
    return matrices


def test_mean_frame_is_the_mean_of_all_training_frames():
    train, test = [clip(3, 1), clip(2, 2)], clip(4, 3)
    frames = reference_frames("mean_frame", train, test).frames(0, 4)
    expected = np.concatenate([c.array for c in train]).astype(float).mean(axis=0)
    assert len(frames) == 4
    assert np.abs(frames - expected).max() <= 0.5
    assert frames.dtype == np.uint8


def test_last_frame_is_the_last_of_the_last_training_clip():
    train, test = [clip(3, 1), clip(2, 2)], clip(4, 3)
    np.testing.assert_array_equal(reference_frames("last_frame", train, test).frames(1, 3), train[1].array[[-1, -1]])


def test_truth_is_the_test_clip_itself():
    test = clip(4, 3)
    assert reference_frames("truth", [clip()], test) is test


def test_nearest_pose_takes_the_training_frame_whose_head_stands_nearest():
    train = [
        clip(3, 1, head_to_world=poses([-20, -10, 0], [0, 0, 0])),
        clip(3, 2, head_to_world=poses([10, 20, 30], [0, 0, 0.1])),
    ]
    test = clip(4, 3, head_to_world=poses([-19, 1, 11, 29], [0, 0, 0, 0.1]))
    picked = reference_frames("nearest_pose", train, test)
    expected = [train[0].array[0], train[0].array[2], train[1].array[0], train[1].array[2]]
    np.testing.assert_array_equal(picked.frames(0, 4), expected)
    np.testing.assert_array_equal(picked.frames(2, 3), expected[2:3])


def test_nearest_pose_weighs_rotation_and_translation_by_their_spread():
    # Turned by 40 degrees overall and shifted by 4 mm overall: 2 mm are as far as 20 degrees.
    train = [clip(3, 1, head_to_world=poses([0, 40, 20], [0, 0, 0.004]))]
    test = clip(1, 3, head_to_world=poses([20], [0.0035]))
    np.testing.assert_array_equal(reference_frames("nearest_pose", train, test).frames(0, 1), train[0].array[2:3])


def test_nearest_pose_never_takes_a_frame_without_a_tracked_face():
    valid = np.array([True, False, True])
    train = [clip(3, 1, head_to_world=poses([0, 10, 20], [0, 0, 0]), valid=valid)]
    test = clip(1, 3, head_to_world=poses([11], [0]))
    np.testing.assert_array_equal(reference_frames("nearest_pose", train, test).frames(0, 1), train[0].array[2:3])


def test_frozen_mouth_changes_only_the_mouth_box():
    train, test = [clip(3, 1, openings=[0.3, 0.05, 0.2])], clip(2, 3)
    frozen = reference_frames("frozen_mouth", train, test).frames(0, 2)
    changed = (frozen != test.array).any(axis=1)
    boxes = mouth_boxes(test.landmarks, SIZE, SIZE).numpy()
    assert not changed[~boxes].any()
    assert changed[boxes].mean() > 0.8


def test_frozen_mouth_pastes_the_most_shut_training_mouth():
    train, test = [clip(3, 1, openings=[0.3, 0.05, 0.2])], clip(2, 3)
    frozen = reference_frames("frozen_mouth", train, test).frames(0, 2)
    inside = np.stack([mouth_weight(points, SIZE, SIZE) == 1 for points in test.landmarks])
    assert inside.sum() > 2 * 64
    for frame, mask in zip(frozen, inside):  # same place, same size: the very pixels
        np.testing.assert_array_equal(frame[:, mask], train[0].array[1][:, mask])


def test_frozen_mouth_follows_the_head():
    train, test = [clip(1, 1)], clip(2, 3)
    test.landmarks[1] += [6, -3]
    frozen = reference_frames("frozen_mouth", train, test).frames(1, 2)[0]
    mask = mouth_weight(test.landmarks[1], SIZE, SIZE) == 1
    moved = np.roll(train[0].array[0], (-3, 6), axis=(1, 2))
    assert np.abs(frozen[:, mask].astype(int) - moved[:, mask]).max() <= 1


def test_frozen_mouth_leaves_a_frame_without_a_face_as_it_is():
    test = clip(2, 3)
    test.landmarks[1] = np.nan
    frozen = reference_frames("frozen_mouth", [clip(2, 1)], test).frames(0, 2)
    np.testing.assert_array_equal(frozen[1], test.array[1])


def test_the_similarity_transform_is_recovered():
    points = np.random.default_rng(0).uniform(0, 50, (20, 2))
    turn = Rotation.from_euler("z", 20, degrees=True).as_matrix()[:2, :2]
    moved = 1.3 * points @ turn.T + [5, -7]
    found = similarity(points, moved)
    np.testing.assert_allclose(found, np.concatenate([1.3 * turn, [[5], [-7]]], axis=1), atol=1e-9)


def test_rows_come_from_the_test_clips_own_speaker():
    train, test = [clip(2, 1, speaker="a"), clip(2, 2, speaker="b")], clip(2, 3, speaker="a")
    np.testing.assert_array_equal(reference_frames("last_frame", train, test).frames(0, 1), train[0].array[-1:])
    stranger = clip(2, 3, speaker="c")
    np.testing.assert_array_equal(reference_frames("last_frame", train, stranger).frames(0, 1), train[1].array[-1:])


def test_what_test_clips_share_is_read_once():
    train = [clip(4, 1)]
    rows = References(train)
    rows.frames("mean_frame", clip(2, 2))
    read = len(train[0].asked)
    rows.frames("mean_frame", clip(2, 3))
    assert len(train[0].asked) == read


def test_frames_are_given_out_lazily():
    train, test = [clip(3, 1)], clip(4, 3)
    row = reference_frames("frozen_mouth", train, test)
    assert test.asked == []
    row.frames(1, 3)
    assert test.asked == [(1, 3)]


def test_training_clips_that_cannot_serve_say_so():
    with pytest.raises(ValueError, match="at least one training clip"):
        References([])
    faceless = clip(2, 1, valid=np.zeros(2, bool))
    faceless.landmarks[:] = np.nan
    with pytest.raises(ValueError, match="tracked face"):
        References([faceless]).frames("nearest_pose", clip(2, 2))
    with pytest.raises(ValueError, match="frame with a face"):
        References([faceless]).frames("frozen_mouth", clip(2, 2))
