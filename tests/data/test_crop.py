"""The crop square."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from erlnet.data.crop import FACE_MULTIPLE, Crop, face_crop


def face_at(x, y, size, frames=10):
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (68, 2))
    points[0], points[1] = (0, 0), (1, 1)
    return np.tile((points - 0.5) * size + [x, y], (frames, 1, 1))


def test_a_square_clip_with_a_face_of_two_fifths_stays_whole():
    crop = face_crop(face_at(264, 283, 212), (512, 512), 512)
    assert crop == Crop(0, 0, 512, 512)
    frame = np.random.default_rng(1).integers(0, 255, (512, 512, 3), dtype=np.uint8)
    assert (crop.image(frame) == frame).all()


def test_a_small_face_gives_a_square_around_it():
    crop = face_crop(face_at(900, 500, 100), (1080, 1920), 512)
    assert crop.side == round(FACE_MULTIPLE * 100)
    assert (crop.left + crop.side / 2, crop.top + crop.side / 2) == (900, 500)


def test_frames_without_a_face_do_not_count():
    landmarks = face_at(900, 500, 100)
    with_gap = landmarks.copy()
    with_gap[3:5] = np.nan
    assert face_crop(with_gap, (1080, 1920), 512) == face_crop(landmarks, (1080, 1920), 512)


@given(
    x=st.floats(0, 640), y=st.floats(0, 480), size=st.floats(20, 400), way=st.floats(-300, 300),
    height=st.integers(64, 480), width=st.integers(64, 640),
)  # fmt: skip
def test_the_square_always_lies_in_the_frame(x, y, size, way, height, width):
    landmarks = face_at(x, y, size)
    landmarks[5:, :, 0] += way
    crop = face_crop(landmarks, (height, width), 128)
    assert 0 <= crop.left <= crop.left + crop.side <= width
    assert 0 <= crop.top <= crop.top + crop.side <= height


def test_a_face_that_wanders_is_inside_throughout():
    landmarks = face_at(400, 500, 100, 100)
    landmarks[:, :, 0] += np.linspace(0, 500, 100)[:, None]
    crop = face_crop(landmarks, (1080, 1920), 512)
    inside = crop.points(landmarks[2:-2])
    assert inside.min() > 0
    assert inside.max() < 512


def test_points_and_picture_move_together():
    crop = Crop(100, 50, 64, 128)
    frame = np.zeros((480, 640, 3), np.uint8)
    frame[82, 132] = 255  # its centre is at (132.5, 82.5)
    picture = crop.image(frame).astype(float).mean(2)
    ys, xs = np.mgrid[:128, :128] + 0.5
    centre = [(picture * xs).sum() / picture.sum(), (picture * ys).sum() / picture.sum()]
    np.testing.assert_allclose(crop.points(np.array([132.5, 82.5])), centre, atol=0.05)
