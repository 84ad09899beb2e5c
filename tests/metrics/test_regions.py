import numpy as np
import pytest
import torch
from metric_fakes import face

from erlnet.interfaces import REGIONS
from erlnet.metrics.face import interocular, landmark_distance, mouth_distance, mouth_opening
from erlnet.metrics.protocol import IMAGE_REGIONS
from erlnet.metrics.regions import mouth_boxes, region_masks, region_means


def test_every_image_region_is_the_frame_the_mouth_box_or_a_bit_of_the_map():
    assert set(IMAGE_REGIONS) == (set(REGIONS) | {"frame"}) - {"unknown"}


def test_masks_follow_the_bits_and_may_overlap():
    bits = np.zeros((1, 20, 20), np.uint8)
    bits[0, :10] = 1 << REGIONS.index("head")
    bits[0, 5:10] |= 1 << REGIONS.index("face")
    masks = region_masks(bits, face((10, 10), 5)[None])[0]
    named = dict(zip(IMAGE_REGIONS, masks))
    assert named["frame"].all()
    assert named["head"][:10].all()
    assert not named["head"][10:].any()
    assert named["face"].sum() == 100
    assert not named["torso"].any()


def test_the_mouth_is_a_box_of_1_3_by_0_9_interocular_round_landmarks_48_to_67():
    landmarks = face((50, 40), eyes=40)[None]
    assert interocular(landmarks)[0] == pytest.approx(40)
    box = mouth_boxes(landmarks, 100, 100)[0]
    rows, columns = box.any(dim=1).nonzero()[:, 0], box.any(dim=0).nonzero()[:, 0]
    centre = landmarks[0, 48:68].mean(axis=0)
    assert (columns[0], columns[-1]) == (round(centre[0] - 26), round(centre[0] + 26) - 1)  # 52 px wide
    assert (rows[0], rows[-1]) == (round(centre[1] - 18), round(centre[1] + 18) - 1)  # 36 px high
    assert box.sum() == 52 * 36


def test_the_mouth_box_is_cut_at_the_frame_and_empty_without_a_face():
    landmarks = np.stack([face((4, 4), 20), np.full((68, 2), np.nan)])
    boxes = mouth_boxes(landmarks, 40, 40)
    assert 0 < boxes[0].sum() < 26 * 18
    assert boxes[1].sum() == 0


def test_a_region_reads_the_mean_of_the_whole_frames_map():
    values = torch.arange(400.0).view(1, 20, 20)
    masks = torch.zeros(1, 3, 20, 20, dtype=torch.bool)
    masks[0, 0] = True
    masks[0, 1, :4] = True  # 80 px: rows 0-3
    masks[0, 2, 0, :] = True
    masks[0, 2, 1:4, :14] = True  # 62 px
    means = region_means(values, masks)[0]
    assert means[0] == pytest.approx(199.5)
    assert means[1] == pytest.approx(39.5)
    assert means[2].isnan()  # fewer than 64 px


def test_64_pixels_are_enough():
    mask = torch.zeros(1, 1, 20, 20, dtype=torch.bool)
    mask[0, 0, :8, :8] = True
    assert region_means(torch.ones(1, 20, 20), mask).item() == 1


def test_mouth_opening_is_the_inner_lip_gap_over_interocular_distance():
    assert mouth_opening(face(opening=0.3)) == pytest.approx(0.3)
    assert mouth_opening(face(opening=0.0)) == pytest.approx(0)
    assert mouth_opening(face(eyes=55, opening=0.3)) == pytest.approx(0.3)  # the same however large the face


def test_landmark_distance_sees_a_shift_and_the_centred_mouth_does_not():
    still = face()
    shifted = still + np.array([3, 4])
    assert landmark_distance(still, shifted) == pytest.approx(5)
    assert mouth_distance(still, shifted) == pytest.approx(0)


def test_the_centred_mouth_sees_a_mouth_that_moves_against_the_head():
    moved = face()
    moved[48:68] += [0, 2]
    assert mouth_distance(face(), moved) == pytest.approx(2)
    assert landmark_distance(face(), moved) == pytest.approx(2 * 20 / 68)
